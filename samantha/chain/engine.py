"""The chain engine: `run(chain, models)` gives a `Run`, an iterator of Events. No file, no network, no page.

Failures of a model or of generated code are events and the run goes on; mistakes in a chain are raised before the first
event; our own bugs raise.
"""

import datetime
import random
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import msgspec

from samantha import __version__, events
from samantha.chain import prompts, steps
from samantha.chain.answering import Answering, end_event, shown_differences
from samantha.chain.chain import Chain
from samantha.chain.conversation import Conversation
from samantha.chain.files import validate
from samantha.chain.steps import Group, Step
from samantha.chain.stream import EventStream
from samantha.code.code import CodeError, CodeRunner, Finished, Printed, as_event
from samantha.errors import ChainError, ModelError, SamanthaError, TemplateError, WorkerDied
from samantha.events import Event, RunReason
from samantha.models import templates
from samantha.models.model import (
    Fetching,
    GenerateRequest,
    Loading,
    LoadOptions,
    Model,
    ModelSource,
    Rendered,
    SampleFinished,
    load_options,
)

STOP_SAMANTHA = "STOP_SAMANTHA"

Visit = tuple[int, LoadOptions]
"""A visit of a model, as it is loaded: with a smaller context window it may fit the memory."""


def run(
    chain: Chain,
    models: ModelSource,
    *,
    code: CodeRunner | None = None,
    window: int = 256,
    batches: bool = True,
    trace: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> "Run":
    """Check the chain and prepare its run; nothing happens until the first event is read.

    Args:
        models: where models are acquired, usually the program's `Residency`.
        code: runs generated code; needed when the chain says `run_code`.
        window: tokens a model may be ahead of the reader; 1 (with `batches` off) steps token by token.
        batches: whether independent samples are generated together.
        trace: how many candidates of each token's choice are recorded; above 0, steps are taken one at a time and
            the model is never more than one token ahead.

    Raises:
        ChainError: a mistake in the chain.
    """
    validate(chain)
    try:
        templates.check_name(chain.template)
    except TemplateError as error:
        raise ChainError(str(error)) from error
    items = prompts.parse(chain.prompts, chain.variables).items
    if chain.run_code and code is None:
        raise ChainError("run_code is on, but nothing here runs code: turn run_code off.")
    return Run(chain, items, models, code, window, batches and not trace, trace, clock)


def new_run_id() -> str:
    """An id that sorts by time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Run(EventStream):
    """The stream of a run's events. It is pulled: nothing happens while nobody reads.

    `stop`, `skip`, `adjust`, `branch` and `trace` are for any thread; everything else belongs to the reader.
    """

    def __init__(
        self,
        chain: Chain,
        items: tuple[prompts.PromptItem, ...],
        models: ModelSource,
        code: CodeRunner | None,
        window: int,
        batches: bool,
        trace: int,
        clock: Callable[[], float],
    ) -> None:
        self.trace = trace
        """How many candidates are recorded of each choice, from the next step on; 0 records nothing."""
        self.id = new_run_id()
        self.chain = chain
        self.seed = chain.seed if chain.seed is not None else random.SystemRandom().randrange(2**32 - 1)
        self._items = items
        self._models = models
        self._code = code
        self._window = window
        self._batches = batches
        grouped = batches and steps.independent(chain, items) and not chain.single_response_per_model
        self._batch = min(chain.parallel, chain.responses) if grouped else 1
        self._clock = clock
        self._start = clock()
        self._conversation = Conversation(chain)
        self._broken: dict[Visit, str] = {}
        self._died_loading: Visit | None = None
        """Where a model's process died while loading, last time it was tried."""
        self._loaded: tuple[str, LoadOptions] | None = None
        self._finished_steps = 0
        self._skipping = False
        self._coding = False
        self._answering: Answering | None = None
        self._answered: int | None = None
        self._ending: RunReason | None = None
        super().__init__()

    def stop(self) -> None:
        """End the run: the step in progress finishes with reason `stopped`, then comes `run_finished`."""
        with self._lock:
            self._stopping = True
            self._interrupt()

    def skip(self) -> None:
        """End the step in progress, or its whole group, with reason `skipped`; the run goes on."""
        with self._lock:
            self._skipping = True
            self._interrupt()

    def adjust(self, overrides: Mapping[str, Any]) -> None:
        """Generate the step in progress with other hyperparameters from its next token on.

        Raises:
            ChainError: no step is in progress, or several are generated together.
            HyperparameterError: an unknown knob, a bad value, or one that cannot change within an answer.
        """
        with self._lock:
            self._in_progress(self._answered).adjust(overrides)

    def branch(
        self, step: int, branch: int, position: int, token: int | None, overrides: Mapping[str, Any] | None = None
    ) -> None:
        """End the answer in progress as `branched`; the step goes on from token `position` of its branch `branch`.

        `token` is forced there (None: one is chosen anew), `overrides` change the hyperparameters. What the branch
        answers is what the chain goes on with.

        Raises:
            ChainError: that step is not in progress, or has no such branch, position or token.
            HyperparameterError: see `adjust`.
        """
        with self._lock:
            self._in_progress(step).go_on_as_branch(branch, position, token, overrides or {})

    def _in_progress(self, step: int | None) -> Answering:
        if self._answering is None or step is None or step != self._answered:
            name = "The step" if step is None else f"Step {step}"
            raise ChainError(f"{name} is not being generated now, or together with others: nothing was changed.")
        return self._answering

    def _interrupt(self) -> None:
        if self._model:
            self._model.stop("stopped" if self._stopping else "skipped")
        if self._code and (self._stopping or self._coding):
            self._code.stop()

    def _interrupted(self) -> bool:
        return self._stopping or self._skipping

    def _events(self) -> Generator[Event, None, None]:
        yield self._event(
            events.RunStarted,
            seed=self.seed,
            chain=events.plain(self.chain),
            steps=steps.total(self.chain, self._items),
            started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            versions={"samantha": __version__},
        )
        surplus = steps.surplus(self.chain, self._items)
        if surplus:
            yield self._event(events.Notice, message=surplus)
        try:
            if self.chain.run_code and self._code:
                self._code.prepare(self.id)
            yield from self._look_up()
            yield from self._all_groups()
        finally:
            self._models.end(self.chain.models)
            if self.chain.run_code and self._code:
                self._code.finish(self.id)
        yield self._event(events.RunFinished, reason=self._run_reason())

    def _look_up(self) -> Iterator[Event]:
        """What cannot be found is said at once; the run goes on with the other models."""
        try:
            problems = self._models.begin(self.chain.models, self._interrupted)
        except ModelError:
            return  # stopped meanwhile
        for problem in problems:
            yield self._event(events.Notice, message=problem)

    def _all_groups(self) -> Iterator[Event]:
        loop, finished_before = 1, 0
        for group, following in steps.with_next(steps.groups(self.chain, self._items, self.seed, self._batches)):
            if group[0].loop != loop:
                if self._finished_steps == finished_before:
                    return  # a whole loop of failures: the next would be the same
                loop, finished_before = group[0].loop, self._finished_steps
            if self._stopping or self._ending:
                return
            if following is not None and following[0].model != group[0].model:
                self._models.expect(following[0].model)
            yield from self._group(group)

    def _run_reason(self) -> RunReason:
        if self._stopping:
            return "stopped"
        return self._ending or ("done" if self._finished_steps else "failed")

    def _event(self, kind: type[Any], step: Step | None = None, **fields: Any) -> Any:
        return kind(run=self.id, step=step.number if step else None, time=self._clock() - self._start, **fields)

    def _group(self, group: Group) -> Iterator[Event]:
        """Every event of a group: loading, answers, code."""
        with self._lock:
            self._skipping = False
        first = group[0]
        if self._visit(first) in self._broken:
            yield from self._failures(group, self._broken[self._visit(first)])
            return
        try:
            yield from self._load(group)
        except SamanthaError as error:
            yield from self._load_failed(group, error)
            return
        try:
            yield from self._answer(group)
        finally:
            self._release()

    def _load(self, group: Group) -> Iterator[Event]:
        first = group[0]
        options = load_options(first.hyperparameters, self._batch)
        begun = self._clock()
        fresh = self._loaded != (first.model, options)
        for loaded in self._models.acquire(first.model, options, self._interrupted):
            if isinstance(loaded, Loading):
                fresh = True
                yield self._event(events.ModelLoading, model=first.model, progress=loaded.progress)
            elif isinstance(loaded, Fetching):
                fresh = True
                yield self._event(events.Downloading, **msgspec.structs.asdict(loaded))
            else:
                with self._lock:
                    self._model = loaded
        if fresh and self._model:
            self._loaded, self._died_loading = (first.model, options), None
            description = self._model.describe()
            yield self._event(
                events.ModelLoaded, model=first.model, description=events.plain(msgspec.structs.asdict(description)),
                seconds=self._clock() - begun,
            )  # fmt: skip
            for notice in description.notices:
                yield self._event(events.Notice, message=f"{first.model}: {notice}")

    def _load_failed(self, group: Group, error: SamanthaError) -> Iterator[Event]:
        """A file that cannot be used fails its whole visit, and so does a process that dies twice while loading it."""
        if self._interrupted():
            yield from self._interrupted_before(group)
            return
        visit = self._visit(group[0])
        if not isinstance(error, WorkerDied) or self._died_loading == visit:
            self._broken[visit] = str(error)
        self._died_loading = visit
        yield from self._failures(group, str(error))

    def _visit(self, step: Step) -> Visit:
        return step.visit, load_options(step.hyperparameters, self._batch)

    def _interrupted_before(self, group: Group) -> Iterator[Event]:
        """Steps that were skipped before their model had begun; of those that were stopped there is nothing to say."""
        for step in () if self._stopping else group:
            yield self._started(step, group, Rendered("", 0))
            yield self._event(events.StepFinished, step, text="", reason="skipped")

    def _failures(self, group: Group, message: str) -> Iterator[Event]:
        for step in group:
            yield self._failure(step, message)

    def _failure(self, step: Step, message: str, text: str = "", branch: int = 0) -> Event:
        failed: Event = self._event(
            events.StepFailed, step, message=message, text=text, model=step.model, prompt=step.item.source,
            branch=branch,
        )  # fmt: skip
        return failed

    def _release(self) -> None:
        with self._lock:
            model, self._model = self._model, None
        if model:
            if self._stopping:
                model.reset()
            self._models.release(model)

    def _answer(self, group: Group) -> Iterator[Event]:
        assert self._model
        numbers = [step.number for step in group]
        values = [step.hyperparameters for step in group]
        answering = Answering(self._make, self._model, numbers, values, begun=self._pass_on_interruption)
        notices: list[str] = []
        try:
            request = self._request(group, self._model, notices.append)
            if request is None:
                yield from self._interrupted_before(group)
                return
            for notice in notices:
                yield self._event(events.Notice, group[0], message=notice)
            if self.trace:
                request = msgspec.structs.replace(request, trace=self.trace, window=1)
            self._now(answering, numbers[0] if len(group) == 1 else None)
            yield from answering.first(
                request,
                lambda rendered: self._begin(group, rendered),
                lambda sample, end: self._finished(group[sample], end, answering.branch),
            )
        except ModelError as error:
            self._loaded = None
            for step in group:
                if step.number in answering.unfinished:
                    yield self._failure(step, str(error), answering.unfinished[step.number], answering.branch)
        finally:
            self._now(None, None)

    def _request(self, group: Group, model: Model, say: Callable[[str], None]) -> GenerateRequest | None:
        """What the model is asked; None where the run was interrupted while the model counted."""
        try:
            request = self._conversation.request(group, model, self._window, say)
        except ModelError:
            if not self._interrupted():
                raise
            return None
        return None if self._interrupted() else request

    def _now(self, answering: Answering | None, step: int | None) -> None:
        with self._lock:
            self._answering, self._answered = answering, step

    def _make(self, kind: type[Any], step: int, **fields: Any) -> Any:
        return kind(run=self.id, step=step, time=self._clock() - self._start, **fields)

    def _begin(self, group: Group, rendered: Rendered) -> Iterator[Event]:
        for step in group:
            yield self._started(step, group, rendered)
        for notice in rendered.notices:
            yield self._event(events.Notice, group[0], message=notice)

    def _pass_on_interruption(self) -> None:
        """A stop or skip that came before the model began this answer or branch is told to it now."""
        with self._lock:
            if self._interrupted() and self._model:
                self._model.stop("stopped" if self._stopping else "skipped")

    def _started(self, step: Step, group: Group, rendered: Rendered) -> Event:
        values = step.hyperparameters
        started: Event = self._event(
            events.StepStarted, step, model=step.model, prompt=step.item.source, rendered=rendered.text,
            seed=values.seed, group=tuple(member.number for member in group), loop=step.loop, response=step.response,
            prompt_number=step.item.number, prompt_tokens=rendered.prompt_tokens,
            changed=shown_differences(values), system=self._conversation.system(),
            previous=self._conversation.previous(), prompt_ids=rendered.tokens,
        )  # fmt: skip
        return started

    def _finished(self, step: Step, end: SampleFinished, branch: int) -> Iterator[Event]:
        self._finished_steps += 1
        yield end_event(self._make, step.number, end, branch)
        self._conversation.answered(step, end.text)
        if self.chain.run_code and not self._stopping:
            yield from self._run_code(step, end.text)
        else:
            self._conversation.feed_back(end.text)

    def _run_code(self, step: Step, text: str) -> Iterator[Event]:
        """Run the code of a response and decide what is fed back and whether the run ends (SPEC 6)."""
        assert self._code
        printed, end = "", None
        with self._lock:
            self._coding = True
        try:
            for outcome in self._code.run(text, self.id, step.number):
                printed += outcome.text if isinstance(outcome, Printed) and outcome.stream == "stdout" else ""
                end = outcome if isinstance(outcome, Finished) else end
                yield as_event(outcome, self.id, step.number, self._clock() - self._start)
        except CodeError as error:
            yield self._event(events.Notice, step, message=str(error))
        finally:
            with self._lock:
                self._coding = False
        self._judge(printed.strip(), end.reason if end else "")
        self._feed_back_code(text, end.output if end else None)

    def _judge(self, printed: str, reason: str) -> None:
        if reason != "ok":
            return  # what was printed before an error, a limit or a stop decides nothing
        if printed == STOP_SAMANTHA:
            self._ending = "stop_samantha"
        elif self.chain.stop_condition and printed not in ("", "None"):
            self._ending = "stop_condition"

    def _feed_back_code(self, text: str, output: str | None) -> None:
        if self.chain.feedback_code_output_only:
            self._conversation.feed_back(output or "")
        else:
            self._conversation.feed_back(f"{text}\n\n{output}" if output else text)
