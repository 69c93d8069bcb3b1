"""What coming back costs: to a prompt that another one displaced, and to a model that another one followed.

    python -m benchmarks.residency [FILE] [--rounds 7]

Two chains of 1,000 tokens take turns on one model: the prompt pass of a later visit over that of the first, once with
the very same prompt and once with another last line. Then two models take turns within the memory budget: the time to
acquire the one that is loaded already. Without FILE a model of 168 million random weights is made.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import random_model
from samantha.hyperparameters import Hyperparameters
from samantha.models.model import GenerateRequest, LoadOptions, Model, SampleFinished
from samantha.models.residency import Residency

OPTIONS = LoadOptions(n_ctx=2048, n_threads=1)
VALUES = (Hyperparameters(max_tokens=2),)


def acquired(residency: Residency, path: Path) -> tuple[Model, float]:
    """The model, and the seconds until it was there."""
    begun = time.perf_counter()
    model = list(residency.acquire(str(path), OPTIONS, lambda: False))[-1]
    residency.release(model)  # type: ignore[arg-type]
    return model, time.perf_counter() - begun  # type: ignore[return-value]


def prompt_seconds(model: Model, text: str) -> tuple[float, int, int]:
    """Seconds of the prompt pass, its tokens, and how many of them were reused."""
    end = list(model.generate(GenerateRequest(VALUES, text=text)))[-1]
    assert isinstance(end, SampleFinished)
    return end.prompt_seconds, end.prompt_tokens, end.reused


def text_of(model: Model, word: str, tokens: int = 1000) -> str:
    """About so many tokens of text."""
    text = word * tokens
    while len(model.tokenize(text)) > tokens:
        text = text[: -len(word)]
    return text


def prompts(model: Model, rounds: int) -> None:
    """The share of the first visit's prompt pass that later visits take."""
    one, other = text_of(model, "alpha beta "), text_of(model, "gamma delta ")
    model.reset()
    same, changed = [], []
    for turn in range(rounds):
        model.reset()
        first, length, _ = prompt_seconds(model, one)
        prompt_seconds(model, other)
        again, _, reused = prompt_seconds(model, one)
        prompt_seconds(model, other)
        third, _, _ = prompt_seconds(model, f"{one} visit {turn}")
        same.append(again / first)
        changed.append(third / first)
    print(f"prompts of {length} tokens in turns, median of {rounds}:")
    print(f"  the same prompt again: {statistics.median(same):.2%} of the first pass ({reused} of {length} reused)")
    print(f"  with another last line: {statistics.median(changed):.2%} of the first pass")


def models(residency: Residency, path: Path, rounds: int, folder: Path) -> None:
    """The time to come back to a model that stayed loaded, and to one that did not."""
    other = folder / "other.gguf"
    shutil.copy(path, other)
    loads, returns = [], []
    for _ in range(rounds):
        residency.budget = 0
        loads += [acquired(residency, each)[1] for each in (path, other)]
        residency.budget = 1 << 40
        acquired(residency, path)
        returns += [acquired(residency, each)[1] for each in (other, path)]
    print(f"two models in turns, median of {rounds}: within the budget {statistics.median(returns) * 1000:.1f} ms"
          f" ({max(returns) * 1000:.1f} at most), loaded anew {statistics.median(loads) * 1000:.0f} ms")


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file
        if path is None:
            path = Path(folder) / "random-168M.gguf"
            random_model.write(path)
        residency = Residency()
        prompts(acquired(residency, path.resolve())[0], arguments.rounds)
        models(residency, path.resolve(), arguments.rounds, Path(folder))
        residency.close()


if __name__ == "__main__":
    main()
