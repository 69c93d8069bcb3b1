"""The samplers once more, stage by stage, over what a trace kept: the best logits and a tail as it may have been.

Where llama.cpp counts candidates of logit minus infinity, they are counted here too (`impossible`), because dynamic
temperature and tail-free sampling feel them. What is not here: what the result means (what_if.py).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samantha.hyperparameters import Hyperparameters
from samantha.learning import samplers
from samantha.learning.beyond import Tail, Tails
from samantha.learning.samplers import UNKNOWN, Candidates, Floats, Integers
from samantha.traces import Rest

NOISE = 2e-7
"""Of a logit: what float32 arithmetic may move it by. Thresholds are moved by `_slack` or by `THRESHOLD`."""
THRESHOLD = 1e-5
FLOAT32 = 6e-8

DEPTHS: Floats = np.concatenate([[0], np.geomspace(0.01, 60, 60)])
"""How far below the highest of the tail a token is looked for that a penalty changes most."""

Penalty = Callable[[Any, Any], Any]
"""Gives the new logits for logits and what touches them, shapes that fit each other."""


class Known(NamedTuple):
    """What a trace kept of the raw logits: ids and finite logits, descending, both of the shape (n,).

    `rest` is what is known of the others, `tails` what they may have been; `impossible` were minus infinity.
    """

    ids: Integers
    logits: Floats
    rest: Rest
    tails: Tails | None
    impossible: int

    def unknown(self, ids: Any) -> NDArray[np.bool_]:
        """Of each of these ids, shape (m,), whether its logit is not known."""
        wanted, there = np.asarray(ids, np.int64), np.sort(self.ids)
        if not there.size:
            return np.ones(wanted.size, np.bool_)
        places = np.minimum(np.searchsorted(there, wanted), there.size - 1)
        return np.not_equal(there[places], wanted)


class Given(NamedTuple):
    """What the samplers are told beside the logits.

    `before` are the tokens of prompt and answer before this one, shape (n,); `dry` is what DRY subtracts, by id;
    `fires` says whether XTC acts this time.
    """

    before: Integers
    dry: Mapping[int, float]
    fires: bool


class After(NamedTuple):
    """The candidates after a stage: probability of each known token, shape (n,), -1 where it is none any more."""

    name: str
    shares: Floats
    survivors: float
    entropy: float
    """In bits."""


class Resampling:
    """One pass through the samplers.

    `moving`: penalties make the tokens of the tail that they touch as much less (-1) or more (1) likely as they can;
    0 leaves them as they are.
    `nudge`: -1 or 1 moves logits and thresholds by what float32 arithmetic may do to them, one way or the other;
    `crossed` moves them against each other.
    """

    def __init__(
        self, known: Known, tail: Tail | None, *, moving: int = 0, nudge: int = 0, crossed: bool = False
    ) -> None:
        self._known = known
        self._by_id = np.argsort(known.ids)
        self._rest = known.rest
        self._scale: float | None = 1.0
        """What the logits of the rest were multiplied by; None where penalties touched some of them."""
        self._impossible = known.impossible
        self._moving = moving
        self._nudge = nudge
        self.stages: list[After] = []
        signs = np.where(np.arange(known.ids.size) % 2, 1, -1) * (-nudge if crossed else nudge)
        noise = signs * NOISE * (np.abs(known.logits) + 1)
        parts = [(known.ids, known.logits + noise, np.ones(known.ids.size))]
        if tail is not None:
            parts.append((np.full(tail.logits.size, UNKNOWN), tail.logits, tail.tokens))
        ids, logits, tokens = (np.concatenate(column) for column in zip(*parts, strict=True))
        self.left: Candidates = samplers.candidates(ids, logits, tokens)

    def run(self, values: Hyperparameters, given: Given) -> "Resampling":
        """Apply the samplers that are on, in their order. Mirostat, and all that it replaces, is left out."""
        for name in values.samplers:
            if samplers.is_on(name, values) and (not values.mirostat or name in ("penalties", "dry")):
                size = self.left.total + self._impossible
                self.left = self._apply(name, values, given)
                self._forget(name, values, size)
                self.stages.append(self._after(name))
        return self

    def probabilities(self) -> Floats:
        """Of each known token, shape (n,), 0 where it is no candidate any more."""
        return np.maximum(self._shares(), 0)

    def _apply(self, name: str, v: Hyperparameters, given: Given) -> Candidates:
        left, nudge = self.left, self._nudge
        match name:
            case "penalties":
                return self._penalised(v, samplers.recent(given.before, v.repeat_last_n))
            case "dry":
                return self._subtracted(given.dry)
            case "top_n_sigma":
                return samplers.top_n_sigma(left, v.top_n_sigma * (1 + 10 * nudge * THRESHOLD), self._deviation())
            case "top_k":
                return samplers.top_k(left, v.top_k)
            case "typical_p":
                return samplers.typical_p(left, v.typical_p + nudge * self._slack(), nudge * self._entropy_slack())
            case "top_p":
                return samplers.top_p(left, v.top_p + nudge * self._slack())
            case "tfs_z":
                # Three zeros bend the curve as any number of them does.
                return samplers.tfs_z(left, v.tfs_z + nudge * self._bend_slack(v.tfs_z), min(self._impossible, 3))
            case "min_p":
                return samplers.min_p(left, min(1.0, v.min_p * (1 - nudge * THRESHOLD)))
            case "xtc":
                draw = 0.0 if given.fires else 2.0
                return samplers.xtc(left, v.xtc_probability, v.xtc_threshold * (1 - nudge * THRESHOLD), draw)
            case _:
                return self._cooled(v)

    def _penalised(self, v: Hyperparameters, window: Integers) -> Candidates:
        knobs = (v.repeat_penalty, v.presence_penalty, v.frequency_penalty)
        occurring, times = np.unique(window, return_counts=True)
        times = times[self._known.unknown(occurring)]
        left = samplers.penalties(self.left, window, *knobs)
        return self._moved(left, times, lambda logits, times: samplers.penalised(logits, times, *knobs))

    def _subtracted(self, amounts: Mapping[int, float]) -> Candidates:
        less = np.array(list(amounts.values()))[self._known.unknown(list(amounts))]
        return self._moved(samplers.subtracted(self.left, amounts), less, lambda logits, less: logits - less)

    def _moved(self, left: Candidates, touched: NDArray[Any], penalised: Penalty) -> Candidates:
        """Move the weight of tokens of the tail from its top to where a penalty can get them at most.

        How much it changes hangs on the token's logit, which is not known: the worst of all is taken.

        Args:
            touched: shape (m,), what `penalised` makes use of for each token of the tail that the penalty touches.
        """
        unknown = left.ids == UNKNOWN
        if not touched.size or not unknown.any():
            return left
        self._scale = None
        if not self._moving:
            return left
        kinds, counts = np.unique(touched, return_counts=True)
        highest = float(left.logits[unknown][0])
        logits = np.broadcast_to(highest - DEPTHS, (kinds.size, DEPTHS.size))
        moved = penalised(logits, kinds[:, None])
        gain = self._moving * (np.exp(moved - highest) - np.exp(logits - highest))
        worst = gain.argmax(axis=1)
        shift = np.take_along_axis(moved - logits, worst[:, None], axis=1)[:, 0]
        return _shifted(left, highest, shift, np.where(gain.max(axis=1) > 0, np.exp(-DEPTHS[worst]) * counts, 0.0))

    def _deviation(self) -> float | None:
        """Of all logits, exactly, while the whole rest is there as it was."""
        unknown = self.left.ids == UNKNOWN
        rest, count = self._rest, float(self.left.tokens[unknown].sum())
        if not rest.count or self._scale is None or abs(count - rest.count) > 0.5:
            return None
        mean, deviation = (rest.mean or 0.0) * self._scale, (rest.deviation or 0.0) * self._scale
        known = self.left.logits[~unknown]
        total = known.size + count
        centre = (float(known.sum()) + count * mean) / total
        squares = float(((known - centre) ** 2).sum()) + count * (deviation**2 + (mean - centre) ** 2)
        return math.sqrt(squares / total)

    def _cooled(self, v: Hyperparameters) -> Candidates:
        heat = samplers.dynamic_temperature(
            self.left, v.temperature, v.dynatemp_range, v.dynatemp_exponent, self.left.total + self._impossible
        )
        if self._scale is not None and heat > 0:
            self._scale /= heat
        return samplers.temperature(self.left, heat)

    def _slack(self) -> float:
        """How far off sums of probabilities may be in llama.cpp: half a unit in the last place of float32 for each."""
        shares = samplers.probabilities(self.left)
        return THRESHOLD / 5 + float(np.minimum(shares, FLOAT32 * self.left.tokens).sum())

    def _entropy_slack(self) -> float:
        """The same for the expected surprise, in nats."""
        terms = samplers.probabilities(self.left) * samplers.surprisals(self.left)
        return THRESHOLD / 5 + float(np.minimum(terms, FLOAT32 * max(1.0, terms.sum()) * self.left.tokens).sum())

    def _bend_slack(self, z: float) -> float:
        """The same for the shares of tail-free sampling. 0 and 1 mean themselves."""
        bend = float(np.abs(np.diff(samplers.probabilities(self.left), n=2)).sum())
        return THRESHOLD / 10 + min(1.0, 5 * FLOAT32 / bend) if 0 < z < 1 and bend > 0 else 0.0

    def _forget(self, name: str, v: Hyperparameters, size: float) -> None:
        """How many candidates of logit minus infinity llama.cpp keeps after this stage, of `size` candidates before."""
        kept = self.left.total
        if name in ("top_n_sigma", "temperature"):
            self._impossible = round(size - kept)
        elif name == "top_k":
            self._impossible = round(max(0, min(v.top_k, size) - kept))
        elif name in ("typical_p", "top_p", "min_p") or (name == "tfs_z" and kept < size - self._impossible - 0.5):
            self._impossible = 0

    def _after(self, name: str) -> After:
        return After(name, self._shares(), self.left.total, samplers.entropy(self.left) / math.log(2))

    def _shares(self) -> Floats:
        shares = np.full(self._known.ids.size, -1.0)
        there = self.left.ids != UNKNOWN
        places = self._by_id[np.searchsorted(self._known.ids[self._by_id], self.left.ids[there])]
        shares[places] = samplers.probabilities(self.left)[there]
        return shares


def _shifted(left: Candidates, highest: float, shift: Floats, tokens: Floats) -> Candidates:
    """Move so many tokens of the tail as `tokens` says, shape (m,), from logits of `highest` by `shift` each."""
    at_top = np.where((left.ids == UNKNOWN) & (left.logits == highest), left.tokens, 0)
    tokens = tokens * min(1.0, float(at_top.sum()) / max(float(tokens.sum()), 1e-300))
    taken = at_top * (float(tokens.sum()) / float(at_top.sum()))
    ids = np.append(left.ids, np.full(tokens.size, UNKNOWN))
    logits, counts = np.append(left.logits, highest + shift), np.append(left.tokens - taken, tokens)
    return samplers.candidates(*Candidates(ids, logits, counts).kept(counts > 1e-12))
