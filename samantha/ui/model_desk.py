"""What a tab asks of models beside its runs: scores of a text, a vocabulary, the tokens of a text, the first prompt.

Each is a task on a thread of its own, which waits while a run uses the model, can be stopped, and stops when nobody
looks any more. Pages ask how far it is. What is not here: arithmetic, and what a page is sent.
"""

import contextlib
import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol
from weakref import WeakKeyDictionary

from samantha.chain.chain import Chain
from samantha.errors import SamanthaError
from samantha.learning.score import Comparison, Score, compare
from samantha.learning.scoring import first_prompt, first_step, score_text
from samantha.models import library
from samantha.models.model import Fetching, Loading, LoadOptions, Model, ModelSource, PromptProgress, Scored
from samantha.traces import ScoredToken, VocabularyToken
from samantha.ui.session import GRACE, Session, Sessions

Phase = Literal["waiting", "loading", "working", "done", "stopped", "failed"]

KEPT_VOCABULARIES = 4

log = logging.getLogger(__name__)


class Stoppable(Protocol):
    """What a task is busy with."""

    def stop(self) -> None:
        """End it. Thread-safe."""


class Task:
    """Something that is asked of models on a thread of its own; the subclass's `_work` is what.

    `share` is that of the load, from 0 to 1; `done` of `total` are tokens. `problem` says why it failed; `told` that
    the page heard of its end, so that asking again means trying again.
    """

    def __init__(self, source: ModelSource, number: int, gone: Callable[[], bool]) -> None:
        self.source = source
        self.number = number
        self.phase: Phase = "waiting"
        self.model = ""
        self.share = 0.0
        self.done = 0
        self.total = 0
        self.problem = ""
        self.told = False
        self._gone = gone
        self._stopped = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._busy: Stoppable | None = None
        threading.Thread(target=self._run, name="model task", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether it is over, in whatever way."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """End it; what was found stands. Returns at once."""
        self._stopped.set()
        with self._lock:
            if self._busy:
                self._busy.stop()

    def _cancelled(self) -> bool:
        return self._stopped.is_set() or self._gone()

    def _work(self) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        end: Phase = "done"
        try:
            self._work()
        except SamanthaError as error:
            end, self.problem = "failed", str(error)
        except Exception:
            log.exception("a task ended by a fault of the program")
            end, self.problem = "failed", "This ended by a fault of the program: the terminal shows where."
        self.phase = "stopped" if self._stopped.is_set() else end
        self._ended.set()

    @contextlib.contextmanager
    def _busy_with(self, what: Stoppable) -> Iterator[None]:
        with self._lock:
            self._busy = what
        if self._stopped.is_set():
            what.stop()
        try:
            yield
        finally:
            with self._lock:
                self._busy = None

    def _borrowed(self, name: str, options: LoadOptions) -> Iterator[Model]:
        """The model, once, released afterwards."""
        self.model = name
        for loaded in self.source.acquire(name, options, self._cancelled):
            if isinstance(loaded, Loading | Fetching):
                self._loading(loaded)
                continue
            self.phase = "working"
            try:
                yield loaded
            finally:
                self.source.release(loaded)

    def _loading(self, loaded: Loading | Fetching) -> None:
        self.phase, self.share = "loading", loaded.progress


class ScoreTask(Task):
    """A text scored by one model, or by two, which are compared."""

    def __init__(
        self, source: ModelSource, number: int, gone: Callable[[], bool], text: str, names: Sequence[str]
    ) -> None:
        self.text = text
        self.names = tuple(names)
        self.tokens: list[list[ScoredToken]] = [[] for _ in names]
        self.scores: list[Score] = []
        self.comparison: Comparison | None = None
        super().__init__(source, number, gone)

    def _work(self) -> None:
        for place, name in enumerate(self.names):
            self.phase, self.model, self.done, self.total = "waiting", name, 0, 0
            asked = score_text(self.source, name, self.text, cancelled=self._gone)
            with self._busy_with(asked):
                for progress in asked:
                    self._take(place, progress)
            if self._cancelled():
                return
        if len(self.scores) == 2:
            self.comparison = compare(*self.scores)

    def _take(self, place: int, progress: Loading | PromptProgress | Scored | Score) -> None:
        match progress:
            case Loading():
                self._loading(progress)
            case PromptProgress():
                self.phase, self.done, self.total = "working", progress.done, progress.total
            case Scored():
                self.phase = "working"
                self.tokens[place] += progress.tokens
            case Score():
                self.scores.append(progress)


class TokensTask(Task):
    """How a model's tokenizer cuts a text."""

    def __init__(self, source: ModelSource, number: int, gone: Callable[[], bool], name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.tokens: list[tuple[int, bytes]] = []
        super().__init__(source, number, gone)

    def _work(self) -> None:
        for model in self._borrowed(self.name, LoadOptions()):
            self.tokens = model.tokenize(self.text)


class PromptTask(Task):
    """The prompt of a chain's first step, as its model is given it."""

    def __init__(self, source: ModelSource, number: int, gone: Callable[[], bool], chain: Chain) -> None:
        self.chain = chain
        self.text = ""
        self.notices: list[str] = []
        super().__init__(source, number, gone)

    def _work(self) -> None:
        step = first_step(self.chain)
        options = LoadOptions(n_ctx=step.hyperparameters.n_ctx, n_gpu_layers=step.hyperparameters.n_gpu_layers)
        for model in self._borrowed(step.model, options):
            self.text = first_prompt(self.chain, model, self.notices.append)


class VocabularyTask(Task):
    """A model's vocabulary, kept in `shelf`."""

    def __init__(
        self, source: ModelSource, number: int, gone: Callable[[], bool], name: str, shelf: "Vocabularies"
    ) -> None:
        self.name = name
        self._shelf = shelf
        super().__init__(source, number, gone)

    def _work(self) -> None:
        key = self._shelf.key(self.name)
        for model in self._borrowed(self.name, LoadOptions()):
            self._shelf.put(key, model.vocabulary())


class Vocabularies:
    """The vocabularies that were looked at last, by the file they come from. One for the program. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, list[VocabularyToken]] = OrderedDict()

    @staticmethod
    def key(name: str) -> str:
        """What tells one file from another, and from what it was before it changed; the name where there is no file."""
        try:
            given = Path(name).expanduser()
            # A path is not looked up: that would read the head of the file, with its vocabulary, for every page of it.
            path = given if given.is_file() else library.find(name).path
            state = path.stat()
        except (SamanthaError, OSError):
            return name
        return f"{path} {state.st_size} {state.st_mtime_ns}"

    def get(self, name: str) -> list[VocabularyToken] | None:
        """The vocabulary of a model, if it is kept."""
        key = self.key(name)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, vocabulary: list[VocabularyToken]) -> None:
        """Keep a vocabulary; the one that was not looked at for longest is let go."""
        with self._lock:
            self._kept[key] = vocabulary
            while len(self._kept) > KEPT_VOCABULARIES:
                self._kept.popitem(last=False)


class ModelDesk:
    """The tasks of one tab, one of a kind at a time; a new one ends the one before it."""

    def __init__(self, source: ModelSource, shelf: Vocabularies, gone: Callable[[], bool]) -> None:
        self._source = source
        self._gone = gone
        self._lock = threading.Lock()
        self._number = 0
        self._tasks: dict[type[Task], Task] = {}
        self.shelf = shelf

    def begin(self, kind: type[Task], *given: Any) -> Task:
        """Start a task with what its kind takes after the source, the number and `gone`."""
        with self._lock:
            before = self._tasks.get(kind)
            if before:
                before.stop()
            self._number += 1
            self._tasks[kind] = task = kind(self._source, self._number, self._gone, *given)
            return task

    def newest(self, kind: type[Task]) -> Task | None:
        """The task of a kind that was begun last."""
        return self._tasks.get(kind)


class Desks:
    """The desk of each session, made when it is first used; it goes with the session."""

    def __init__(self, source: ModelSource, sessions: Sessions) -> None:
        self._source = source
        self._sessions = sessions
        self._shelf = Vocabularies()
        self._lock = threading.Lock()
        self._desks: WeakKeyDictionary[Session, ModelDesk] = WeakKeyDictionary()

    def of(self, session: Session) -> ModelDesk:
        """The desk of a session."""
        with self._lock:
            if session not in self._desks:
                self._desks[session] = ModelDesk(self._source, self._shelf, self._gone(session))
            return self._desks[session]

    def _gone(self, session: Session) -> Callable[[], bool]:
        tab, sessions = weakref.ref(session), self._sessions

        def gone() -> bool:
            found = tab()
            return sessions.closed or found is None or found.abandoned(GRACE)

        return gone
