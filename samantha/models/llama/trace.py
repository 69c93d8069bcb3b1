"""Looks on while a token is chosen: the raw logits first, then the candidates after each sampler. It changes nothing.

All in NumPy over the one row of logits of the step; the arrays it keeps live for one token. What was seen becomes a
`samantha.traces.TokenTrace`.
"""

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samantha.errors import ModelError
from samantha.traces import BEST, Candidate, Rest, Stage, TokenTrace

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""`llama_token_data`."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


def candidates_of(array: Any) -> NDArray[Any]:
    """The candidates of a `llama_token_data_array` as a view on its memory: shape (size,), dtype `CANDIDATE`."""
    address = ctypes.addressof(array.data.contents)
    memory: Any = (ctypes.c_char * (int(array.size) * CANDIDATE.itemsize)).from_address(address)
    return np.frombuffer(memory, CANDIDATE)


class Distribution:
    """Logits of some candidates as probabilities. `ids` is None where candidate i is token i."""

    def __init__(self, ids: Ids | None, logits: Floats) -> None:
        """`logits` has shape (n,); minus infinity is no candidate."""
        self.ids = ids
        self.logits = logits
        highest = float(logits.max()) if logits.size else -math.inf
        self._highest = highest if math.isfinite(highest) else 0.0
        shifted = logits - np.float32(self._highest)
        weights = np.exp(shifted)
        self._sum = float(weights.sum(dtype=np.float64))
        self.log_sum_exp = self._highest + math.log(self._sum) if self._sum > 0 else -math.inf
        self._weights, self._shifted = weights, shifted

    @property
    def survivors(self) -> int:
        """How many candidates are left."""
        return int(np.count_nonzero(self._shifted > -np.inf))

    def probabilities(self, logits: Floats) -> list[float]:
        """The probabilities of candidates with these logits."""
        if self._sum <= 0:
            return [0.0] * int(logits.size)
        values: list[float] = (np.exp((logits - np.float32(self._highest)).astype(np.float64)) / self._sum).tolist()
        return values

    def log_sum_without(self, left_out: Ids) -> float | None:
        """Log-sum-exp of all other candidates; None where float32 knows no probability of theirs."""
        weights = self._weights.copy()
        weights[left_out] = 0
        total = float(weights.sum(dtype=np.float64))
        return self._highest + math.log(total) if total > 0 else None

    def of(self, wanted: Ids) -> list[float | None]:
        """The probability of each wanted token; None where it is no candidate any more."""
        if self.ids is None:
            found = self.logits[wanted]
        else:
            places = _places(self.ids, wanted)
            found = np.array(
                [self.logits[places[token]] if token in places else -np.inf for token in wanted.tolist()], np.float32
            )
        present = (found > -np.inf).tolist()
        values = self.probabilities(found)
        return [value if there else None for value, there in zip(values, present, strict=True)]

    @property
    def entropy(self) -> float:
        """In bits: log2 of the sum less the mean of the shifted logits."""
        if self._sum <= 0:
            return 0.0
        product = self._weights * np.maximum(self._shifted, np.float32(-1e30))  # minus infinity times zero is no number
        return max(0.0, (math.log(self._sum) - float(product.sum(dtype=np.float64)) / self._sum) / math.log(2))


def _places(ids: Ids, wanted: Ids) -> dict[int, int]:
    """Where tokens stand among the candidates; few candidates are all looked up, which is quicker than a search."""
    found = np.arange(ids.size) if ids.size <= 1024 else np.flatnonzero(np.isin(ids, wanted))
    return dict(zip(ids[found].tolist(), found.tolist(), strict=True))


class Recorder:
    """Records how the tokens of one sample are chosen: `begin`, `stage` after each sampler, `finish`."""

    def __init__(self, piece: Callable[[int], bytes], top: int) -> None:
        """`top` candidates are named in each trace; `piece` gives a token's bytes."""
        self._piece = piece
        self._top = top

    def begin(self, logits: Floats) -> None:
        """The raw logits of all tokens, shape (vocabulary,)."""
        self._raw = Distribution(None, logits.copy())
        self._stages: list[tuple[str, Distribution]] = []
        self._dry: tuple[tuple[int, float], ...] = ()

    def stage(self, name: str, array: Any) -> None:
        """The candidates after the sampler `name`."""
        candidates = candidates_of(array)
        ids = candidates["id"].copy()
        whole = ids.size == self._raw.logits.size and bool((ids[1:] > ids[:-1]).all())
        after = Distribution(None if whole else ids, candidates["logit"].copy())
        if name == "dry" and whole:
            self._dry = self._subtracted(after.logits)
        self._stages.append((name, after))

    def restart(self) -> None:
        """Forget the stages: the candidates are taken anew, under a grammar's mask."""
        self._stages = []

    def finish(self, token: int, forced: bool) -> TokenTrace:
        """The trace of a token that was chosen."""
        raw = self._raw.logits
        best = best_ids(raw, min(BEST, raw.size))
        rank = rank_of(raw, token)
        wanted = best[: self._top]
        if token not in wanted:
            wanted = np.append(wanted, np.int32(token))
        return TokenTrace(
            rank=rank, logit=_finite(float(raw[token])), probability=self._raw.probabilities(raw[token : token + 1])[0],
            entropy=self._raw.entropy,
            stages=tuple(Stage(name, after.survivors, after.entropy) for name, after in self._stages),
            candidates=self._candidates(wanted, token, rank), ids=best.astype("<i4").tobytes(),
            logits=raw[best].astype("<f4").tobytes(), rest=_rest(self._raw, best), dry=self._dry, forced=forced,
        )  # fmt: skip

    def _candidates(self, wanted: Ids, token: int, rank: int) -> tuple[Candidate, ...]:
        raw = self._raw.logits[wanted]
        probabilities = self._raw.probabilities(raw)
        after = [distribution.of(wanted) for _, distribution in self._stages]
        return tuple(
            Candidate(
                number, self._piece(number), _finite(float(raw[place])), probabilities[place],
                rank if number == token else place + 1, tuple(column[place] for column in after),
            )
            for place, number in enumerate(wanted.tolist())
        )  # fmt: skip

    def _subtracted(self, after: Floats) -> tuple[tuple[int, float], ...]:
        """What dry took from each token: it is the only sampler whose amounts need the text of tokens."""
        before = self._stages[-1][1] if self._stages else self._raw
        if before.ids is not None:
            return ()
        with np.errstate(invalid="ignore"):
            amounts = before.logits - after
        return tuple((int(token), float(amounts[token])) for token in np.flatnonzero(amounts > 0))


def check(logits: Floats) -> None:
    """Refuse logits that are no numbers.

    Raises:
        ModelError: one is NaN or plus infinity.
    """
    if not logits.max() < np.inf:  # false for NaN too
        raise ModelError(
            "The model computed something that is no number (NaN or infinity) for the next token: its file is damaged,"
            " or was made by a faulty conversion. Download or convert it again."
        )


SAMPLED = 16
"""One logit of so many is looked at first, to guess a threshold that few tokens pass."""


def best_ids(logits: Floats, count: int) -> Ids:
    """The ids of the highest logits, highest first, the lower id first among equals."""
    passing = _passing(logits, count)
    order = np.argsort(-logits[passing], kind="stable")
    return passing[order][:count].astype(np.int32)


def _passing(logits: Floats, count: int) -> NDArray[np.intp]:
    """Ids, ascending, of at least `count` tokens among which the highest are. A guess keeps the sorting short."""
    sample = logits[::SAMPLED]
    wanted = 2 * count // SAMPLED + 8
    if logits.size <= 4 * count or wanted >= sample.size:
        return np.arange(logits.size)
    threshold = np.partition(sample, sample.size - wanted)[sample.size - wanted]
    passing = np.flatnonzero(logits >= threshold)
    return passing if passing.size >= count else np.arange(logits.size)


def rank_of(logits: Floats, token: int) -> int:
    """1 for the highest logit; among equals the lower id comes first."""
    own = logits[token]
    return 1 + int(np.count_nonzero(logits > own)) + int(np.count_nonzero(logits[:token] == own))


def _rest(raw: Distribution, best: Ids) -> Rest:
    """Statistics of all finite logits that are not among the best. No `@`: its threads cost more than they save."""
    values = raw.logits.astype(np.float64)
    values[best] = -np.inf
    highest = float(values.max())
    if not math.isfinite(highest):
        return Rest(0)
    if raw.survivors < values.size:  # a model may rule tokens out
        values = values[values > -np.inf]
        count, total, squares = values.size, values.sum(), np.square(values).sum()
    else:
        values[best] = 0
        count, total, squares = values.size - best.size, values.sum(), np.square(values).sum()
    mean = float(total) / count
    deviation = math.sqrt(max(0.0, float(squares) / count - mean * mean))
    return Rest(count, highest, mean, deviation, raw.log_sum_without(best))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
