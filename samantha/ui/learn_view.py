"""Answers as the Learn tab takes them: what is new since the last look, and everything about one token. No HTTP.

Texts of tokens are their bytes as text; bytes that are none stand as \\xnn. Probabilities are shares of 1, surprisal
and entropy bits; what no number can say (an infinite surprisal) becomes null in JSON.
"""

from typing import Any

from samantha.chain.record import Answer, Key, Record, Seen
from samantha.hyperparameters import DEFAULTS, KNOBS, differences
from samantha.traces import Stage, TokenTrace
from samantha.ui.learning import Learning

Update = dict[str, Any]

SAID_BY = {"dry": "dry_multiplier", "xtc": "xtc_probability", "penalties": "repeat_penalty"}
"""The knob whose value stands beside a sampler that has another name."""


class LearnStream:
    """Turns what learning mode holds into updates. One per watching page."""

    def __init__(self) -> None:
        self._record: Record | None = None
        self._sent: dict[Key, tuple[int, int, str]] = {}

    def update(self, learning: Learning) -> Update:
        """What the page must change. Tokens are sent once each, those of a branch from where it leaves its parent."""
        record = learning.record
        update: Update = {"run": record.run, "opened": learning.opened, "candidates": learning.candidates}
        state = learning.pace.state
        update["pace"] = {"speed": state.speed, "waiting": state.waiting, "left": state.left}
        update["pace"]["to_unlikely"] = state.to_unlikely
        if record is not self._record:
            self._record, self._sent = record, {}
            update["clear"] = True
        changes = [change for answer in list(record.answers.values()) if (change := self._change(answer))]
        if changes:
            update["answers"] = changes
        return update

    def _change(self, answer: Answer) -> Update | None:
        key = (answer.step, answer.branch)
        now = (len(answer.tokens), len(answer.changes), answer.reason)
        before = self._sent.get(key)
        if now == before:
            return None
        self._sent[key] = now
        change: Update = {"step": answer.step, "branch": answer.branch, "reason": answer.reason}
        if before is None or now[1:] != before[1:]:
            change |= _head(answer)
        begin = before[0] if before else _own(answer)
        if now[0] > begin and is_traced(answer):
            tokens = [_token(seen) for seen in answer.tokens[begin : now[0]]]
            change |= {"traced": True, "from": begin, "tokens": tokens}
        return change


def is_traced(answer: Answer) -> bool:
    """Whether an answer's own tokens were traced, which holds for all or none of them."""
    return len(answer.tokens) > answer.position and answer.tokens[-1].trace is not None


def _own(answer: Answer) -> int:
    """From which token on an answer is sent: what it shares with its parent was sent with that, if it was traced."""
    return answer.position if answer.parent and is_traced(answer.parent) else 0


def _head(answer: Answer) -> Update:
    return {
        "model": answer.model, "prompt": answer.prompt, "position": answer.position, "forced": answer.forced,
        "parent": answer.parent.branch if answer.parent else None, "seed": answer.seed, "message": answer.message,
        "changes": [[begin, values] for begin, values in answer.changes],
    }  # fmt: skip


def _token(seen: Seen) -> list[Any]:
    """Id, text, rank, probability, surprisal, entropy, and whether the user chose it."""
    trace = seen.trace
    if trace is None:
        return [seen.id, written(seen.piece), None, None, None, None, False]
    measured = (_digits(trace.probability), _digits(trace.surprisal), _digits(trace.entropy))
    return [seen.id, written(seen.piece), trace.rank, *measured, trace.forced]


def _digits(value: float) -> float:
    """Enough digits for any picture of it."""
    return float(f"{value:.5g}")


def written(piece: bytes) -> str:
    """A token's bytes as text."""
    return piece.decode("utf-8", "backslashreplace")


def details(answer: Answer, position: int) -> Update:
    """All that was seen when a token was chosen; `position` is one of the answer's, from 0."""
    seen = answer.tokens[position]
    values = answer.values(position)
    base: Update = {
        "run": answer.run, "step": answer.step, "branch": answer.branch, "position": position, "id": seen.id,
        "text": written(seen.piece), "traced": seen.trace is not None,
        "values": {name: value for name, value in differences(values, DEFAULTS).items() if name != "seed"},
    }  # fmt: skip
    if seen.trace is None:
        return base
    trace = seen.trace
    return base | {
        "rank": trace.rank, "logit": trace.logit, "probability": trace.probability, "surprisal": trace.surprisal,
        "entropy": trace.entropy, "forced": trace.forced, "vocabulary": _vocabulary(trace),
        "stages": [_stage(stage, values) for stage in trace.stages],
        "candidates": [
            [one.id, written(one.piece), one.logit, one.probability, one.rank, list(one.after)]
            for one in trace.candidates
        ],
    }  # fmt: skip


def _vocabulary(trace: TokenTrace) -> int:
    """How many tokens had a finite logit."""
    return len(trace.ids) // 4 + trace.rest.count


def _stage(stage: Stage, values: Any) -> Update:
    """A sampler, the value that it had, and what it left."""
    knob = SAID_BY.get(stage.name, stage.name)
    value = getattr(values, knob) if knob in KNOBS else None
    value = value if isinstance(value, int | float) else None
    return {"name": stage.name, "value": value, "survivors": stage.survivors, "entropy": stage.entropy}
