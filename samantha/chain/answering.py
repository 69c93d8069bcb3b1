"""An answer while it is generated, as events: its hyperparameters can change, and it can go on as a branch.

The engine uses it for the steps of a run, `branches.py` for branches of runs that have ended. What is not here: what a
step is asked, and what becomes of its answer.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from samantha import events
from samantha.errors import ChainError, HyperparameterError
from samantha.events import Event
from samantha.hyperparameters import LOADING, Hyperparameters, changed, differences
from samantha.models.model import (
    Adjusted,
    GenerateRequest,
    Model,
    PromptProgress,
    Rendered,
    SampleFinished,
    Token,
)

OF_AN_ANSWER = (*LOADING, "seed", "stop", "grammar", "json_schema")
"""Knobs that hold for a whole answer: they cannot change between two tokens."""

Started = Callable[[Rendered], Iterator[Event]]
Finished = Callable[[int, SampleFinished], Iterator[Event]]
Make = Callable[..., Any]
"""Makes an event of a kind with the run's id and time: `make(kind, step number, **fields)`."""


class Fork(msgspec.Struct, frozen=True):
    """Where a branch begins: it shares `prefix` with `parent`; `token` is forced after it (None: chosen anew)."""

    parent: int
    prefix: tuple[int, ...]
    shown: str
    token: int | None
    values: Hyperparameters


class Answering:
    """The answers of some steps by one model. `adjust` and `branch` are for a single step, and thread-safe."""

    def __init__(
        self,
        make: Make,
        model: Model,
        steps: Sequence[int],
        values: Sequence[Hyperparameters],
        known: Mapping[int, Sequence[tuple[int, str]]] | None = None,
        *,
        begun: Callable[[], None],
    ) -> None:
        """An answer whose model is given by the caller, who also stops it.

        Args:
            known: the tokens of the branches that are there already, as (id, shown) by number.
            begun: called when the model has begun an answer or a branch, from when on it can be stopped: a stop that
                came before that was for what it did before, and is told again.
        """
        self._make = make
        self._model = model
        self._steps = steps
        self._values = values[0]
        self._begun = begun
        self._texts: dict[int, list[str]] = {step: [] for step in steps}
        self._answers: dict[int, list[tuple[int, str]]] = {
            branch: list(tokens) for branch, tokens in (known or {}).items()
        }
        self._lock = threading.Lock()
        self._fork: Fork | None = None
        self._rendered = ""
        self._ended = False
        self._over = False
        self.branch = 0
        """The branch in progress; 0 is the first answer."""

    @property
    def unfinished(self) -> dict[int, str]:
        """The visible text of each step that has not ended, by number."""
        return {step: "".join(texts) for step, texts in self._texts.items()}

    def first(
        self, request: GenerateRequest, started: Started, finished: Finished
    ) -> Iterator[Event]:
        """Generate `request` and the branches that it goes on as.

        Args:
            started: the events of a rendered prompt.
            finished: the events of the end of sample number i. An answer that goes on as a branch is not its end.
        """
        self._answers[0] = []
        yield from self._outputs(request, started, finished)
        yield from self._branches(request, finished)

    def forked(self, fork: Fork, request: GenerateRequest, finished: Finished) -> Iterator[Event]:
        """The same, beginning with a branch; `request` says how the first answer was asked for."""
        self._fork, self._rendered = fork, request.text or ""
        yield from self._branches(request, finished)

    def adjust(self, overrides: Mapping[str, Any]) -> None:
        """Generate with other hyperparameters from the next token on.

        Raises:
            HyperparameterError: an unknown knob, a bad value, or one that cannot change within an answer.
        """
        refuse(overrides, OF_AN_ANSWER, "within an answer: it holds from the next step on, or in a branch")
        with self._lock:
            self._values = changed(self._values, overrides)
        self._model.adjust(self._values)

    def go_on_as_branch(
        self, parent: int, position: int, token: int | None, overrides: Mapping[str, Any]
    ) -> None:
        """End the answer in progress and go on otherwise from `position` of `parent`.

        Raises:
            ChainError: no such branch, position or token, or the answer has ended.
            HyperparameterError: see `adjust`; of a branch only the knobs of the loaded model are fixed.
        """
        with self._lock:
            if self._over:
                raise ChainError(f"Step {self._steps[0]} has ended: branches of it can be made when the run is over.")
            self._fork = self._checked(parent, position, token, overrides)
        self._model.stop("branched")

    def _checked(self, parent: int, position: int, token: int | None, overrides: Mapping[str, Any]) -> Fork:
        tokens = self._answers.get(parent)
        if tokens is None:
            raise ChainError(f"Step {self._steps[0]} has no branch {parent}: choose one of {_list(self._answers)}.")
        most = len(tokens) if parent == self.branch and not self._ended else len(tokens) - 1
        n_vocab = self._model.describe().n_vocab
        return fork(self._model.name, n_vocab, parent, tokens, most, position, token, self._values, overrides)

    def _branches(self, request: GenerateRequest, finished: Finished) -> Iterator[Event]:
        while True:
            with self._lock:
                fork, self._fork = self._fork, None
            if fork is None:
                return
            self.branch = max(0, *self._answers) + 1
            tokens = self._answers[fork.parent][: len(fork.prefix)]
            self._answers[self.branch] = list(tokens)
            self._values = fork.values
            self._texts = {self._steps[0]: [fork.shown]}
            started = self._started(fork)
            yield from self._outputs(self._again(request, fork), lambda _, event=started: iter((event,)), finished)  # type: ignore[misc]

    def _again(self, request: GenerateRequest, fork: Fork) -> GenerateRequest:
        templated = request.text is None or request.rendered
        return msgspec.structs.replace(
            request, samples=(fork.values,), messages=(), text=self._rendered, rendered=templated, prefix=fork.prefix,
            force=fork.token, reuse=True,
        )  # fmt: skip

    def _started(self, fork: Fork) -> Event:
        started: Event = self._make(
            events.BranchStarted, self._steps[0], branch=self.branch, parent=fork.parent, position=len(fork.prefix),
            token=fork.token, text=fork.shown, model=self._model.name, seed=fork.values.seed or 0,
            changed=shown_differences(fork.values),
        )  # fmt: skip
        return started

    def _outputs(self, request: GenerateRequest, started: Started, finished: Finished) -> Iterator[Event]:
        self._ended = self._over = False
        self._rendered = request.text or ""
        for output in self._model.generate(request):
            if isinstance(output, Token):
                yield self._token(output)
            elif isinstance(output, PromptProgress):
                yield self._make(
                    events.PromptProcessing, self._steps[0], done=output.done, total=output.total, reused=output.reused
                )
            elif isinstance(output, Rendered):
                self._rendered = output.text
                yield from started(output)
                self._begun()
            elif isinstance(output, Adjusted):
                yield self._make(
                    events.HyperparametersChanged, self._steps[output.sample], branch=self.branch,
                    position=output.position, changed=shown_differences(output.values),
                )  # fmt: skip
            else:
                yield from self._sample_finished(output, finished)

    def _token(self, output: Token) -> Event:
        step = self._steps[output.sample]
        self._texts[step].append(output.shown)
        if len(self._steps) == 1:
            self._answers[self.branch].append((output.id, output.shown))
        token: Event = self._make(
            events.TokenGenerated, step, id=output.id, piece=output.piece, shown=output.shown, branch=self.branch,
            trace=output.trace,
        )  # fmt: skip
        return token

    def _sample_finished(self, output: SampleFinished, finished: Finished) -> Iterator[Event]:
        with self._lock:
            self._ended = True
            goes_on = self._fork is not None
            self._over = not goes_on
        if not goes_on:
            del self._texts[self._steps[output.sample]]
            yield from finished(output.sample, output)
        else:
            yield end_event(self._make, self._steps[output.sample], output, self.branch)


def end_event(make: Make, step: int, end: SampleFinished, branch: int) -> Event:
    """The event of an answer's end."""
    finished: Event = make(
        events.StepFinished, step, text=end.text, reason=end.reason, prompt_tokens=end.prompt_tokens,
        reused=end.reused, tokens=end.tokens, prompt_seconds=end.prompt_seconds, seconds=end.seconds, branch=branch,
    )  # fmt: skip
    return finished


def fork(
    model: str, n_vocab: int, parent: int, tokens: Sequence[tuple[int, str]], most: int, position: int,
    token: int | None, values: Hyperparameters, overrides: Mapping[str, Any],
) -> Fork:  # fmt: skip
    """A checked fork of an answer whose tokens are given as (id, shown).

    Args:
        model, n_vocab: its name and how many tokens it has (0: not known).
        most: the last position that the branch may begin at.

    Raises:
        ChainError, HyperparameterError: see `Answering.go_on_as_branch`.
    """
    if not 0 <= position <= most:
        raise ChainError(f"A branch cannot begin at token {position + 1}: the answer has {len(tokens)} tokens.")
    if any(number < 0 for number, _ in tokens):
        raise ChainError(f"{model} runs on a server, which cannot go on from given tokens: branches need a model here.")
    if token is not None and not 0 <= token < (n_vocab or token + 1):
        known = f"the vocabulary of {model} has the ids 0 to {n_vocab - 1}" if n_vocab else "ids begin at 0"
        raise ChainError(f"There is no token {token}: {known}.")
    refuse(overrides, LOADING, "in a branch: it belongs to the model as it is loaded")
    prefix = tokens[:position]
    return Fork(
        parent, tuple(number for number, _ in prefix), "".join(shown for _, shown in prefix), token,
        changed(values, overrides),
    )  # fmt: skip


def refuse(overrides: Mapping[str, Any], fixed: Sequence[str], where: str) -> None:
    """Refuse to change what is fixed.

    Raises:
        HyperparameterError: one of the knobs is fixed.
    """
    for name in overrides:
        if name in fixed:
            raise HyperparameterError(f"{name} cannot change {where}.")


def shown_differences(values: Hyperparameters) -> Any:
    """What differs from the defaults, as events carry it; the seed stands beside it."""
    return events.plain({name: value for name, value in differences(values).items() if name != "seed"})


def _list(branches: Mapping[int, Any]) -> str:
    return ", ".join(map(str, sorted(branches)))
