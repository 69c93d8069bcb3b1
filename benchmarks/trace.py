"""What looking on costs: tokens per second traced and untraced, and the usual way to get log-probabilities.

    python -m benchmarks.trace [--vocabularies 32000 152000] [--tokens 200] [--rounds 5]

Traced and untraced go the whole way (worker, engine, events), with the default samplers, the top 10 candidates and all
stages. The usual way is `Llama(logits_all=True)` with `logprobs=10`, in a process of its own. All take turns in one run
on the same file of random weights, one thread each; medians and ratios are printed, and the peak memory of the process
that holds the model. The answer of what-if is timed on a trace of that run.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import random_model
from samantha.chain.chain import Chain
from samantha.chain.engine import run
from samantha.chain.record import Record
from samantha.events import Event, TokenGenerated
from samantha.hyperparameters import Hyperparameters
from samantha.models.residency import Residency

PROMPT = "1 2 3 4 5 6 7 8 9 10 " * 8
N_CTX = 2048
SHAPES = {32000: {"layers": 12, "width": 1024}, 152000: {"layers": 10, "width": 768}}
"""168 and 171 million parameters."""

USUAL = """
import json, sys, time
from llama_cpp import Llama
path, n_ctx, tokens, prompt = json.loads(sys.argv[1])
model = Llama(path, n_ctx=n_ctx, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False)
times = []
for part in model.create_completion(prompt, max_tokens=tokens, temperature=0.0, logprobs=10, stream=True):
    times.append(time.perf_counter())
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([(len(times) - 1) / (times[-1] - times[0]), peak / 1024, len(times)]))
"""


def ours(path: Path, residency: Residency, tokens: int, trace: int) -> tuple[float, list[Event]]:
    """Tokens a second at the reader of events, and the events."""
    knobs = Hyperparameters(max_tokens=tokens, n_ctx=N_CTX, n_threads=1)
    chain = Chain(models=(str(path),), prompts=PROMPT + "$$$", raw=True, seed=1, hyperparameters=knobs)
    times, found = [], []
    for event in run(chain, residency, trace=trace):
        found.append(event)
        if isinstance(event, TokenGenerated):
            times.append(time.perf_counter())
    if len(times) < tokens:
        raise SystemExit(f"The answer ended after {len(times)} of {tokens} tokens: nothing was measured.")
    return (len(times) - 1) / (times[-1] - times[0]), found


def usual(path: Path, tokens: int) -> tuple[float, float]:
    """Tokens a second and peak memory in MiB of the usual way."""
    given = json.dumps([str(path), N_CTX, tokens, PROMPT])
    done = subprocess.run([sys.executable, "-c", USUAL, given], capture_output=True, text=True, check=True)
    rate, peak, count = json.loads(done.stdout.splitlines()[-1])
    if count < tokens:
        raise SystemExit(f"The usual way ended after {count} of {tokens} tokens: nothing was measured.")
    return rate, peak


def peak_memory(residency: Residency) -> float:
    """MiB at most of the worker that holds the model."""
    (worker,) = [resident.model for resident in residency._residents.values()]
    pids = [worker.pid, *_children(worker.pid)]
    peaks = []
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        peaks.append(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024)
    return max(peaks)


def _children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def measure(vocabulary: int, tokens: int, rounds: int, slow_tokens: int) -> None:
    """All ways on one file, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"random-{vocabulary}.gguf"
        random_model.write(path, words=vocabulary, **SHAPES.get(vocabulary, SHAPES[32000]))
        residency = Residency()
        traced_over, usual_over, rates = [], [], []
        found: list[Event] = []
        for turn in range(rounds + 1):
            plain, _ = ours(path, residency, tokens, 0)
            traced, found = ours(path, residency, tokens, 10)
            slow, slow_peak = usual(path, slow_tokens)
            if turn:  # the first is a warm-up
                traced_over.append(traced / plain)
                usual_over.append(traced / slow)
                rates.append((plain, traced, slow))
        peak = peak_memory(residency)
        residency.close()
    middle = statistics.median
    plain, traced, slow = (middle(column) for column in zip(*rates, strict=True))
    print(f"vocabulary {vocabulary}, {tokens} tokens (the usual way {slow_tokens}), one thread, median of {rounds}:")
    print(f"  untraced {plain:.1f} tok/s   traced {traced:.1f} tok/s   ratio {middle(traced_over):.3f}"
          f" ({min(traced_over):.3f} to {max(traced_over):.3f})")
    print(f"  logits_all, logprobs=10: {slow:.1f} tok/s   traced is {middle(usual_over):.1f} times as fast"
          f" ({min(usual_over):.1f} to {max(usual_over):.1f})")
    print(f"  peak memory of the model's process: traced {peak:.0f} MiB, logits_all {slow_peak:.0f} MiB")
    what_if_time(found)


def what_if_time(found: list[Event]) -> None:
    """How long an answer of what-if takes on a recorded step."""
    from samantha.learning.what_if import what_if

    answer = Record.of(found).answers[1, 0]
    place = len(answer.tokens) - 1
    token = answer.tokens[place]
    assert token.trace is not None
    before = [*answer.prompt_ids, *(one.id for one in answer.tokens[:place])]
    recorded = answer.values(place)
    asked = Hyperparameters(temperature=0.9, top_k=0, top_p=0.9, typical_p=0.9, tfs_z=0.95, repeat_penalty=1.1)
    times = []
    for _ in range(21):
        begun = time.perf_counter()
        what_if(token.trace, token.id, recorded, asked, before)
        times.append(time.perf_counter() - begun)
    print(f"  what-if: {statistics.median(times) * 1000:.1f} ms ({max(times) * 1000:.1f} at most)")


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabularies", type=int, nargs="+", default=[32000, 152000])
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-tokens", type=int, default=40)
    arguments = parser.parse_args()
    for vocabulary in arguments.vocabularies:
        measure(vocabulary, arguments.tokens, arguments.rounds, arguments.slow_tokens)


if __name__ == "__main__":
    main()
