"""What would have been chosen with other hyperparameters: for a recorded step, from its trace alone, without the model.

A trace keeps the best 512 logits and statistics of the rest. The answer is computed for several rests that these
statistics allow, and with thresholds and logits moved by what float32 arithmetic may do; where that makes a difference
it is an estimate, and says so. The samplers themselves are in samplers.py, a pass through them in resampling.py.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from samantha.errors import TraceError
from samantha.hyperparameters import KNOBS, LOADING, Hyperparameters
from samantha.learning import beyond, samplers
from samantha.learning.resampling import Given, Known, Resampling
from samantha.learning.samplers import UNKNOWN, Floats
from samantha.traces import BEST, Candidate, Stage, TokenTrace

TOLERANCE = 5e-5
"""Final probabilities that differ by no more between possible rests count as known."""
TOLERANCE_BETWEEN = 5e-3
"""The same between the stages, where a probability is only looked at."""

WITHOUT_EFFECT = frozenset({"max_tokens", "stop", "seed", *LOADING})
"""Knobs that have no part in choosing one token once its logits are there. The luck stays the same, so no seed."""


class WhatIf(msgspec.Struct, frozen=True):
    """The candidates under other hyperparameters, and what the same luck would have chosen.

    `stages` and `candidates` are as in a trace; a candidate's `piece` is empty where the trace does not name it.
    `shares` are the tokens that can have come, with the share of each, likeliest first; id -1 stands for tokens beyond
    those that the trace kept. `choice` is the first of them. `same_luck` says that the recorded draw is known: then the
    shares are of the part of the distribution in which it fell, and else of all of it.

    `left_out` says in codes why the answer may not be what really happens: `beyond_best` (it hangs on tokens beyond the
    best 512, which are estimated), `tie` (two outcomes too close to tell apart), `dry`, `xtc` (their part is not
    known), `mirostat`, `grammar` (not taken into account). `approximate` is whether there are any. Entropies of stages
    that keep tokens beyond the best are estimates in any case.
    """

    stages: tuple[Stage, ...]
    candidates: tuple[Candidate, ...]
    choice: int
    shares: tuple[tuple[int, float], ...]
    same_luck: bool
    left_out: tuple[str, ...]

    @property
    def approximate(self) -> bool:
        """Whether something could really be otherwise than it is said here."""
        return bool(self.left_out)

    @property
    def certain(self) -> bool:
        """Whether nothing else could have come."""
        return len(self.shares) == 1

    def removed_by(self, candidate: Candidate) -> str:
        """The name of the stage that removed a candidate; empty where none did."""
        return next((s.name for s, p in zip(self.stages, candidate.after, strict=True) if p is None), "")


def what_if(
    trace: TokenTrace,
    selected_id: int,
    recorded: Hyperparameters,
    values: Hyperparameters,
    before: Sequence[int],
    *,
    top: int = 10,
) -> WhatIf:
    """The step of `trace`, which chose `selected_id` with the hyperparameters `recorded`, with `values` instead.

    Args:
        before: ids of all tokens before this one, of the prompt and of the answer.
        top: how many candidates to give, by rank and again by what is left of them; the selected one and the possible
            choices are always among them.

    Raises:
        TraceError: the trace keeps no logits.
    """
    known = _known(trace, selected_id)
    amounts, dry_known = _dry(trace, recorded, values, before)
    fired = _fired(trace, known, recorded, before)
    fires = _fires(fired, recorded, values)
    tokens = np.asarray(before, np.int64)
    given = Given(tokens, amounts, bool(fires))
    passes = _passes(known, values, given)
    unchanged = not trace.forced and _same(recorded, values)
    as_was = Given(tokens, dict(trace.dry), bool(fired))
    luck, luck_known = (None, True) if unchanged else _luck(trace, known, recorded, as_was, selected_id)
    shares = ((selected_id, 1.0),) if unchanged else _shares(passes.likely, luck or (0.0, 1.0)) or ((selected_id, 1.0),)
    guessed = shares[0][0] == UNKNOWN or not (luck_known or len(shares) == 1)
    codes = {
        "beyond_best": guessed or _differ(passes) or _uncounted(known, values),
        "tie": any(not _alike(passes.likely, other) for other in passes.nudged),
        "dry": not dry_known,
        "xtc": fires is None,
        "mirostat": bool(values.mirostat),
        "grammar": bool(values.grammar or values.json_schema),
    }
    return WhatIf(
        stages=tuple(Stage(after.name, round(after.survivors), after.entropy) for after in passes.likely.stages),
        candidates=_candidates(trace, known, passes.likely, top, {selected_id, *(token for token, _ in shares[:top])}),
        choice=shares[0][0], shares=shares, same_luck=unchanged or luck is not None,
        left_out=tuple(code for code, there in codes.items() if there),
    )  # fmt: skip


def _known(trace: TokenTrace, selected: int) -> Known:
    """The best logits; the selected token too where it is none of them."""
    ids = np.frombuffer(trace.ids, "<i4").astype(np.int64)
    logits = np.frombuffer(trace.logits, "<f4").astype(np.float64)
    if not ids.size or ids.size != logits.size:
        raise TraceError("This token was recorded without its logits: trace the answer anew to try values on it.")
    finite, rest = np.isfinite(logits), trace.rest
    impossible = int(np.count_nonzero(~finite))
    ids, logits = ids[finite], logits[finite]
    if rest.count and trace.logit is not None and selected not in ids:
        ids, logits = np.append(ids, selected), np.append(logits, trace.logit)
        rest = beyond.without(rest, trace.logit)
    return Known(ids, logits, rest, beyond.tails(rest), impossible)


class Passes(NamedTuple):
    """The samplers over the likely rest, over the extreme ones, and over the likely one nudged either way."""

    likely: Resampling
    others: list[Resampling]
    nudged: list[Resampling]


def _passes(known: Known, values: Hyperparameters, given: Given, nudges: Sequence[int] = (-1, 1)) -> Passes:
    tails = known.tails
    tail = tails.likely if tails else None
    likely = Resampling(known, tail).run(values, given)
    nudged = [
        Resampling(known, tail, nudge=nudge, crossed=crossed).run(values, given)
        for nudge in nudges
        for crossed in (False, True)
    ]
    if not tails:
        return Passes(likely, [], nudged)
    others = [Resampling(known, tail) for tail in (tails.flattest, tails.steepest)]
    if known.unknown(np.append(given.before, list(given.dry))).any():
        others += [Resampling(known, tails.steepest, moving=moving) for moving in (-1, 1)]
    return Passes(likely, [other.run(values, given) for other in others], nudged)


def _differ(passes: Passes) -> bool:
    """Whether the rest matters: for the survivors of any stage, or for the probabilities."""
    likely, final = passes.likely, passes.likely.probabilities()
    for other in passes.others:
        if not _alike(likely, other) or _distance(final, other.probabilities()) > TOLERANCE:
            return True
        for one, two in zip(likely.stages, other.stages, strict=True):
            if abs(one.survivors - two.survivors) > 0.5 or _distance(one.shares, two.shares) > TOLERANCE_BETWEEN:
                return True
    return False


def _uncounted(known: Known, values: Hyperparameters) -> bool:
    """Whether dynamic temperature counts tokens of logit minus infinity of which the trace may not name all."""
    all_named = known.ids.size + known.impossible < BEST
    return bool(known.impossible and not all_named and values.dynatemp_range > 0)


def _alike(one: Resampling, two: Resampling) -> bool:
    """Whether after every stage the same of the known tokens are left."""
    stages = zip(one.stages, two.stages, strict=True)
    return all(bool(((a.shares >= 0) == (b.shares >= 0)).all()) for a, b in stages)


def _distance(one: Floats, two: Floats) -> float:
    return float(np.abs(one - two).max(initial=0))


def _dry(
    trace: TokenTrace, recorded: Hyperparameters, values: Hyperparameters, before: Sequence[int]
) -> tuple[Mapping[int, float], bool]:
    """What DRY subtracts with the new values, and whether that is known.

    It was recorded, because it hangs on the text of tokens. The length of each repetition follows from the amount, and
    from that the amount for another strength, growth or longer allowed length.
    """
    r, v = recorded, values
    if not samplers.is_on("dry", v) or "dry" not in v.samplers:
        return {}, True
    if _dry_as_recorded(r) and v.repeat_last_n == r.repeat_last_n and v.dry_allowed_length >= r.dry_allowed_length:
        if (v.dry_base, v.dry_allowed_length) == (r.dry_base, r.dry_allowed_length):
            return {token: amount * v.dry_multiplier / r.dry_multiplier for token, amount in trace.dry}, True
        if r.dry_base > 1.01:
            return _with_other_growth(trace, r, v), True
    window = samplers.recent(before, v.repeat_last_n)
    return samplers.dry(window, v.dry_multiplier, v.dry_base, v.dry_allowed_length), False


def _dry_as_recorded(recorded: Hyperparameters) -> bool:
    """Whether DRY was on and saw all tokens, with logits as they came or penalised: else amounts are missing."""
    if not samplers.is_on("dry", recorded) or "dry" not in recorded.samplers:
        return False
    earlier = recorded.samplers[: recorded.samplers.index("dry")]
    return all(name == "penalties" or not samplers.is_on(name, recorded) for name in earlier)


def _with_other_growth(trace: TokenTrace, r: Hyperparameters, v: Hyperparameters) -> dict[int, float]:
    amounts = {}
    for token, amount in trace.dry:
        length = r.dry_allowed_length + round(math.log(amount / r.dry_multiplier) / math.log(r.dry_base))
        if length >= v.dry_allowed_length:
            amounts[token] = samplers.dry_amount(length, v.dry_multiplier, v.dry_base, v.dry_allowed_length)
    return amounts


def _fired(trace: TokenTrace, known: Known, recorded: Hyperparameters, before: Sequence[int]) -> bool | None:
    """Whether XTC acted in the recorded step; None where it was off, or could not have removed anything."""
    names = [stage.name for stage in trace.stages]
    if "xtc" not in names:
        return None
    at = names.index("xtc")
    earlier = trace.stages[at - 1].survivors if at else known.ids.size + known.rest.count
    if trace.stages[at].survivors < earlier:
        return True
    tail = known.tails.likely if known.tails else None
    stages = Resampling(known, tail).run(recorded, Given(np.asarray(before), dict(trace.dry), True)).stages
    acting = [after.name for after in stages]
    if "xtc" not in acting:
        return None
    here = acting.index("xtc")
    count = stages[here - 1].survivors if here else known.ids.size + known.rest.count
    return False if stages[here].survivors < count - 0.5 else None


def _fires(fired: bool | None, recorded: Hyperparameters, values: Hyperparameters) -> bool | None:
    """Whether XTC acts with the new values and the same luck; None where that is not known."""
    if not samplers.is_on("xtc", values) or values.mirostat or "xtc" not in values.samplers:
        return False
    if values.xtc_probability >= 1 or (fired is True and values.xtc_probability >= recorded.xtc_probability):
        return True
    if fired is False and values.xtc_probability <= recorded.xtc_probability:
        return False
    return None


def _luck(
    trace: TokenTrace, known: Known, recorded: Hyperparameters, given: Given, selected: int
) -> tuple[tuple[float, float] | None, bool]:
    """Where in the recorded cumulative distribution the draw fell, None where nothing is known; and whether exactly."""
    if trace.forced or recorded.mirostat or any(stage.name == "grammar" for stage in trace.stages):
        return None, True
    passes = _passes(known, recorded, given, nudges=())
    left = passes.likely.left
    found = np.flatnonzero(left.ids == selected)
    if not found.size:
        return None, True
    shares = samplers.probabilities(left)
    end = float(np.cumsum(shares)[found[0]])
    begin = end - float(shares[found[0]])
    # Before the best stands nothing unknown; where in the tail its tokens stand is a guess.
    exactly = not (left.ids[: found[0]] == UNKNOWN).any() and not _differ(passes)
    return ((begin, end) if end > begin else None), exactly


def _shares(likely: Resampling, luck: tuple[float, float]) -> tuple[tuple[int, float], ...]:
    """What of the new cumulative distribution lies where the draw fell, by token, likeliest first."""
    left = likely.left
    shares = samplers.probabilities(left)
    ends = np.cumsum(shares)
    common = np.minimum(luck[1], ends) - np.maximum(luck[0], ends - shares)
    common = np.maximum(common, 0)
    found: dict[int, float] = {}
    for place in np.flatnonzero(common):
        token = int(left.ids[place])
        found[token] = found.get(token, 0.0) + float(common[place])
    total = sum(found.values())
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0] == UNKNOWN, item[0]))
    return tuple((token, share / total) for token, share in ordered if share / total > 1e-9)


def _same(recorded: Hyperparameters, values: Hyperparameters) -> bool:
    return all(getattr(recorded, name) == getattr(values, name) for name in KNOBS if name not in WITHOUT_EFFECT)


def _candidates(
    trace: TokenTrace, known: Known, likely: Resampling, top: int, always: set[int]
) -> tuple[Candidate, ...]:
    """The likeliest before and after the samplers, and those that are asked for, by rank."""
    wanted = set(known.ids[:top].tolist()) | always
    wanted |= set(likely.left.ids[:top].tolist())
    places = {token: place for place, token in enumerate(known.ids.tolist()) if token in wanted}
    named = {candidate.id: candidate for candidate in trace.candidates}
    total = _log_sum_exp(known)
    found = []
    for token, place in places.items():
        logit = float(known.logits[place])
        after = tuple(float(stage.shares[place]) if stage.shares[place] >= 0 else None for stage in likely.stages)
        rank = place + 1 if place < BEST else trace.rank
        piece = named[token].piece if token in named else b""
        found.append(Candidate(token, piece, logit, math.exp(logit - total), rank, after))
    nothing = tuple(None for _ in likely.stages)
    impossible = [named[token] for token in always if token in named and token not in places]
    found += [msgspec.structs.replace(candidate, after=nothing) for candidate in impossible]
    return tuple(sorted(found, key=lambda candidate: candidate.rank))


def _log_sum_exp(known: Known) -> float:
    """Of all logits, those beyond the best included."""
    rest = known.rest.log_sum_exp if known.rest.count and known.rest.log_sum_exp is not None else -math.inf
    if not known.logits.size:
        return rest
    highest = float(known.logits[0])
    return highest + math.log(float(np.exp(known.logits - highest).sum()) + math.exp(rest - highest))
