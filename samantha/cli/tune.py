"""`samantha doctor --tune`: how many threads are fastest on this computer, measured with real models in workers.

llama.cpp's threads wait for each other by spinning: one that shares its core with something else holds up all of them,
and the page is something else. So everything is measured twice, on a quiet computer and beside a process that works
about as much as the page and its browser do while an answer arrives, and the second measurement decides.
"""

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from samantha import settings
from samantha.cli.tables import table
from samantha.errors import ModelError
from samantha.hyperparameters import Hyperparameters
from samantha.models import library, memory
from samantha.models.model import GenerateRequest, LoadOptions, SampleFinished
from samantha.models.remote import RemoteModel

PROMPT = "1 2 3 4 5 6 7 8 9 10 "
"""Raw text that models go on with."""

PROMPT_TOKENS = 128
ANSWER_TOKENS = 48

ROUNDS = 5
LEAST_ROUNDS = 3
PATIENCE = 20.0
"""Seconds for each number of threads; a slow model gets fewer rounds, but never less than LEAST_ROUNDS."""

NEARLY = 0.97
"""Fewer threads are preferred that are as fast as this share of the fastest."""

REAL_SIZE = 50_000_000
"""Bytes of a model that can tell what suits others. In a toy, threads wait longer than they work."""

PAGE = """
import time
while True:
    end = time.perf_counter() + 0.02
    while time.perf_counter() < end:
        pass
    time.sleep(0.03)
"""
"""Works 20 of every 50 milliseconds, as a page does that draws an answer."""


class Speed(msgspec.Struct, frozen=True):
    """Medians in tokens a second: of the prompt pass and of the answer."""

    prompt: float
    answer: float

    @property
    def step(self) -> float:
        """Steps a second, of a typical one: twice as many tokens to read as to write."""
        return 1 / (2 / self.prompt + 1 / self.answer)


class Measured(msgspec.Struct, frozen=True):
    """What a number of threads gave, on a quiet computer and beside a page."""

    threads: int
    quiet: Speed
    beside_page: Speed


class Tuned(msgspec.Struct, frozen=True):
    """A model's measurements; `best` threads for it; `kept` says whether they are the default from now on."""

    model: str
    measured: tuple[Measured, ...]
    best: int
    kept: bool = False


def candidates(cores: int) -> list[int]:
    """The numbers of threads that are tried: all up to 8, then every second and fourth."""
    return [n for n in range(1, cores + 1) if n <= 8 or (n <= 16 and n % 2 == 0) or n % 4 == 0 or n == cores]


def tune(names: Sequence[str] = (), say: Callable[[str], None] = print) -> list[Tuned]:
    """Measure models, print a table of each, and keep the best number of threads of the last that is no toy.

    Args:
        names: the models; without any, Samantha Tiny and the first of the user's own that fits.

    Raises:
        ModelError: a model cannot be used.
    """
    import psutil

    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    tuned = []
    for name in names or _usual():
        found = library.find(name)
        say(f"{name}: {PROMPT_TOKENS} tokens of prompt, {ANSWER_TOKENS} of answer, medians of up to {ROUNDS} rounds")
        measured = measure(found, candidates(cores))
        one = Tuned(name, measured, best(measured), found.path.stat().st_size >= REAL_SIZE)
        say(f"{_table(one)}\n")
        tuned.append(one)
    _keep(tuned, say)
    return tuned


def measure(found: library.ModelFile, threads: Sequence[int]) -> tuple[Measured, ...]:
    """The speeds of a model with each number of threads.

    The numbers take turns, so that whatever else the computer does meanwhile falls on all of them.
    """
    runs: dict[tuple[int, bool], list[SampleFinished]] = {}
    model = RemoteModel(found.path, found.name)
    begun = time.monotonic()
    try:
        for turn in range(ROUNDS):
            if turn >= LEAST_ROUNDS and time.monotonic() - begun > PATIENCE * len(threads):
                break
            for number in threads:
                for beside, end in _both(model, number):
                    runs.setdefault((number, beside), []).append(end)
    finally:
        model.close()
    return tuple(Measured(number, _speed(runs[number, False]), _speed(runs[number, True])) for number in threads)


def best(measured: Sequence[Measured]) -> int:
    """The fewest threads that are nearly the fastest beside a page."""
    fastest = max(one.beside_page.step for one in measured)
    return min(one.threads for one in measured if one.beside_page.step >= NEARLY * fastest)


def _usual() -> list[str]:
    """Samantha Tiny, and the first of the user's models that is no toy and fits."""
    for model in library.models()[1:]:
        header = model.header
        if header and header.size >= REAL_SIZE and memory.verdict(header, LoadOptions(n_ctx=512)).fit == "yes":
            return [library.TINY, model.name]
    return [library.TINY]


def _prompt(model: RemoteModel) -> str:
    request = GenerateRequest(samples=(Hyperparameters(),), text=PROMPT * 20)
    return PROMPT * max(1, round(PROMPT_TOKENS / (model.count(request) / 20)))


def _both(model: RemoteModel, threads: int) -> Iterator[tuple[bool, SampleFinished]]:
    """One run on a quiet computer, and one beside a page."""
    list(model.open(LoadOptions(n_ctx=512, n_threads=threads), lambda: False))
    prompt = _prompt(model)
    _ended(model, prompt, 2)  # memory is touched for the first time
    yield False, _ended(model, prompt, ANSWER_TOKENS)
    with _page():
        yield True, _ended(model, prompt, ANSWER_TOKENS)


def _speed(ends: Sequence[SampleFinished]) -> Speed:
    return Speed(
        statistics.median(end.prompt_tokens / max(end.prompt_seconds, 1e-6) for end in ends),
        statistics.median(end.tokens / max(end.seconds - end.prompt_seconds, 1e-6) for end in ends),
    )


def _ended(model: RemoteModel, prompt: str, tokens: int) -> SampleFinished:
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=tokens),), text=prompt, reuse=False)
    end = list(model.generate(request))[-1]
    if not isinstance(end, SampleFinished) or not end.tokens:
        raise ModelError(f"{model.name} answered nothing, so its speed cannot be measured: choose another model.")
    return end


@contextlib.contextmanager
def _page() -> Iterator[None]:
    """Something works beside, as a page does."""
    busy = subprocess.Popen([sys.executable, "-c", PAGE])
    try:
        yield
    finally:
        busy.kill()
        busy.wait()


def _table(tuned: Tuned) -> str:
    head = ("THREADS", "PROMPT", "ANSWER", "PROMPT BESIDE A PAGE", "ANSWER BESIDE A PAGE", "")
    rows = [
        (str(one.threads), *map(_rate, (one.quiet.prompt, one.quiet.answer, one.beside_page.prompt,
                                        one.beside_page.answer)), "best" if one.threads == tuned.best else "")
        for one in tuned.measured
    ]  # fmt: skip
    return table([head, *rows])


def _rate(tokens: float) -> str:
    return f"{tokens:.1f} tok/s"


def _keep(tuned: Sequence[Tuned], say: Callable[[str], None]) -> None:
    real = [one for one in tuned if one.kept]
    if not real:
        say(
            "Nothing is kept: these models are toys, which one thread serves best. Measure one of your own with"
            " `samantha doctor --tune MODEL`."
        )
        return
    settings.save(msgspec.structs.replace(settings.load(), n_threads=real[-1].best))
    threads = "1 thread is" if real[-1].best == 1 else f"{real[-1].best} threads are"
    say(f"{threads} the default from now on, as {real[-1].model} is fastest with; `n_threads` changes it for a run.")
