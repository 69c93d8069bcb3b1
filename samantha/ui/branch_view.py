"""Branches as the page shows them: the tree of one answer, two answers side by side. No Gradio, no HTTP, no model.

Everything is plain JSON made from a `Record`. Log-probabilities are natural logarithms of what the tokens had before
any sampler, so that branches with other settings can be compared; None where the run was not traced.
"""

import math
from collections.abc import Sequence
from typing import Any

from samantha.chain.record import Answer, Record, Seen
from samantha.errors import ChainError
from samantha.hyperparameters import differences

TRUNK = 48
"""Characters at the end of the shared text that a fork shows."""

SHORTENED = 240
"""Characters of a branch's own text that the tree shows."""


def answer_of(record: Record, step: int, branch: int) -> Answer:
    """An answer of a record.

    Raises:
        ChainError: there is none.
    """
    answer = record.answers.get((step, branch))
    if answer is None:
        what = f"branch {branch} of step {step}" if branch else f"answer of step {step}"
        raise ChainError(f"This run has no {what}: choose one that the page shows.")
    return answer


def tree(record: Record, step: int) -> dict[str, Any]:
    """The first answer of a step with all that leaves it, as nested nodes; empty where the step has no answer yet."""
    children: dict[int, list[Answer]] = {}
    for answer in record.branches(step):
        if answer.parent:
            children.setdefault(answer.parent.branch, []).append(answer)
    first = record.answers.get((step, 0))
    return _node(first, children) if first else {}


def _node(answer: Answer, children: dict[int, list[Answer]]) -> dict[str, Any]:
    """One branch: what is its own, and the forks at which others leave it, in the order of their places.

    `seed` is None where it is that of the parent.
    """
    leaving: dict[int, list[Answer]] = {}
    for child in children.get(answer.branch, []):
        leaving.setdefault(child.position, []).append(child)
    return {
        "branch": answer.branch,
        "parent": answer.parent.branch if answer.parent else None,
        "position": answer.position,
        "forced": answer.forced,
        "seed": answer.seed if answer.parent is None or answer.parent.seed != answer.seed else None,
        "changes": _changes(answer),
        "reason": answer.reason,
        "message": answer.message,
        "forks": [_fork(answer, place, leaving[place], children) for place in sorted(leaving)],
    } | part(answer.tokens, answer.position)


def _fork(
    parent: Answer, position: int, branches: Sequence[Answer], children: dict[int, list[Answer]]
) -> dict[str, Any]:
    """Where branches leave: the end of what they share, how the parent went on, and the branches themselves."""
    trunk = written(parent.tokens[:position])
    return {
        "position": position,
        "trunk": trunk[-TRUNK:],
        "cut": len(trunk) > TRUNK,
        "rest": part(parent.tokens, position),
        "branches": [_node(branch, children) for branch in branches],
    }


def part(tokens: Sequence[Seen], begin: int) -> dict[str, Any]:
    """Tokens from number `begin` on: their text, shortened, the first one, and how likely all of them were."""
    own = tokens[begin:]
    text = written(own)
    return {
        "text": text[:SHORTENED],
        "longer": len(text) > SHORTENED,
        "tokens": len(own),
        "first": token(own[0]) if own else None,
    } | likelihood(own)


def likelihood(tokens: Sequence[Seen]) -> dict[str, float | None]:
    """The sum and the mean of the tokens' log-probabilities; None where a token was not traced or was impossible."""
    traces = [one.trace for one in tokens]
    known = [math.log(trace.probability) for trace in traces if trace and trace.probability > 0]
    if not tokens or len(known) < len(tokens):
        return {"sum": None, "mean": None}
    total = math.fsum(known)
    return {"sum": total, "mean": total / len(tokens)}


def token(seen: Seen) -> dict[str, Any]:
    """One token: its id, its text (bytes that are no text as \\xnn), its probability and rank before any sampler."""
    return {
        "id": seen.id,
        "piece": seen.piece.decode("utf-8", "backslashreplace"),
        "probability": seen.trace.probability if seen.trace else None,
        "rank": seen.trace.rank if seen.trace else None,
    }


def written(tokens: Sequence[Seen]) -> str:
    """What became visible with the tokens."""
    return "".join(one.shown for one in tokens)


def _changes(answer: Answer) -> dict[str, Any]:
    """The hyperparameters that a branch began with and that its parent did not have there, but the seed."""
    if answer.parent is None:
        return {}
    before = answer.parent.values(answer.position)
    changed = differences(answer.values(answer.position), before)
    return {name: value for name, value in changed.items() if name != "seed"}


def compared(left: Answer, right: Answer) -> dict[str, Any]:
    """Two answers side by side: the text of the tokens that both begin with, then what each has from there on.

    Tokens are compared by their ids.
    """
    pairs = zip(left.tokens, right.tokens, strict=False)
    same = next((place for place, (one, other) in enumerate(pairs) if one.id != other.id), None)
    if same is None:
        same = min(len(left.tokens), len(right.tokens))
    return {
        "same": same,
        "text": written(left.tokens[:same]),
        "left": _side(left, same),
        "right": _side(right, same),
    }


def _side(answer: Answer, same: int) -> dict[str, Any]:
    own = answer.tokens[same:]
    first = token(own[0]) | {"shown": own[0].shown} if own else None
    return {"branch": answer.branch, "first": first, "text": written(own[1:]), "tokens": len(own)} | likelihood(own)
