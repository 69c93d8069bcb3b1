"""The tokens beyond the best that a trace kept: from their statistics, tails as they may have been.

Three tails with the same number of tokens, maximum and log-sum-exp: the likeliest shape, the flattest and the steepest
that there can be. A result that is the same for all of them does not hang on what was not kept.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from samantha.learning.samplers import Floats
from samantha.traces import Rest

FAR_BELOW = 1000.0
"""So far below the maximum a logit has no probability at any temperature that is of use."""

GROWTH = 1.15
"""How much coarser the likely tail gets from entry to entry."""


class Tail(NamedTuple):
    """Logits, descending, and how many tokens have each; both of the shape (n,)."""

    logits: Floats
    tokens: Floats


class Tails(NamedTuple):
    """The three shapes."""

    likely: Tail
    flattest: Tail
    steepest: Tail


def tails(rest: Rest) -> Tails | None:
    """The tails that a rest may be; None where there is none."""
    return Tails(likely(rest), flattest(rest), steepest(rest)) if rest.count else None


def without(rest: Rest, logit: float) -> Rest:
    """The statistics of the tokens but one, whose logit is known from elsewhere; the maximum is then a bound."""
    if rest.maximum is None or rest.mean is None or rest.deviation is None or rest.log_sum_exp is None:
        return rest
    if rest.count <= 1:
        return Rest(0)
    left = rest.count - 1
    mean = (rest.count * rest.mean - logit) / left
    square = (rest.count * (rest.deviation**2 + rest.mean**2) - logit**2) / left
    share = min(math.exp(logit - rest.log_sum_exp), 1.0)
    # Where the one was nearly all of the sum, rounding may leave nothing: the mean says what there is at least.
    log_sum_exp = max(rest.log_sum_exp + math.log1p(-share) if share < 1 else -math.inf, math.log(left) + mean)
    highest = min(rest.maximum, log_sum_exp)
    return Rest(left, highest, mean, math.sqrt(max(0.0, square - mean**2)), log_sum_exp)


def likely(rest: Rest) -> Tail:
    """A tail with normally distributed logits, stretched so that maximum and log-sum-exp are those recorded."""
    highest, mean, deviation, log_sum_exp = _numbers(rest)
    starts = np.unique(np.floor(GROWTH ** np.arange(math.log(rest.count) / math.log(GROWTH) + 1)))
    tokens = np.diff(np.append(starts[starts <= rest.count], rest.count + 1))
    ranks = starts[: tokens.size] + (tokens - 1) / 2
    normal = NormalDist()
    above = np.array([normal.inv_cdf(1 - (rank - 0.5) / rest.count) for rank in ranks])
    gaps = np.maximum(highest - (mean + deviation * above), 0.05 * np.log(ranks))
    gaps = np.maximum.accumulate(gaps - gaps[0])
    return Tail(highest - _stretch(gaps, tokens, log_sum_exp - highest) * gaps, tokens)


def _stretch(gaps: Floats, tokens: Floats, log_sum: float) -> float:
    """The factor with which the sum of exp(-factor x gap) over all tokens is exp(log_sum)."""
    low, high = 0.0, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        if math.log(float(np.exp(-middle * gaps) @ tokens)) > log_sum:
            low = middle
        else:
            high = middle
    return high


def flattest(rest: Rest) -> Tail:
    """One token at the maximum, all others alike."""
    highest, _, _, log_sum_exp = _numbers(rest)
    others = math.exp(log_sum_exp - highest) - 1
    if rest.count == 1:
        return Tail(np.array([highest]), np.ones(1))
    level = math.log(others / (rest.count - 1)) if others > 0 else -FAR_BELOW
    return Tail(np.array([highest, highest + min(0.0, level)]), np.array([1.0, rest.count - 1.0]))


def steepest(rest: Rest) -> Tail:
    """As many tokens as possible at the maximum, and all others far below it."""
    highest, _, _, log_sum_exp = _numbers(rest)
    alike = min(max(math.exp(log_sum_exp - highest), 1.0), float(rest.count))
    low = highest - FAR_BELOW
    # The first and the last of each level stand alone: tail-free sampling looks at how the curve bends there.
    levels = [(highest, min(alike, 1.0)), (highest, alike - 2), (highest, min(alike - 1, 1.0))]
    levels += [(low, min(1.0, rest.count - alike)), (low, rest.count - alike - 1)]
    there = np.array([(logit, tokens) for logit, tokens in levels if tokens > 1e-9])
    return Tail(there[:, 0], there[:, 1])


def _numbers(rest: Rest) -> tuple[float, float, float, float]:
    if rest.maximum is None or rest.mean is None or rest.deviation is None or rest.log_sum_exp is None:
        raise ValueError("nothing is left beyond the best")
    return rest.maximum, rest.mean, rest.deviation, rest.log_sum_exp
