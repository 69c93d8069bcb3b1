"""The door to llama.cpp's C API: binding, log, struct checks and the abort flag. Nothing here knows models or sampling.

The high-level `llama_cpp.Llama` is not used: docs/architecture.md says why, with measurements.
"""

import collections
import ctypes
import ctypes.util
import importlib
import sys
from typing import Any

from samantha.errors import ModelError

lib: Any = importlib.import_module("llama_cpp.llama_cpp")
"""The C API as bound by llama-cpp-python; typed `Any` because its stubs change between versions."""

EXPECTED_VERSION = "0.3.36"
EXPECTED_DEFAULTS = {
    "model": {"n_gpu_layers": -1, "vocab_only": False, "check_tensors": False},
    "context": {"n_ctx": 512, "n_batch": 2048, "n_ubatch": 512, "n_seq_max": 1, "swa_full": True, "kv_unified": False},
}
"""A few fields spread over the structs: when a layout drifts, at least one of them reads as something else."""

_log_lines: collections.deque[str] = collections.deque(maxlen=200)


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _remember(level: int, text: bytes, _data: Any) -> None:
    _log_lines.append(f"{level} {text.decode(errors='replace').rstrip()}")


def start() -> None:
    """Initialise the library once per process, with its log kept instead of printed.

    Raises:
        ModelError: the library is not the version this program was written for.
    """
    lib.llama_log_set(_remember, ctypes.c_void_p(0))
    lib.llama_backend_init()
    drift = struct_drift()
    if drift:
        raise ModelError(f"llama-cpp-python is not {EXPECTED_VERSION} ({drift}): run the installer again.")


def struct_drift() -> str:
    """What differs from the struct defaults this program was written for; empty when nothing does."""
    found = {"model": lib.llama_model_default_params(), "context": lib.llama_context_default_params()}
    differing = [
        f"{struct}.{field} is {getattr(found[struct], field)}, not {value}"
        for struct, fields in EXPECTED_DEFAULTS.items()
        for field, value in fields.items()
        if getattr(found[struct], field) != value
    ]
    return "; ".join(differing)


def errors() -> list[str]:
    """The error lines that llama.cpp wrote since `clear_log`, oldest first."""
    return [line[2:] for line in _log_lines if line.startswith("4 ") and line[2:].strip()]


def clear_log() -> None:
    """Forget the log."""
    _log_lines.clear()


class AbortFlag:
    """A flag that llama.cpp asks about 500 times a token. It may be set from any thread.

    A Python callback would cost more than a small model's whole token. C's `strlen` on a one-byte buffer answers the
    same question with no Python in it: 0 for an empty text, 1 when the byte is set, and a C `bool` is read from the low
    byte of the result.
    """

    def __init__(self) -> None:
        self._byte = ctypes.create_string_buffer(b"\0", 2)
        runtime = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else ctypes.util.find_library("c"))
        self._strlen = ctypes.cast(runtime.strlen, lib.ggml_abort_callback)

    def install(self, context: Any) -> None:
        """Make `context` ask this flag."""
        lib.llama_set_abort_callback(context, self._strlen, ctypes.cast(self._byte, ctypes.c_void_p))

    def set(self) -> None:
        """Abort the evaluation in progress, and every one until `clear`."""
        self._byte[0] = b"\1"

    def clear(self) -> None:
        """Allow evaluation again."""
        self._byte[0] = b"\0"
