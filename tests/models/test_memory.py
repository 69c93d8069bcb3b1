"""The memory estimate: what a real worker holds, what is known of well-known models, and what is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import memory as measuring
from benchmarks import random_model
from samantha.errors import ModelError
from samantha.models import gguf, memory
from samantha.models.gguf_checks import Items
from samantha.models.llama import context
from samantha.models.model import LoadOptions

NEAR = 0.15
"""The share by which an estimate may be wrong."""


def header(architecture: str, values: Mapping[str, Any], **others: Any) -> gguf.Header:
    """A head of some architecture; lists are one value for each layer."""
    metadata: dict[str, Any] = {"general.architecture": architecture}
    arrays = {}
    for key, value in values.items():
        whole = f"{architecture}.{key}"
        metadata[whole] = Items(len(value)) if isinstance(value, tuple) else value
        if isinstance(value, tuple):
            arrays[whole] = value
    return gguf.Header("/models/some.gguf", 10**9, 3, metadata, 1, 1, "Q8_0", arrays, **others)


LLAMA_8B = {
    "block_count": 32, "context_length": 131072, "embedding_length": 4096, "feed_forward_length": 14336,
    "attention.head_count": 32, "attention.head_count_kv": 8,
}  # fmt: skip


@pytest.mark.parametrize("shape", [
    {"layers": 2, "width": 512, "words": 8000}, {"layers": 4, "width": 256, "words": 40_000},
    {"layers": 8, "width": 768, "words": 4000},
])  # fmt: skip
@pytest.mark.parametrize(("n_ctx", "flash"), [(512, False), (2048, False), (2048, True)])
def test_it_is_near_what_a_worker_holds(tmp_path: Path, shape: dict[str, int], n_ctx: int, flash: bool) -> None:
    path = tmp_path / "random.gguf"
    random_model.write(path, **shape)
    options = LoadOptions(n_ctx=n_ctx, n_threads=1, flash_attention=flash)
    guessed = memory.estimate(gguf.read_model(path), options).resident
    assert guessed == pytest.approx(measuring.held(path, options), rel=NEAR)


@pytest.mark.parametrize("n_ctx", [512, 8192])
def test_it_is_near_what_a_worker_with_samantha_tiny_holds(tiny_gguf: Path, n_ctx: int) -> None:
    options = LoadOptions(n_ctx=n_ctx, n_threads=1)
    guessed = memory.estimate(gguf.read_model(tiny_gguf), options).resident
    assert guessed == pytest.approx(measuring.held(tiny_gguf, options), rel=NEAR)


def test_the_batch_is_the_one_that_prompts_are_evaluated_in() -> None:
    assert memory.BATCH == context.CHUNK


@pytest.mark.parametrize(("architecture", "values", "options", "bytes_"), [
    ("llama", LLAMA_8B, LoadOptions(n_ctx=8192), 2**30),
    ("llama", LLAMA_8B, LoadOptions(n_ctx=8192, cache_type_k="q8_0", cache_type_v="q8_0"), 2**29 * 34 // 32),
    ("llama", LLAMA_8B | {"attention.head_count_kv": (8,) * 16 + (0,) * 16}, LoadOptions(n_ctx=8192), 2**29),
    ("llama", LLAMA_8B | {"context_length": 4096}, LoadOptions(n_ctx=8192), 2**29),
    ("gemma2", {"block_count": 26, "context_length": 8192, "embedding_length": 2304, "attention.head_count": 8,
                "attention.head_count_kv": 4, "attention.key_length": 256, "attention.value_length": 256,
                "attention.sliding_window": 4096}, LoadOptions(n_ctx=8192), 26 * 4 * 512 * 2 * 8192),
    ("deepseek2", {"block_count": 27, "context_length": 163840, "embedding_length": 2048, "attention.head_count": 16,
                   "attention.head_count_kv": 1, "attention.key_length": 576, "attention.value_length": 512,
                   "attention.key_length_mla": 192}, LoadOptions(n_ctx=4096), 27 * 576 * 2 * 4096),
    ("mamba", {"block_count": 64, "context_length": 10**6, "embedding_length": 2560, "ssm.inner_size": 5120,
               "ssm.state_size": 16, "ssm.conv_kernel": 4}, LoadOptions(n_ctx=100_000), 64 * (3 + 16) * 5120 * 4),
    ("qwen3next", {"block_count": 48, "context_length": 262144, "embedding_length": 2048, "attention.head_count": 16,
                   "attention.head_count_kv": 2, "attention.key_length": 256, "attention.value_length": 256,
                   "full_attention_interval": 4}, LoadOptions(n_ctx=8192), 12 * 2 * 512 * 2 * 8192),
])  # fmt: skip
def test_the_cache_of_known_architectures(
    architecture: str, values: dict[str, Any], options: LoadOptions, bytes_: int
) -> None:
    assert memory.estimate(header(architecture, values), options).cache == bytes_


def test_matrices_that_are_kept_twice_count_once_for_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "repacked_types", lambda: frozenset({"Q4_K"}))
    model = header("llama", LLAMA_8B, matrices={"Q4_K": 800_000_000, "Q6_K": 100_000_000})
    found = memory.estimate(model, LoadOptions())
    assert found.repacked == 800_000_000
    assert found.resident - found.needed == 800_000_000


def test_what_a_graphics_card_takes_is_not_needed_here() -> None:
    model = header("llama", LLAMA_8B)
    assert memory.estimate(model, LoadOptions(n_gpu_layers=-1)).weights == 0
    half = memory.estimate(model, LoadOptions(n_gpu_layers=16)).weights
    assert half == pytest.approx(10**9 * 17 / 33, rel=0.001)


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Any:
    def have(available: float, total: float) -> None:
        monkeypatch.setattr(memory, "memory", lambda: memory.Memory(int(available * 1e9), int(total * 1e9)))

    return have


@pytest.mark.parametrize(("available", "total", "freed", "fit"), [
    (4.0, 8.0, 0, "yes"), (1.0, 8.0, 0, "tight"), (0.3, 8.0, 0, "no"), (0.3, 8.0, 4e9, "yes"), (1.5, 1.6, 0, "no"),
])  # fmt: skip
def test_fits_tight_and_no(computer: Any, available: float, total: float, freed: float, fit: str) -> None:
    """1 GB of weights that can be read again, and 0.7 GB that cannot."""
    computer(available, total)
    model = header("llama", LLAMA_8B)
    assert memory.verdict(model, LoadOptions(n_ctx=4096), int(freed)).fit == fit


def test_too_large_is_one_sentence_with_the_numbers_and_what_to_do(computer: Any) -> None:
    computer(2, 4)
    model = msgspec.structs.replace(header("llama", LLAMA_8B), size=40 * 10**9)
    with pytest.raises(ModelError) as caught:
        memory.check_fits(model, LoadOptions(n_ctx=8192))
    said = str(caught.value)
    assert said.startswith("some.gguf is too large: with a context window of 8192 tokens it needs about 41.")
    assert "40.0 GB for weights, 1.1 GB for the context" in said
    assert "2.0 GB of 4.0 GB are free" in said
    assert said.endswith("Choose a smaller model or quantization.")
    with pytest.raises(ModelError, match=r"Lower n_ctx\.$"):
        memory.check_fits(header("llama", LLAMA_8B), LoadOptions(n_ctx=131072))
    memory.check_fits(header("llama", LLAMA_8B), LoadOptions(n_ctx=512))
