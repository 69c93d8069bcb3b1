"""Tail-free sampling against the published definition, written out as plainly as possible."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.models.llama.tail_free import survivors


def reference(probabilities: list[float], z: float) -> int:
    first = [a - b for a, b in itertools.pairwise(probabilities)]
    second = [abs(a - b) for a, b in itertools.pairwise(first)]
    total = sum(second)
    weights = [value / total for value in second] if total > 1e-6 else [1 / len(second)] * len(second)
    cumulative = 0.0
    for index, weight in enumerate(weights):
        cumulative += weight
        if cumulative > z and index >= 1:
            return index
    return len(probabilities)


@given(st.lists(st.floats(-8, 8), min_size=3, max_size=200), st.floats(0.01, 0.99))
def test_it_keeps_what_the_published_definition_keeps(logits: list[float], z: float) -> None:
    weights = np.exp(np.sort(np.array(logits))[::-1])
    probabilities = (weights / weights.sum()).astype(np.float32)
    expected = reference([float(value) for value in probabilities], z)
    found = survivors(probabilities, z)
    bend = np.abs(np.diff(probabilities.astype(np.float64), n=2))
    near_tie = bend.sum() > 0 and np.any(np.abs(np.cumsum(bend / bend.sum()) - z) < 1e-9)
    assert found == max(1, expected) or near_tie or bend.sum() <= 1.1e-6


@pytest.mark.parametrize(("z", "kept"), [(0.0, 1), (1.0, 5), (2.0, 5)])
def test_zero_keeps_one_and_one_keeps_all(z: float, kept: int) -> None:
    assert survivors(np.array([0.4, 0.3, 0.15, 0.1, 0.05], np.float32), z) == kept


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_candidates_have_no_tail(count: int) -> None:
    assert survivors(np.full(count, 1 / count, np.float32), 0.5) == count
