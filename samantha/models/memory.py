"""How much memory a model will need, from the head of its file alone, and whether this computer has it. Loads nothing.

The parts are those of llama.cpp (0.3.36 of its Python package), as its log and the worker's own memory show them:
the weights, mapped from the file; a second copy of the matrices that it puts in another order for the processor; the
cache of keys and values at n_ctx; the buffers of the largest batch; the process itself.
"""

import functools
import math
import platform
import sys
from pathlib import Path
from typing import Literal

import msgspec

from samantha.errors import ModelError
from samantha.models.gguf import Header
from samantha.models.gguf_checks import Items
from samantha.models.model import LoadOptions

Fit = Literal["yes", "tight", "no"]

BATCH = 64
"""Tokens of a prompt chunk (`llama/context.py`, which loads native code and is not imported here)."""

CELLS = 256
"""llama.cpp rounds the cache up to this many tokens."""

PROCESS = 55_000_000
"""Bytes of a worker before a model is loaded: Python, NumPy, llama.cpp."""

TOKEN = 320
"""Bytes that llama.cpp keeps for each token of the vocabulary, its merges included."""

SHORT = 1024
"""Tokens; a context window shorter than this is not advised."""

ROOM = 0.92
"""The share of all memory that a model can have, when every other program is closed."""

CACHE_TYPES = {
    "f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32,
    "q4_0": 18 / 32, "iq4_nl": 18 / 32,
}  # fmt: skip
"""Types of cached keys and values, with bytes a value. Beyond the first three, values need flash attention."""

HYBRID = frozenset({
    "jamba", "falcon-h1", "granitehybrid", "plamo2", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "qwen3next",
    "qwen35", "qwen35moe", "kimi-linear",
})  # fmt: skip
RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
BOTH_IN_EACH_LAYER = frozenset({"falcon-h1"})


class Estimate(msgspec.Struct, frozen=True):
    """What a model needs, in bytes.

    `weights` are mapped from the file. `repacked` is the second copy of some of them: their pages of the file stay in
    memory as long as nobody else wants it, and are given back then.
    """

    weights: int
    repacked: int
    cache: int
    buffers: int
    process: int

    @property
    def resident(self) -> int:
        """What the worker holds at most, as the system's own tools show it."""
        return self.weights + self.repacked + self.cache + self.buffers + self.process

    @property
    def needed(self) -> int:
        """What must be free for it to work at full speed."""
        return self.resident - min(self.repacked, self.weights)


class Memory(msgspec.Struct, frozen=True):
    """The memory of this computer, or of the container that the program runs in: bytes free now, and in all."""

    available: int
    total: int


class Verdict(msgspec.Struct, frozen=True):
    """Whether a model fits: `yes` now, `tight` when other programs are closed, `no`."""

    fit: Fit
    estimate: Estimate
    memory: Memory


def estimate(header: Header, options: LoadOptions) -> Estimate:
    """What the model needs when it is loaded with `options` and its context window is full.

    Args:
        header: of the whole model, see `gguf.read_model`.
    """
    shape = _Shape(header)
    tokens = fitting_context(header, options.n_ctx)
    cells = math.ceil(tokens / CELLS) * CELLS
    here = 1 - _offloaded(shape.layers, options.n_gpu_layers)
    cache = shape.attention_bytes(cells, CACHE_TYPES[options.cache_type_k], CACHE_TYPES[options.cache_type_v])
    cache += shape.recurrent_bytes(options.n_seq_max)
    return Estimate(
        weights=int(header.size * here),
        repacked=int(sum(header.matrices.get(kind, 0) for kind in repacked_types()) * here),
        cache=int(cache * here),
        buffers=shape.buffer_bytes(cells, options.flash_attention, options.n_seq_max),
        process=PROCESS + header.vocabulary * TOKEN,
    )


def fitting_context(header: Header, n_ctx: int) -> int:
    """The context window that the model gets when `n_ctx` tokens are asked for: never more than it was trained for."""
    trained = header.n_ctx_train
    return min(n_ctx or trained, trained) if trained else n_ctx or 512


def verdict(header: Header, options: LoadOptions, freed: int = 0) -> Verdict:
    """Whether the model fits the memory.

    Args:
        freed: bytes that will be free before it is loaded, of models that go.
    """
    found, there = estimate(header, options), memory()
    free = min(there.available + freed, there.total)
    if found.needed <= free:
        return Verdict("yes", found, there)
    # What is mapped from the file can be read again; what is not must find room, or the system ends the worker.
    fixed = found.needed - (found.weights - min(found.repacked, found.weights))
    tight = found.needed <= there.total * ROOM and fixed <= free
    return Verdict("tight" if tight else "no", found, there)


def check_fits(header: Header, options: LoadOptions, freed: int = 0) -> None:
    """Refuse a model that is too large before it is loaded. What fits only tightly is let through.

    Args:
        freed: see `verdict`.

    Raises:
        ModelError: with the numbers, and what can be done.
    """
    found = verdict(header, options, freed)
    if found.fit != "no":
        return
    parts, there = found.estimate, found.memory
    tokens = fitting_context(header, options.n_ctx)
    free = min(there.available + freed, there.total)
    raise ModelError(
        f"{Path(header.path).name} is too large: with a context window of {tokens} tokens it needs about"
        f" {_gigabytes(parts.needed)} of memory ({_gigabytes(parts.weights)} for weights, {_gigabytes(parts.cache)} for"
        f" the context), and {_gigabytes(free)} of {_gigabytes(there.total)} are free. {_advice(parts, there, tokens)}"
    )


def memory() -> Memory:
    """The memory there is: the computer's, or less where a container may have only a part of it."""
    import psutil

    found = psutil.virtual_memory()
    limit, used = _container()
    if limit is None or limit >= found.total:
        return Memory(found.available, found.total)
    return Memory(max(0, min(found.available, limit - used)), limit)


@functools.cache
def repacked_types() -> frozenset[str]:
    """The types whose matrices llama.cpp keeps in a second order on this processor (ggml-cpu/repack.cpp)."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return frozenset({"Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL", "MXFP4"})
    flags = _processor_flags()
    with_avx2 = frozenset({"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"}) if flags is None or "avx2" in flags else frozenset()
    return with_avx2 | ({"Q2_K"} if flags and "avx512f" in flags else frozenset())


def _processor_flags() -> frozenset[str] | None:
    """What the processor can do; None where the system does not say."""
    if sys.platform != "linux":
        return None
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split()) or None


def _container() -> tuple[int | None, int]:
    """The limit of this control group in bytes, None where there is none, and how much of it cannot be given back."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        kinds = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None, 0
    return (int(limit) if limit.isdigit() else None), used - int(kinds.get("file", 0))


def _offloaded(layers: int, n_gpu_layers: int) -> float:
    """The share of a model that a graphics card is asked to take."""
    if n_gpu_layers < 0:
        return 1.0
    return min(1.0, n_gpu_layers / (layers + 1))


def _advice(parts: Estimate, there: Memory, tokens: int) -> str:
    short = (parts.cache + parts.buffers) * min(1, SHORT / tokens)
    if tokens > SHORT and parts.needed - parts.cache - parts.buffers + short <= there.available:
        return "Lower n_ctx."
    if parts.needed <= there.total * ROOM:
        return "Close other programs, or choose a smaller model or quantization."
    return "Choose a smaller model or quantization."


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"


class _Shape:
    """The numbers of an architecture. What a head does not say has the value that llama.cpp gives it."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self.layers = max(1, self._number("block_count", 1))
        self._width = self._number("embedding_length", 0)
        self._heads = self._of_each_layer("attention.head_count", 0)
        self._kv_heads = self._of_each_layer("attention.head_count_kv", None)

    def attention_bytes(self, cells: int, size_k: float, size_v: float) -> float:
        """The cache of keys and values, all of it: llama.cpp keeps full windows for sliding ones here (`swa_full`)."""
        head = self._width // (max(self._heads) or 1)
        key, value = self._number("attention.key_length", head), self._number("attention.value_length", head)
        if self._number("attention.key_length_mla", 0):
            value = 0  # one compressed vector serves both
        layers = self._attention_layers()
        return cells * sum(self._kv_heads[layer] * (key * size_k + value * size_v) for layer in layers)

    def recurrent_bytes(self, sequences: int) -> int:
        """The states of layers that have one of a fixed size, for each sequence."""
        if self._header.architecture not in RECURRENT | HYBRID:
            return 0
        both = self._header.architecture in BOTH_IN_EACH_LAYER
        layers = self.layers if both else self.layers - len(self._attention_layers())
        return max(1, sequences) * layers * self._state() * 4

    def buffer_bytes(self, cells: int, flash: bool, sequences: int) -> int:
        """What one batch is computed in, and the logits that are kept of it."""
        heads, wide = max(self._heads), max(self._of_each_layer("feed_forward_length", 0))
        scores = cells * BATCH * (heads * (4 + 2) + 4)  # scores, the same in half precision, and the mask
        if flash:
            scores = cells * BATCH * (4 + 2)
        experts = self._number("expert_feed_forward_length", 0) * self._number("expert_used_count", 0)
        rows = BATCH * 4 * (self._width * 6 + max(wide, experts) * 3)
        logits = BATCH * 4 * self._header.vocabulary
        return max(scores + rows // 2, logits, rows) + 4 * self._header.vocabulary * max(1, sequences)

    def _attention_layers(self) -> list[int]:
        architecture = self._header.architecture
        if architecture in RECURRENT:
            return []
        layers = range(self.layers - self._number("attention.shared_kv_layers", 0))
        every = self._number("full_attention_interval", 0)
        if every and architecture in HYBRID:
            layers = range(every - 1, self.layers, every)
        return [layer for layer in layers if self._kv_heads[layer]]

    def _state(self) -> int:
        """Values of the state of one recurrent layer."""
        inner, size = self._number("ssm.inner_size", 0), self._number("ssm.state_size", 0)
        kernel = self._number("ssm.conv_kernel", 1)
        states = (kernel - 1) * (inner + 2 * self._number("ssm.group_count", 0) * size) + size * inner
        states += self._width * max(0, self._number("shortconv.l_cache", 1) - 1)
        head = self._number("wkv.head_size", 0)
        return states + (self._width * (head + self._number("token_shift_count", 2)) if head else 0)

    def _number(self, name: str, otherwise: int) -> int:
        value = self._header.metadata.get(f"{self._header.architecture}.{name}", otherwise)
        return otherwise if isinstance(value, Items) or not isinstance(value, int | float) else int(value)

    def _of_each_layer(self, name: str, otherwise: int | None) -> list[int]:
        """A number for each layer; by default as many as there are heads."""
        listed = self._header.arrays.get(f"{self._header.architecture}.{name}")
        if listed is None:
            value = self._number(name, -1)
            value = value if value >= 0 else otherwise if otherwise is not None else max(self._heads)
            return [value] * self.layers
        return ([int(value) for value in listed] + [0] * self.layers)[: max(self.layers, 1)]
