"""Branches of a run that has ended: an answer of it is generated otherwise from some token on.

The record says how the answer was asked for, so that nothing but the model file is needed; when that is another file
than it was, the branch is refused. What is not here: branches of a step in progress (`engine.Run.branch`), and the
store that keeps what comes out (`RunStore.extend`).
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from samantha import events
from samantha.chain.answering import Answering, Fork, end_event, fork
from samantha.chain.chain import Chain
from samantha.chain.record import Answer, Record
from samantha.chain.stream import EventStream
from samantha.errors import ChainError, ModelError
from samantha.events import Event
from samantha.models import gguf, library
from samantha.models.model import (
    Fetching,
    GenerateRequest,
    Loading,
    LoadOptions,
    ModelSource,
    SampleFinished,
    load_options,
)


def branch(
    stored: Iterable[Event],
    models: ModelSource,
    *,
    step: int,
    parent: int = 0,
    position: int,
    token: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    trace: int = 10,
    clock: Callable[[], float] = time.monotonic,
) -> "Branching":
    """Prepare a branch of a recorded answer; nothing is generated until its first event is read.

    Args:
        stored: the events of the run.
        parent: the branch to leave; 0 is the step's first answer.
        position: the token, from 0, from which on the answer is another.
        token: the id that is forced there; None lets one be chosen anew.
        overrides: hyperparameters that differ from those that were in force there.
        trace: how many candidates are recorded of each choice.

    Raises:
        ChainError: no such answer, position or token; or the model's file has changed or is gone.
        HyperparameterError: an override that cannot be.
    """
    found = list(stored)
    record = Record.of(found)
    answer = record.answers.get((step, parent))
    if answer is None:
        raise ChainError(f"The run has no answer of step {step}" + (f", branch {parent}." if parent else "."))
    if not answer.rendered or not answer.tokens:
        raise ChainError(f"Step {step} has no tokens to branch from: {answer.message or 'nothing was generated'}.")
    described = record.models.get(answer.model, {})
    _check_file(answer.model, described)
    tokens = [(seen.id, seen.shown) for seen in answer.tokens]
    most = len(tokens) - (answer.reason not in ("", "failed", "stopped", "skipped", "branched", "max_tokens"))
    begin = fork(
        answer.model, int(described.get("n_vocab", 0)), answer.branch, tokens, most, position, token,
        answer.values(position), overrides or {},
    )  # fmt: skip
    return Branching(record, answer, begin, models, trace, found[-1].time, clock)


def _check_file(name: str, described: dict[str, Any]) -> None:
    """Refuse a model whose file is not the one that the run was made with."""
    recorded = str(described.get("hash", ""))
    if not recorded:
        return
    try:
        path = library.find(name).path
    except ModelError:
        path = Path(str(described.get("path", "")))
    try:
        now = gguf.sampled_hash(path)
    except OSError as error:
        raise ChainError(
            f"The file of {name} that made this answer is gone ({path}): put it back to make branches of it."
        ) from error
    if now != recorded:
        raise ChainError(
            f"The file of {name} has changed since this answer was made ({path}): a branch would not belong to it."
            " Run the chain again, and branch from the new run."
        )


class Branching(EventStream):
    """The events of a branch, and of the branches that it goes on as. It is pulled, as a `Run` is.

    `stop`, `skip`, `adjust`, `branch` are for any thread.
    """

    def __init__(
        self, record: Record, answer: Answer, begin: Fork, models: ModelSource, trace: int, begun: float,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.id = record.run
        self.trace = trace
        """As the branch was asked for; fixed."""
        self._chain = msgspec.convert(record.chain, Chain)
        self._answer = answer
        self._fork = begin
        branches = record.branches(answer.step)
        self._known = {one.branch: [(seen.id, seen.shown) for seen in one.tokens] for one in branches}
        self._models = models
        self._offset = begun - clock()
        self._clock = clock
        self._answering: Answering | None = None
        super().__init__()

    def stop(self) -> None:
        """End the branch with reason `stopped`."""
        with self._lock:
            self._stopping = True
            if self._model:
                self._model.stop("stopped")

    def skip(self) -> None:
        """The same: there is no other step."""
        self.stop()

    def adjust(self, overrides: Mapping[str, Any]) -> None:
        """See `engine.Run.adjust`."""
        with self._lock:
            self._in_progress().adjust(overrides)

    def branch(
        self, step: int, branch: int, position: int, token: int | None, overrides: Mapping[str, Any] | None = None
    ) -> None:
        """See `engine.Run.branch`."""
        if step != self._answer.step:
            raise ChainError(f"A branch of step {self._answer.step} is being generated: wait for it, or stop it.")
        with self._lock:
            self._in_progress().go_on_as_branch(branch, position, token, overrides or {})

    def _in_progress(self) -> Answering:
        if self._answering is None:
            raise ChainError("The branch is not being generated now: nothing was changed.")
        return self._answering

    def _make(self, kind: type[Any], step: int | None, **fields: Any) -> Any:
        return kind(run=self.id, step=step, time=self._clock() + self._offset, **fields)

    def _events(self) -> Generator[Event, None, None]:
        options = load_options(self._fork.values)
        try:
            yield from self._load(options)
            yield from self._generate()
        except ModelError as error:
            yield self._failed(str(error))
        finally:
            self._release()

    def _load(self, options: LoadOptions) -> Iterator[Event]:
        for loaded in self._models.acquire(self._answer.model, options, lambda: self._stopping):
            if isinstance(loaded, Loading):
                yield self._make(events.ModelLoading, None, model=self._answer.model, progress=loaded.progress)
            elif isinstance(loaded, Fetching):
                yield self._make(events.Downloading, None, **msgspec.structs.asdict(loaded))
            else:
                with self._lock:
                    self._model = loaded

    def _generate(self) -> Iterator[Event]:
        assert self._model
        request = GenerateRequest(
            samples=(self._fork.values,), text=self._answer.rendered, template=self._chain.template,
            rendered=not self._chain.raw, trace=self.trace, window=1 if self.trace else 256,
        )  # fmt: skip
        steps, values = [self._answer.step], [self._fork.values]
        answering = Answering(self._make, self._model, steps, values, self._known, begun=self._pass_on_stop)
        with self._lock:
            self._answering = answering
            if self._stopping:
                return
        yield from answering.forked(self._fork, request, lambda _, end: self._finished(answering, end))

    def _pass_on_stop(self) -> None:
        """A stop that came before the model began this branch is told to it now."""
        with self._lock:
            if self._stopping and self._model:
                self._model.stop("stopped")

    def _finished(self, answering: Answering, end: SampleFinished) -> Iterator[Event]:
        yield end_event(self._make, self._answer.step, end, answering.branch)

    def _failed(self, message: str) -> Event:
        """Of the branch that was begun, or of the step where none was."""
        answering = self._answering
        text = next(iter(answering.unfinished.values()), "") if answering else ""
        number = answering.branch if answering and answering.branch else 0
        if not number:
            notice: Event = self._make(events.Notice, None, message=f"No branch was made: {message}")
            return notice
        failed: Event = self._make(
            events.StepFailed, self._answer.step, message=message, text=text, model=self._answer.model,
            prompt=self._answer.prompt, branch=number,
        )  # fmt: skip
        return failed

    def _release(self) -> None:
        with self._lock:
            model, self._model, self._answering = self._model, None, None
        if model:
            self._models.release(model)
