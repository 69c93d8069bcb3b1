"""Answers as learning mode looks at them, put together from events: tokens with what was seen of their choice.

`Record` is fed events as they come, or those of a stored run; a branch is an answer of its own that shares its first
tokens with the answer it leaves. What is not here: where events come from, and how anything is drawn.
"""

from collections.abc import Iterable
from typing import Any

from samantha import events
from samantha.events import Event
from samantha.hyperparameters import DEFAULTS, Hyperparameters, changed
from samantha.traces import TokenTrace

Key = tuple[int, int]
"""Step and branch; branch 0 is the step's first answer."""


class Seen:
    """One token of an answer. `trace` is None where the run was not traced."""

    __slots__ = ("id", "piece", "shown", "trace")

    def __init__(self, id: int, piece: bytes, shown: str, trace: TokenTrace | None) -> None:
        self.id = id
        self.piece = piece
        self.shown = shown
        self.trace = trace


class Answer:
    """One answer or branch. `tokens` begins with the `position` tokens that are shared with `parent` (None: with none).

    `changes` are the hyperparameters in force, as (token from which on, what differs from the defaults), the first from
    `position`. `text` and `reason` are empty while it is being generated; `message` says why it failed.
    """

    def __init__(self, run: str, step: int, branch: int, parent: "Answer | None", position: int) -> None:
        self.run = run
        self.step = step
        self.branch = branch
        self.parent = parent
        self.position = position
        self.forced: int | None = None
        self.model = ""
        self.prompt = ""
        self.rendered = ""
        self.prompt_ids: tuple[int, ...] = ()
        self.seed = 0
        self.changes: list[tuple[int, dict[str, Any]]] = []
        self.tokens: list[Seen] = list(parent.tokens[:position]) if parent else []
        self.text = ""
        self.reason = ""
        self.message = ""

    @property
    def traced(self) -> bool:
        """Whether there is anything to see of its choices."""
        return any(token.trace for token in self.tokens)

    def shown(self) -> str:
        """The visible text up to now."""
        return self.text or "".join(token.shown for token in self.tokens)

    def values(self, position: int) -> Hyperparameters:
        """The hyperparameters that token number `position` was chosen with."""
        if self.parent and position < self.position:
            return self.parent.values(position)
        in_force: dict[str, Any] = {}
        for begin, differences in self.changes:
            if begin <= position:
                in_force = differences
        return changed(DEFAULTS, in_force | {"seed": self.seed})


class Record:
    """The answers of a run, by step and branch, in the order in which they began."""

    def __init__(self) -> None:
        self.run = ""
        self.chain: dict[str, Any] = {}
        self.models: dict[str, dict[str, Any]] = {}
        """What each model said of itself when it was loaded, by name."""
        self.answers: dict[Key, Answer] = {}

    @classmethod
    def of(cls, stored: Iterable[Event]) -> "Record":
        """The record of events that are there already."""
        record = cls()
        for event in stored:
            record.add(event)
        return record

    def add(self, event: Event) -> Answer | None:
        """Take in one event: the answer that it changed, if any. A new run begins a new record."""
        match event:
            case events.RunStarted():
                self.run, self.chain, self.models, self.answers = event.run, event.chain, {}, {}
            case events.ModelLoaded():
                self.models[event.model] = event.description
            case events.StepStarted():
                return self._begin(event)
            case events.BranchStarted():
                return self._branch(event)
            case events.HyperparametersChanged():
                return self._changed(event)
            case events.TokenGenerated():
                return self._token(event)
            case events.StepFinished():
                return self._end(event, text=event.text, reason=event.reason)
            case events.StepFailed():
                return self._failed(event)
        return None

    def branches(self, step: int) -> list[Answer]:
        """The first answer of a step and its branches, by number."""
        return [answer for (number, _), answer in self.answers.items() if number == step]

    def _begin(self, event: events.StepStarted) -> Answer:
        answer = Answer(event.run, event.step or 0, 0, None, 0)
        answer.model, answer.prompt, answer.rendered = event.model, event.prompt, event.rendered
        answer.prompt_ids, answer.seed, answer.changes = event.prompt_ids, event.seed, [(0, event.changed)]
        self.answers[answer.step, 0] = answer
        return answer

    def _branch(self, event: events.BranchStarted) -> Answer | None:
        parent = self.answers.get((event.step or 0, event.parent))
        if parent is None:
            return None
        answer = Answer(event.run, parent.step, event.branch, parent, event.position)
        answer.model, answer.prompt, answer.rendered = parent.model, parent.prompt, parent.rendered
        answer.prompt_ids, answer.forced, answer.seed = parent.prompt_ids, event.token, event.seed
        answer.changes = [(event.position, event.changed)]
        self.answers[answer.step, answer.branch] = answer
        return answer

    def _changed(self, event: events.HyperparametersChanged) -> Answer | None:
        answer = self.answers.get((event.step or 0, event.branch))
        if answer:
            answer.changes.append((event.position, event.changed))
        return answer

    def _token(self, event: events.TokenGenerated) -> Answer | None:
        answer = self.answers.get((event.step or 0, event.branch))
        if answer:
            answer.tokens.append(Seen(event.id, event.piece, event.shown, event.trace))
        return answer

    def _failed(self, event: events.StepFailed) -> Answer | None:
        """A step may fail before it begins, as where its model cannot be loaded: it has an answer without tokens."""
        if not event.branch and (event.step or 0, 0) not in self.answers:
            answer = Answer(event.run, event.step or 0, 0, None, 0)
            answer.model, answer.prompt = event.model, event.prompt
            self.answers[answer.step, 0] = answer
        return self._end(event, text=event.text, reason="failed", message=event.message)

    def _end(self, event: events.StepFinished | events.StepFailed, **ending: str) -> Answer | None:
        answer = self.answers.get((event.step or 0, event.branch))
        if answer:
            for name, value in ending.items():
                setattr(answer, name, value)
        return answer
