"""Keys and values kept in other types: less memory, an answer all the same, and a sentence where it cannot be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from samantha.errors import ModelError
from samantha.hyperparameters import KNOBS, Hyperparameters
from samantha.models.llama.context import CACHE_TYPES
from samantha.models.llama.model import LlamaModel
from samantha.models.llama.native import lib
from samantha.models.model import GenerateRequest, LoadOptions, SampleFinished, load_options

OpenModel = Callable[..., LlamaModel]


def state_size(model: LlamaModel) -> int:
    """Bytes of the keys and values of what was evaluated."""
    return int(lib.llama_state_seq_get_size(model._open().handle, 0))


def test_every_type_that_can_be_asked_for_has_a_number() -> None:
    assert set(CACHE_TYPES) == set(KNOBS["cache_type_k"].choices) == set(KNOBS["cache_type_v"].choices)


@pytest.mark.parametrize(("keys", "values"), [("q8_0", "f16"), ("q4_0", "q4_0"), ("bf16", "bf16"), ("f32", "f32")])
def test_the_cache_has_the_size_of_its_types_and_the_model_answers(
    tiny_gguf: Path, open_model: OpenModel, keys: str, values: str
) -> None:
    usual = open_model(tiny_gguf, flash_attention=True)
    other = open_model(tiny_gguf, flash_attention=True, cache_type_k=keys, cache_type_v=values)
    request = GenerateRequest((Hyperparameters(max_tokens=20),), text="Once upon a time there was " * 20)
    ends = [list(model.generate(request))[-1] for model in (usual, other)]
    assert all(isinstance(end, SampleFinished) and end.tokens == 20 for end in ends)
    if keys == "f32":
        assert state_size(other) > 1.8 * state_size(usual)
    elif values == "q4_0":
        assert state_size(other) < 0.4 * state_size(usual)
    elif keys == "q8_0":
        assert state_size(other) < 0.85 * state_size(usual)


def test_quantized_values_without_flash_attention_are_one_sentence(tiny_gguf: Path, open_model: OpenModel) -> None:
    with pytest.raises(ModelError, match="cache_type_v q8_0 needs flash_attention"):
        open_model(tiny_gguf, cache_type_v="q8_0")


def test_knobs_reach_the_options_of_a_load() -> None:
    knobs = Hyperparameters(n_ctx=512, n_threads=2, n_gpu_layers=3, flash_attention=True, cache_type_k="q8_0")
    assert load_options(knobs, 4) == LoadOptions(512, 2, 3, True, "q8_0", "f16", 4)
