"""The one declaration of hyperparameters: every knob is complete, checked, and drawn inside its range."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import hyperparameters
from samantha.errors import HyperparameterError
from samantha.hyperparameters import DEFAULTS, KNOBS, PRESETS, Hyperparameters, changed, check, differences, drawn


@pytest.mark.parametrize("name", KNOBS)
def test_every_knob_is_declared_whole(name: str) -> None:
    knob = KNOBS[name]
    assert knob.help.endswith(".")
    assert knob.group in {"main", "samplers", "penalties", "text", "machine"}
    assert check(name, knob.default) == knob.default
    if knob.random:
        assert knob.minimum is not None
        assert knob.minimum <= knob.random[0] < knob.random[1]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("top_p", 1.5, "top_p is 1.5, but must be a number from 0 to 1"),
        ("top_k", -1, "whole number, 0 or more"),
        ("top_k", 2.5, "whole number"),
        ("temperature", "hot", "number, 0 or more"),
        ("temperature", float("nan"), "number"),
        ("temperature", float("inf"), "number"),
        ("mirostat", 3, "one of 0, 1, 2"),
        ("seed", 2**32 - 1, "0 to 4294967294"),
        ("samplers", ["top_q"], "penalties, dry"),
        ("stop", 7, "a list of texts"),
        ("temprature", 1, "did you mean temperature"),
        ("nonsense_entirely", 1, "Known: temperature"),
    ],
)
def test_a_value_that_is_not_allowed_names_the_key_and_the_range(name: str, value: Any, said: str) -> None:
    with pytest.raises(HyperparameterError) as caught:
        check(name, value)
    assert said in str(caught.value)


def test_numbers_and_words_are_converted() -> None:
    assert check("temperature", 1) == 1.0
    assert isinstance(check("temperature", 1), float)
    assert check("flash_attention", "on") is True
    assert check("stop", ["a"]) == check("stop", "a") == ("a",)
    assert check("grammar", None) is None


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid(name: str) -> None:
    assert differences(changed(DEFAULTS, PRESETS[name])).keys() <= PRESETS[name].keys()


def test_the_original_deterministic_preset_is_kept() -> None:
    values = changed(DEFAULTS, PRESETS["Deterministic (original)"])
    wanted = (values.temperature, values.tfs_z, values.top_p, values.min_p, values.typical_p, values.top_k)
    assert wanted == (0, 0, 0, 1, 0, 40)


@given(st.integers())
def test_random_values_are_inside_their_ranges_and_seeded(seed: int) -> None:
    values = drawn(random.Random(seed), {"top_p": (0.25, 0.5)})
    assert values == drawn(random.Random(seed), {"top_p": (0.25, 0.5)})
    assert values.keys() == {name for name, knob in KNOBS.items() if knob.random}
    assert 0.25 <= values["top_p"] <= 0.5
    assert changed(DEFAULTS, values) != DEFAULTS


def test_differences_are_what_was_changed() -> None:
    values = changed(Hyperparameters(top_k=3), {"seed": 5})
    assert differences(values) == {"top_k": 3, "seed": 5}
    assert DEFAULTS.samplers == hyperparameters.SAMPLERS
