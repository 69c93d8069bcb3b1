"""What-if as the page shows it: a recorded choice, and what it would have been. No Gradio, no HTTP, no model.

The reckoning is `samantha.learning.what_if`; here stands what the page needs of it, as plain JSON.
"""

from collections.abc import Mapping
from typing import Any

from samantha.chain.record import Answer
from samantha.errors import ChainError
from samantha.hyperparameters import Hyperparameters, changed
from samantha.traces import Candidate, Stage, TokenTrace

KNOBS = (
    "temperature", "top_k", "top_p", "min_p", "typical_p", "tfs_z", "top_n_sigma", "repeat_penalty",
    "presence_penalty", "frequency_penalty", "repeat_last_n",
)  # fmt: skip
"""The knobs that can be moved."""

SHOWN = 10
"""Candidates by rank, and again by what is left of them."""

SHARES = 4
"""Tokens that can have come that are named."""


def shown(answer: Answer, position: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What would have been chosen with `changes`; without any, only what is recorded.

    Raises:
        ChainError: nothing was recorded of this choice.
        HyperparameterError: an unknown knob or a bad value.
        TraceError: the trace keeps no logits.
    """
    token = answer.tokens[position]
    if token.trace is None:
        raise ChainError("Nothing was recorded of this token's choice: generate again from here in learning mode.")
    recorded = answer.values(position)
    values = changed(recorded, changes)
    found: dict[str, Any] = {
        "values": {name: getattr(recorded, name) for name in KNOBS},
        "selected": _token(answer, token.id),
        "unchanged": values == recorded,
    }
    return found if values == recorded else found | _otherwise(answer, position, token.trace, recorded, values)


def _otherwise(
    answer: Answer, position: int, trace: TokenTrace, recorded: Hyperparameters, values: Hyperparameters
) -> dict[str, Any]:
    from samantha.learning.what_if import what_if

    selected = answer.tokens[position].id
    before = (*answer.prompt_ids, *(seen.id for seen in answer.tokens[:position]))
    now = what_if(trace, selected, recorded, values, before, top=SHOWN)
    then = {one.id: one for one in trace.candidates}
    return {
        "all": len(trace.ids) // 4 + trace.rest.count,
        "recorded": [_stage(stage) for stage in trace.stages],
        "now": [_stage(stage) for stage in now.stages],
        "order": list(values.samplers),
        "candidates": [_candidate(answer, one, then.get(one.id), trace) for one in now.candidates],
        "shares": [_token(answer, id) | {"share": share} for id, share in now.shares[:SHARES]],
        "others": max(0, len(now.shares) - SHARES),
        "same_luck": now.same_luck,
        "left_out": list(now.left_out),
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {"name": stage.name, "survivors": stage.survivors}


def _candidate(answer: Answer, now: Candidate, then: Candidate | None, trace: TokenTrace) -> dict[str, Any]:
    """A candidate: its probability before any sampler, after each one now, and after the last one as recorded.

    `known` says whether what was recorded names it.
    """
    recorded = then.after[-1] if then and then.after else now.probability if not trace.stages else None
    return _token(answer, now.id, now.piece) | {
        "rank": now.rank,
        "probability": now.probability,
        "after": list(now.after),
        "recorded": recorded,
        "known": then is not None or not trace.stages,
    }


def _token(answer: Answer, id: int, piece: bytes = b"") -> dict[str, Any]:
    """A token's id and text; text null where nothing in the answer says it."""
    text = piece or _pieces(answer).get(id)
    return {"id": id, "piece": None if text is None else text.decode("utf-8", "backslashreplace")}


def _pieces(answer: Answer) -> dict[int, bytes]:
    """The texts of all tokens that the answer and its traces name."""
    named = {one.id: one.piece for seen in answer.tokens if seen.trace for one in seen.trace.candidates}
    return named | {seen.id: seen.piece for seen in answer.tokens}
