"""The definitions where an entry stands for many tokens: the same as with every token by itself.

That they are the published ones is tested against llama.cpp in tests/models/llama/test_sampler_definitions.py.
"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.hyperparameters import Hyperparameters
from samantha.learning import samplers
from samantha.learning.samplers import UNKNOWN, Candidates

SAMPLERS: dict[str, Callable[[Candidates], Candidates]] = {
    "top_k": lambda of: samplers.top_k(of, 7),
    "top_p": lambda of: samplers.top_p(of, 0.9),
    "top_p of all": lambda of: samplers.top_p(of, 0.999999999),
    "min_p": lambda of: samplers.min_p(of, 0.1),
    "typical_p": lambda of: samplers.typical_p(of, 0.6),
    "top_n_sigma": lambda of: samplers.top_n_sigma(of, 1.5),
    "xtc": lambda of: samplers.xtc(of, 1.0, 0.05, 0.5),
    "temperature": lambda of: samplers.temperature(of, 0.7),
    "dynamic temperature": lambda of: samplers.temperature(of, samplers.dynamic_temperature(of, 1.0, 0.5, 1.0)),
}


@pytest.mark.parametrize("name", sorted(SAMPLERS))
@given(
    st.lists(st.integers(-30, 30), min_size=1, max_size=12, unique=True),
    st.lists(st.tuples(st.integers(-60, 30), st.integers(1, 9)), max_size=5, unique_by=lambda pair: pair[0]),
)
def test_an_entry_for_many_is_as_many_entries(name: str, known: list[int], others: list[tuple[int, int]]) -> None:
    others = [(level, count) for level, count in others if level not in known]
    logits = np.array(known + [level for level, _ in others]) / 7
    tokens = np.array([1] * len(known) + [count for _, count in others])
    ids = np.array([*range(len(known)), *[UNKNOWN] * len(others)])
    packed = SAMPLERS[name](samplers.candidates(ids, logits, tokens))
    spread = SAMPLERS[name](samplers.candidates(np.repeat(ids, tokens), np.repeat(logits, tokens)))
    assert packed.total == pytest.approx(spread.total)
    np.testing.assert_allclose(np.repeat(packed.logits, np.round(packed.tokens).astype(int)), spread.logits)
    assert samplers.entropy(packed) == pytest.approx(samplers.entropy(spread), abs=1e-9)


def test_no_candidates_stay_none() -> None:
    nothing = samplers.candidates([3], [-np.inf])
    for sampler in SAMPLERS.values():
        assert sampler(nothing).ids.size == 0
    assert samplers.entropy(nothing) == 0
    assert samplers.penalties(nothing, [3], 1.1, 0, 0).ids.size == 0


def test_equal_logits_come_by_id_and_unknown_ones_last() -> None:
    assert samplers.candidates([5, UNKNOWN, 2], [1.0, 1.0, 1.0]).ids.tolist() == [2, 5, UNKNOWN]


def test_the_defaults_turn_four_samplers_on() -> None:
    on = [name for name in Hyperparameters().samplers if samplers.is_on(name, Hyperparameters())]
    assert on == ["top_k", "top_p", "min_p", "temperature"]


def test_dry_takes_more_from_what_goes_on_with_a_longer_repetition() -> None:
    """… 1 2 3 9 … 2 3 8 … 1 2 3: what followed 1 2 3 goes on with three tokens, what followed 2 3 with two."""
    before = [1, 2, 3, 9, 5, 2, 3, 8, 6, 1, 2, 3]
    assert samplers.dry(before, 1.0, 2.0, 2) == {9: 2.0, 8: 1.0}
    assert samplers.dry(before, 1.0, 2.0, 2, breakers={1}) == {9: 1.0, 8: 1.0}
    assert samplers.dry(before, 1.0, 2.0, 2, breakers={3}) == {}
    assert samplers.dry(before, 1.0, 2.0, 2, breakers={9}) == {8: 1.0}
    assert samplers.dry([], 1.0, 2.0, 2) == {}
