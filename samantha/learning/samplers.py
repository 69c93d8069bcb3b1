"""The published definition of each sampler, in NumPy and float64: what-if computes with them, tests judge by them.

A sampler takes candidates and gives those that stay, with their new logits. An entry may stand for many tokens whose
ids are not known, see `Candidates`. What is not here: llama.cpp's own, which choose the tokens (models/llama/samplers),
its edge cases (tests/models/llama/test_sampler_definitions), and tokens beyond the best (beyond.py).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from samantha.hyperparameters import Hyperparameters
from samantha.models.llama import tail_free

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Tokens = TypeVar("Tokens", Sequence[int], Integers)

UNKNOWN = -1
"""The id of an entry that stands for tokens whose ids are not known."""


class Candidates(NamedTuple):
    """What can still be chosen. All three have the shape (n,); logits are finite and descending, ties by id.

    `tokens` is how many tokens of that logit an entry stands for: 1, but for entries with the id `UNKNOWN`.
    """

    ids: Integers
    logits: Floats
    tokens: Floats

    @property
    def total(self) -> float:
        """How many tokens these are."""
        return float(self.tokens.sum())

    def kept(self, which: NDArray[Any]) -> "Candidates":
        """Only the entries of a mask or of indices, still in descending order for a mask."""
        return Candidates(self.ids[which], self.logits[which], self.tokens[which])

    def first(self, count: float) -> "Candidates":
        """The first `count` tokens; the last entry may lose some of those that it stands for."""
        before = np.cumsum(self.tokens) - self.tokens
        left = np.minimum(self.tokens, count - before)
        return Candidates(self.ids, self.logits, left).kept(left > 0)


def candidates(ids: Any, logits: Any, tokens: Any = None) -> Candidates:
    """Candidates of ids and logits, shapes (n,), in any order; those of logit minus infinity are none."""
    ids, logits = np.asarray(ids, np.int64), np.asarray(logits, np.float64)
    tokens = np.ones(len(ids)) if tokens is None else np.asarray(tokens, np.float64)
    unsorted = Candidates(ids, logits, tokens).kept(np.isfinite(logits))
    return _sorted(unsorted)


def _sorted(unsorted: Candidates) -> Candidates:
    if np.all(unsorted.logits[1:] < unsorted.logits[:-1]):
        return unsorted
    last = np.where(unsorted.ids == UNKNOWN, np.iinfo(np.int64).max, unsorted.ids)
    return unsorted.kept(np.lexsort((last, -unsorted.logits)))


def probabilities(of: Candidates) -> Floats:
    """Softmax, shape (n,): the probability of each entry, of all the tokens together that it stands for."""
    if not of.logits.size:
        return of.logits
    weights = np.exp(of.logits - of.logits[0]) * of.tokens
    shares: Floats = weights / weights.sum()
    return shares


def surprisals(of: Candidates) -> Floats:
    """-ln of the probability of one token of each entry, shape (n,), in nats; exact where the probability is tiny."""
    if not of.logits.size:
        return of.logits
    below: Floats = of.logits[0] - of.logits
    return below + np.log(np.exp(-below) @ of.tokens)


def entropy(of: Candidates) -> float:
    """Expected surprisal, in nats; 0 for one candidate and for none."""
    return max(0.0, float(probabilities(of) @ surprisals(of)))


def is_on(name: str, values: Hyperparameters) -> bool:
    """Whether the sampler does anything with these values."""
    v = values
    match name:
        case "penalties":
            return (v.repeat_penalty, v.presence_penalty, v.frequency_penalty) != (1, 0, 0)
        case "dry":
            return v.dry_multiplier > 0
        case "top_n_sigma":
            return v.top_n_sigma > 0
        case "top_k":
            return v.top_k > 0
        case "min_p":
            return v.min_p > 0
        case "xtc":
            return v.xtc_probability > 0 and v.xtc_threshold <= 0.5
        case "temperature":
            return v.temperature != 1 or v.dynatemp_range > 0
        case _:
            return bool(getattr(v, name) < 1)


def recent(before: Tokens, last_n: int) -> Tokens:
    """The tokens that penalties and dry look at: the last `last_n` of prompt and answer, -1 all of them."""
    return before if last_n < 0 else before[max(0, len(before) - last_n) :]


def penalised(logits: Any, counts: Any, repeat: float, presence: float, frequency: float) -> Any:
    """Logits of tokens that occurred `counts` times (0: unchanged), both of the shape (n,).

    Repetition: Keskar et al., "CTRL" (2019), section 4.1, there only dividing; negative logits are multiplied, as
    everywhere since. Presence and frequency: OpenAI's API reference, subtracted after it.
    """
    logits, counts = np.asarray(logits, np.float64), np.asarray(counts, np.float64)
    less = np.where(logits > 0, logits / repeat, logits * repeat) - counts * frequency - presence
    return np.where(counts > 0, less, logits)


def penalties(
    of: Candidates, before: Sequence[int] | Integers, repeat: float, presence: float, frequency: float
) -> Candidates:
    """Penalise the tokens of `before`, see `penalised` and `recent`."""
    if not len(before) or not of.ids.size:
        return of
    occurring, counts = np.unique(np.asarray(before, np.int64), return_counts=True)
    places = np.minimum(np.searchsorted(occurring, of.ids), occurring.size - 1)
    times = np.where(occurring[places] == of.ids, counts[places], 0)
    return _sorted(of._replace(logits=penalised(of.logits, times, repeat, presence, frequency)))


def dry(
    before: Sequence[int], multiplier: float, base: float, allowed_length: int, breakers: Collection[int] = ()
) -> dict[int, float]:
    """What DRY subtracts from the logit of each token that would go on with a repetition, by id.

    A token that followed an earlier occurrence of the last n tokens loses multiplier x base^(n - allowed_length), for
    the longest such n of at least `allowed_length`. A repetition does not reach across a breaker, and a breaker is
    never penalised. Source: p-e-w, "DRY" (text-generation-webui PR #5677, 2024); limits of llama.cpp's port.

    Args:
        breakers: ids of single tokens; sequences of several cannot be given.
    """
    stop = next((n for n, token in enumerate(reversed(before)) if token in breakers), len(before))
    if len(before) <= allowed_length or stop < allowed_length:
        return {}
    longest: dict[int, int] = {}
    for end in range(len(before) - 1):
        length = min(_common_ending(before, end), stop)
        token = before[end + 1]
        if length >= allowed_length and token not in breakers:
            longest[token] = max(length, longest.get(token, 0))
    return {token: dry_amount(length, multiplier, base, allowed_length) for token, length in longest.items()}


def dry_amount(length: int, multiplier: float, base: float, allowed_length: int) -> float:
    """What DRY subtracts for a repetition of `length` tokens, at most what float32 can hold."""
    limit = int(88.7228391 / math.log(base)) if base > 1.000001 else math.inf
    return float(multiplier * base ** min(length - allowed_length, limit))


def _common_ending(before: Sequence[int], end: int) -> int:
    """How many tokens up to `end` (included) are the same as the last ones."""
    length, last = 0, len(before) - 1
    while length <= end and before[end - length] == before[last - length]:
        length += 1
    return length


def subtracted(of: Candidates, amounts: Mapping[int, float]) -> Candidates:
    """Lower the logits of the tokens of `amounts`."""
    if not amounts:
        return of
    less = np.array([amounts.get(int(token), 0.0) for token in of.ids])
    return _sorted(of._replace(logits=of.logits - less))


def top_n_sigma(of: Candidates, n: float, deviation: float | None = None) -> Candidates:
    """Keep what is within n standard deviations (of the population) of the highest logit.

    Source: Tang et al., "Top-nσ: Not All Logits Are You Need" (2024).

    Args:
        deviation: that of all logits, where the candidates do not say it.
    """
    if deviation is None:
        mean = float(of.logits @ of.tokens) / max(1.0, of.total)
        deviation = math.sqrt(float((of.logits - mean) ** 2 @ of.tokens) / max(1.0, of.total))
    return of.kept(of.logits >= of.logits[:1] - n * deviation)


def top_k(of: Candidates, k: float) -> Candidates:
    """Keep the k likeliest; 0 keeps all. Source: Fan et al., "Hierarchical Neural Story Generation" (2018)."""
    return of.first(k) if k > 0 else of


def top_p(of: Candidates, p: float) -> Candidates:
    """Keep the fewest of the likeliest whose probabilities add up to p or more, at least one; 1 keeps all.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2019).
    """
    return of.first(_fewest(probabilities(of), of.tokens, p)) if p < 1 and of.ids.size else of


def typical_p(of: Candidates, p: float, shift: float = 0.0) -> Candidates:
    """Keep the fewest whose surprisal is nearest to the expected one and that add up to p or more, at least one.

    Source: Meister et al., "Locally Typical Sampling" (2022).

    Args:
        shift: added to the expected surprisal, in nats.
    """
    if p >= 1 or not of.ids.size:
        return of
    order = np.argsort(np.abs(surprisals(of) - entropy(of) - shift), kind="stable")
    near = of.kept(order)
    return _sorted(near.first(_fewest(probabilities(of)[order], near.tokens, p)))


def _fewest(shares: Floats, tokens: Floats, p: float) -> float:
    """How many tokens in this order it takes to reach the sum p, one at least."""
    sums = np.cumsum(shares)
    at = int(np.searchsorted(sums, p))
    if at >= shares.size:
        return float(tokens.sum())
    missing = (p - (sums[at] - shares[at])) / (shares[at] / tokens[at]) if tokens[at] > 1 else 1
    return float(tokens[:at].sum()) + max(1.0, math.ceil(missing))


def tfs_z(of: Candidates, z: float, impossible: int = 0) -> Candidates:
    """Keep what stands before the tail, see models/llama/tail_free. An entry counts as one point of the curve.

    Args:
        impossible: how many candidates of probability 0 end the curve.
    """
    curve = np.append(probabilities(of), np.zeros(impossible)).astype(np.float32)
    return of.kept(np.arange(of.ids.size) < tail_free.survivors(curve, z))


def min_p(of: Candidates, p: float) -> Candidates:
    """Keep what is at least p times as likely as the likeliest; 0 keeps all.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling" (2024); llama.cpp PR #3841.
    """
    return of.kept(of.logits >= of.logits[:1] + math.log(p)) if p > 0 else of


def xtc(of: Candidates, probability: float, threshold: float, draw: float) -> Candidates:
    """Exclude top choices: remove all of at least `threshold` but the least likely of these, if the draw says so.

    It acts where `draw` (uniform, 0 to 1) is not above `probability`; a threshold above 0.5 turns it off.
    Source: p-e-w, text-generation-webui PR #6335 (2024).
    """
    if probability <= 0 or draw > probability or threshold > 0.5 or not of.ids.size:
        return of
    above = of.tokens[probabilities(of) >= threshold * of.tokens].sum()
    gone = max(0.0, above - 1)
    left = np.minimum(of.tokens, np.cumsum(of.tokens) - gone)
    return Candidates(of.ids, of.logits, left).kept(left > 0)


def dynamic_temperature(
    of: Candidates, temperature: float, range_: float, exponent: float, count: float | None = None
) -> float:
    """The temperature between itself minus and plus the range, at the share (entropy / highest entropy)^exponent.

    Source: Zhu et al., "Hot or Cold?" (2023), and llama.cpp PR #4972. 1 for a single candidate, 0 never below.

    Args:
        count: the highest entropy is that of so many candidates; by default of these.
    """
    count = of.total if count is None else count
    if range_ <= 0 or count <= 1:
        return temperature if range_ <= 0 else 1.0
    lowest = max(0.0, temperature - range_)
    share = (entropy(of) / math.log(count)) ** exponent
    return float(lowest + (temperature + range_ - lowest) * share)


def temperature(of: Candidates, temperature: float) -> Candidates:
    """Divide the logits by the temperature; 0 keeps the likeliest alone (of equal ones that of the lowest id).

    Source: Ackley et al., "A learning algorithm for Boltzmann machines" (1985).
    """
    return of._replace(logits=of.logits / temperature) if temperature > 0 else of.first(1)


def mirostat_1(of: Candidates, mu: float, vocabulary: int, best: int = 100) -> Candidates:
    """Keep the k likeliest for a surprise of `mu` bits, k by Zipf's law as fitted to the `best` likeliest.

    Source: Basu et al., "Mirostat" (2020), algorithm 1.
    """
    shares = probabilities(of)[:best]
    ranks = np.log(np.arange(2, shares.size + 1) / np.arange(1, shares.size))
    steps = np.log(shares[:-1] / shares[1:])
    exponent = float(ranks @ steps) / float(ranks @ ranks) if shares.size > 1 else 1.0
    epsilon = exponent - 1
    k = ((epsilon * 2**mu) / (1 - vocabulary**-epsilon)) ** (1 / exponent) if epsilon and exponent else 1
    return of.first(max(1, int(k)))


def mirostat_2(of: Candidates, mu: float) -> Candidates:
    """Keep what surprises by at most `mu` bits, at least one. Source: llama.cpp PR #1126, after Basu et al. (2020)."""
    kept = of.kept(surprisals(of) / math.log(2) <= mu)
    return kept if kept.ids.size else of.first(1)


def mirostat_next(mu: float, surprise: float, tau: float, eta: float) -> float:
    """The limit for the next token, after one that surprised by `surprise` bits where `tau` was aimed at."""
    return mu - eta * (surprise - tau)


def choice(of: Candidates, draw: float) -> int:
    """The index of the entry in which a draw, uniform from 0 to 1, falls: the cumulative distribution inverted."""
    return min(int(np.searchsorted(np.cumsum(probabilities(of)), draw)), of.ids.size - 1)
