"""Tails made of statistics: as many tokens, the same maximum, the same sum, and one between the two extremes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from samantha.learning import beyond
from samantha.traces import Rest


def rest_of(logits: NDArray[np.float64]) -> Rest:
    highest = float(logits.max())
    total = highest + math.log(float(np.exp(logits - highest).sum()))
    return Rest(int(logits.size), highest, float(logits.mean()), float(logits.std()), total)


def sum_at(tail: beyond.Tail, heat: float) -> float:
    return float(np.exp(tail.logits / heat) @ tail.tokens)


@given(
    st.integers(1, 3000), st.sampled_from((0.0, 0.01, 1.0, 4.0)), st.integers(0, 2**32), st.sampled_from((0.3, 2, 9))
)
def test_they_are_what_was_recorded_and_hold_the_truth_between_them(
    count: int, spread: float, seed: int, heat: float
) -> None:
    logits = np.random.default_rng(seed).normal(size=count) * spread - 3
    tails = beyond.tails(rest_of(logits))
    assert tails is not None
    for tail in tails:
        assert tail.tokens.sum() == pytest.approx(count)
        assert tail.logits[0] == pytest.approx(logits.max())
        assert np.all(np.diff(tail.logits) <= 1e-9)
        assert sum_at(tail, 1) == pytest.approx(float(np.exp(logits).sum()), rel=1e-6)
    truth = float(np.exp(logits / heat).sum())
    low, high = sorted((sum_at(tails.flattest, heat), sum_at(tails.steepest, heat)))
    assert low * (1 - 1e-6) <= truth <= high * (1 + 1e-6)


def test_without_one_token_the_statistics_are_those_of_the_others() -> None:
    logits = np.random.default_rng(1).normal(size=500)
    found = beyond.without(rest_of(logits), float(logits[7]))
    expected = rest_of(np.delete(logits, 7))
    assert found.count == expected.count
    assert (found.mean, found.deviation, found.log_sum_exp) == pytest.approx(
        (expected.mean, expected.deviation, expected.log_sum_exp)
    )
    assert beyond.without(rest_of(logits[:1]), float(logits[0])) == Rest(0)
    assert beyond.tails(Rest(0)) is None


def test_without_nearly_all_of_the_sum_something_is_left() -> None:
    logits = np.array([50.0, -40.0, -41.0])
    found = beyond.without(rest_of(logits), 50.0)
    assert found.log_sum_exp is not None
    assert found.maximum is not None
    assert math.isfinite(found.log_sum_exp)
    assert found.maximum <= found.log_sum_exp
