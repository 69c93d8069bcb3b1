"""The memory estimate beside what a real worker holds: random models of several shapes, and Samantha Tiny.

    python -m benchmarks.memory [FILE ...]

Each is loaded in a worker, its context window is filled to the end, and the worker's own memory is read then.
"""

import argparse
import ctypes
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks import random_model
from samantha.hyperparameters import Hyperparameters
from samantha.models import gguf, library, memory
from samantha.models.model import GenerateRequest, LoadOptions
from samantha.models.remote import RemoteModel

SHAPES = {
    "shallow": {"layers": 2, "width": 512, "words": 8000},
    "many words": {"layers": 4, "width": 768, "words": 100_000},
    "168 million": {"layers": 12, "width": 1024, "words": 32000},
    "wide": {"layers": 6, "width": 2048, "words": 32000},
}
QUANTIZATIONS = {"Q4_0": 2, "Q4_K_M": 15, "F16": 1}
"""Names to llama.cpp's `llama_ftype`, made of the third shape."""

CONTEXTS = (512, 2048, 8192)


def held(path: Path, options: LoadOptions) -> int:
    """Bytes that the process of the model holds when its context window is full."""
    model = RemoteModel(path, path.stem)
    list(model.open(options, lambda: False))
    words, room = "hello ", model.describe().n_ctx - 20
    each = model.count(GenerateRequest(samples=(Hyperparameters(),), text=words * 50)) / 50
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=4),), text=words * int(room / each))
    list(model.generate(request))
    process = psutil.Process(model.pid)
    inner = (process.children(recursive=True) or [process])[-1]
    resident = int(inner.memory_info().rss)
    model.close()
    return resident


def models(folder: Path) -> Iterator[Path]:
    """The files that are tried."""
    yield library.TINY_PATH
    for name, shape in SHAPES.items():
        path = folder / f"{name}.gguf"
        random_model.write(path, **shape)
        yield path
    for name, kind in QUANTIZATIONS.items():
        yield quantized(folder / "168 million.gguf", folder / f"{name}.gguf", kind)


def quantized(source: Path, target: Path, kind: int) -> Path:
    """The same model in another quantization, by llama.cpp itself."""
    from samantha.models.llama.native import lib

    parameters = lib.llama_model_quantize_default_params()
    parameters.ftype, parameters.allow_requantize, parameters.nthread = kind, True, 1
    if lib.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters)):
        raise SystemExit(f"llama.cpp cannot make {target.name}.")
    return target


def compare(path: Path, flash: bool) -> list[float]:
    """Print a line for each context window; the estimate over what was measured, less one."""
    errors = []
    header = gguf.read_model(path)
    for n_ctx in CONTEXTS:
        options = LoadOptions(n_ctx=n_ctx, n_threads=1, flash_attention=flash)
        guessed, measured = memory.estimate(header, options), held(path, options)
        errors.append(guessed.resident / measured - 1)
        print(
            f"{path.stem:16} n_ctx {n_ctx:5} {'flash' if flash else '     '} estimated {guessed.resident / 1e6:7.1f} MB"
            f" measured {measured / 1e6:7.1f} MB  {errors[-1]:+.1%}", flush=True,
        )  # fmt: skip
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        errors = [
            error for path in files or models(Path(folder)) for flash in (False, True) for error in compare(path, flash)
        ]
    print(f"largest error {max(errors, key=abs):+.1%} of {len(errors)}")


if __name__ == "__main__":
    main()
