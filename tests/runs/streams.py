"""Runs made of hand-written events, for tests of the store: no engine, no model."""

import itertools
from collections.abc import Iterator, Sequence

from samantha.events import (
    Event,
    ModelLoaded,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    TokenGenerated,
)


class Stream:
    """Events that arrive in batches of `batch`, as from a worker."""

    def __init__(self, run_id: str, events: Sequence[Event], batch: int = 1) -> None:
        self.id = run_id
        self._events = events
        self._batch = batch
        self._read = 0

    @property
    def buffered(self) -> int:
        return min(-self._read % self._batch, len(self._events) - self._read)

    def __iter__(self) -> Iterator[Event]:
        for event in self._events:
            self._read += 1
            yield event


def started(run: str, **chain: object) -> RunStarted:
    return RunStarted(
        run=run, seed=7, chain={"prompts": "Hello there"} | chain, steps=1, started="2026-11-21T11:00:00+00:00",
        versions={"samantha": "0.1.0"},
    )


def step_started(run: str, step: int = 1, prompt: str = "Hello there", **fields: object) -> StepStarted:
    return StepStarted(
        run=run, step=step, model="tiny", prompt=prompt, rendered=f"user: {prompt}", seed=11, group=(step,), time=0.1,
        prompt_tokens=5, changed={"temperature": 0.5}, **fields,
    )


def tokens(run: str, words: Sequence[str], step: int = 1) -> list[Event]:
    return [TokenGenerated(run=run, step=step, time=0.2, id=n, piece=w.encode(), shown=w) for n, w in enumerate(words)]


def step_finished(run: str, words: Sequence[str], step: int = 1) -> StepFinished:
    return StepFinished(
        run=run, step=step, text="".join(words), reason="end", prompt_tokens=5, tokens=len(words), seconds=0.3, time=0.4
    )


def whole_run(run: str, prompt: str = "Hello there", words: Sequence[str] = ("Good", " day", "!")) -> list[Event]:
    """A run of one step that was done."""
    return [
        started(run, prompts=prompt), ModelLoaded(run=run, model="tiny"), step_started(run, prompt=prompt),
        *tokens(run, words), step_finished(run, words), RunFinished(run=run, reason="done", time=0.5),
    ]


TOKENS_OF_A_STEP = 50


class Endless:
    """The beginning of a run and then steps for ever, in batches."""

    def __init__(self, run_id: str, batch: int) -> None:
        self.id = run_id
        self._batch = batch
        self._read = 0

    @property
    def buffered(self) -> int:
        return -self._read % self._batch

    def __iter__(self) -> Iterator[Event]:
        for event in itertools.chain(whole_run(self.id)[:2], self._steps()):
            self._read += 1
            yield event

    def _steps(self) -> Iterator[Event]:
        for step in itertools.count(1):
            words = [f" {step}.{number}" for number in range(TOKENS_OF_A_STEP)]
            yield step_started(self.id, step)
            yield from tokens(self.id, words, step)
            yield step_finished(self.id, words, step)
