"""Tokens per second of the whole path (engine, worker, events, store) against a bare C-API loop on the same file.

    python -m benchmarks.throughput [FILE] [--tokens 400] [--rounds 5]

Both take the same number of threads and turns in one process tree; medians and their ratio are printed. Without FILE a
model of 168 million random weights (Q8_0, 32k vocabulary) is made in a temporary folder. The bare loop decodes, takes
the most likely token with llama.cpp's own greedy sampler and fetches its text: nothing a program could leave out.
"""

import argparse
import ctypes
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import random_model
from samantha.chain.chain import Chain
from samantha.chain.engine import run
from samantha.events import StepFinished, TokenGenerated
from samantha.hyperparameters import Hyperparameters
from samantha.models.residency import Residency
from samantha.runs.store import RunStore

PROMPT = "1 2 3 4 5 6 7 8 9 10 " * 8
"""Raw text that a model goes on with for ever; an answer that ends early is an error, not a figure."""


class BareLoop:
    """The least a program can do for a token."""

    def __init__(self, path: Path, n_ctx: int, threads: int) -> None:
        from samantha.models.llama import native
        from samantha.models.llama.native import lib

        native.start()
        self.lib = lib
        self.model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        parameters = lib.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch = n_ctx, 512
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = lib.llama_init_from_model(self.model, parameters)
        self.vocab = lib.llama_model_get_vocab(self.model)
        self.greedy = lib.llama_sampler_init_greedy()

    def seconds(self, tokens: int) -> list[float]:
        """The time of each of `tokens` tokens after the first."""
        lib = self.lib
        text = PROMPT.encode()
        buffer = (lib.llama_token * 512)()
        count = lib.llama_tokenize(self.vocab, text, len(text), buffer, 512, False, False)
        lib.llama_memory_clear(lib.llama_get_memory(self.context), True)
        lib.llama_decode(self.context, lib.llama_batch_get_one(buffer, count))
        piece, times = ctypes.create_string_buffer(64), [time.perf_counter()]
        one = (lib.llama_token * 1)()
        for _ in range(tokens):
            one[0] = lib.llama_sampler_sample(self.greedy, self.context, -1)
            lib.llama_token_to_piece(self.vocab, one[0], piece, 64, 0, True)
            lib.llama_decode(self.context, lib.llama_batch_get_one(one, 1))
            times.append(time.perf_counter())
        return times

    def close(self) -> None:
        self.lib.llama_free(self.context)
        self.lib.llama_model_free(self.model)


def whole_path(path: Path, residency: Residency, store: RunStore, n_ctx: int, tokens: int, threads: int) -> list[float]:
    """The arrival time of each token at the consumer of recorded events."""
    knobs = Hyperparameters(max_tokens=tokens, n_ctx=n_ctx, n_threads=threads)
    chain = Chain(models=(str(path),), prompts=PROMPT + "$$$", raw=True, seed=1, hyperparameters=knobs)
    times: list[float] = []
    for event in store.record(run(chain, residency)):
        if isinstance(event, TokenGenerated | StepFinished):
            times.append(time.perf_counter())
    return times


def rate(times: list[float]) -> float:
    return (len(times) - 1) / (times[-1] - times[0])


def measure(path: Path, tokens: int, rounds: int, threads: int) -> None:
    n_ctx = tokens + 512
    with tempfile.TemporaryDirectory() as folder, RunStore(Path(folder) / "runs.sqlite3") as store:
        bare, residency = BareLoop(path, n_ctx, threads), Residency()
        ratios, rates, tails = [], [], []
        for turn in range(rounds + 1):
            ours = whole_path(path, residency, store, n_ctx, tokens, threads)
            plain = bare.seconds(len(ours) - 2)  # the last event is the end of the step, not a token
            ours = ours[:-1]
            if len(ours) < tokens:
                raise SystemExit(f"The answer ended after {len(ours)} of {tokens} tokens: nothing was measured.")
            if turn:  # the first is a warm-up
                ratios.append(rate(ours) / rate(plain))
                rates.append((rate(ours), rate(plain)))
                tails.append((tail(ours), tail(plain)))
        bare.close()
        residency.close()
    middle = statistics.median
    print(f"{path.name}, {tokens} tokens, {threads} thread(s), median of {rounds}:")
    print(f"  whole path {middle(r for r, _ in rates):8.1f} tok/s   bare loop {middle(r for _, r in rates):8.1f} tok/s"
          f"   ratio {middle(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    if tokens >= 1000:
        print(f"  last 500 / first 500 tokens: whole path {middle(t for t, _ in tails):.3f}, "
              f"bare loop {middle(t for _, t in tails):.3f}")


def tail(times: list[float]) -> float:
    """The speed of the last 500 tokens over that of the first 500."""
    return rate(times[-500:]) / rate(times[:500]) if len(times) >= 1000 else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file
        if path is None:
            path = Path(folder) / "random-168M.gguf"
            random_model.write(path)
        measure(path.resolve(), arguments.tokens, arguments.rounds, arguments.threads)


if __name__ == "__main__":
    main()
