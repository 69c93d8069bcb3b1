"""One person's work in one browser tab: its view, its run, and the thread that reads the run.

A run belongs to the session's own thread; pages only look at the view, which is replaced as a whole and never changed.
A tab that reloads finds its session again; one that is gone for `GRACE` seconds has its run stopped. No Gradio here.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from samantha.chain.chain import Chain
from samantha.chain.record import Record
from samantha.errors import SamanthaError, SessionBusy
from samantha.events import Event, Notice, RunFinished, TokenGenerated
from samantha.ui.code_desk import CodeDesk
from samantha.ui.code_room import CodeRoom
from samantha.ui.controls import FieldError
from samantha.ui.grants import Grants
from samantha.ui.learning import Learning
from samantha.ui.view import View, fold, interrupted

GRACE = 30.0
"""Seconds that a run goes on with no page looking: enough for a reload or a short break of the connection."""

KEPT = 3600.0
"""Seconds that an idle session without a page is kept."""

log = logging.getLogger(__name__)


class RunningChain(Protocol):
    """What a session needs of `chain.engine.Run` and of `chain.branches.Branching`."""

    id: str
    trace: int

    def __iter__(self) -> Iterator[Event]: ...
    def stop(self) -> None:
        """End the run."""

    def skip(self) -> None:
        """End the step."""

    def adjust(self, overrides: Mapping[str, Any]) -> None:
        """Sampling hyperparameters from the next token on. Raises HyperparameterError."""

    def branch(self, step: int, branch: int, position: int, token: int | None, overrides: Mapping[str, Any]) -> None:
        """Go on otherwise from a token of the step in progress. Raises ChainError."""


Begin = Callable[[Chain, Grants, int], tuple[RunningChain, Iterator[Event]]]
"""Starts a chain: the run, and its events as they are recorded. Its code gets what is granted, if it has any; the
number is how many candidates are traced of each token, 0: none. Raises ChainError, StoreError, or FieldError where code
may not run, before any event."""


class Session:
    """A view, at most one run, and what the tab granted to code. Every method may be called from any thread."""

    def __init__(self, begin: Begin, clock: Callable[[], float] = time.monotonic, room: CodeRoom | None = None) -> None:
        self._begin = begin
        self._clock = clock
        self.grants = Grants()
        self.desk = CodeDesk(self.grants, room or CodeRoom())
        self.learning = Learning()
        self._full = False
        self._lock = threading.Lock()
        self._view = View()
        self._version = 0
        self._run: RunningChain | None = None
        self._thread: threading.Thread | None = None
        self._watchers = 0
        self._seen = clock()
        self._replacing = False

    @property
    def view(self) -> View:
        """What the page shows now."""
        return self._view

    @property
    def version(self) -> int:
        """Grows whenever the view changes."""
        return self._version

    @property
    def record(self) -> Record:
        """The newest run as learning mode looks at it."""
        return self.learning.newest

    @property
    def run(self) -> RunningChain | None:
        """The run that is active."""
        return self._run

    @property
    def running(self) -> bool:
        """Whether a run is active."""
        return self._run is not None

    @property
    def replacing(self) -> bool:
        """Whether the next run starts from the last response instead of the field."""
        return self._replacing

    def start(self, chain: Chain) -> None:
        """Run `chain`; the view follows.

        Raises:
            SessionBusy: a run is active.
            ChainError, StoreError: the run did not start.
        """
        with self._lock:
            self._refuse_second()
            run, stream = self._begin(self._prepared(chain), self.grants, self.learning.trace)
            self._run, self._replacing = run, False
            self._full = chain.run_code and self.grants.access.full
            self._thread = threading.Thread(target=self._consume, args=(run, stream), name="run", daemon=True)
            self._thread.start()

    def _refuse_second(self) -> None:
        if self._run is not None:
            raise SessionBusy("A run is active in this tab: wait for its end, or stop it with Stop all & reset.")

    def follow(self, begin: Callable[[], tuple[RunningChain, Iterator[Event]]]) -> None:
        """Read a branch that is added to a run that has ended. Its record grows; of the view only notices change.

        Raises:
            SessionBusy: a run is active.
            ChainError, StoreError: what `begin` raises.
        """
        with self._lock:
            self._refuse_second()
            run, stream = begin()
            self._run, self._full = run, False
            self._version += 1
            self.learning.problem = ""
            self.learning.pace.begin()
            self._thread = threading.Thread(target=self._consume_branch, args=(run, stream), name="branch", daemon=True)
            self._thread.start()

    def _consume_branch(self, run: RunningChain, stream: Iterator[Event]) -> None:
        message = ""
        try:
            for event in stream:
                self._fold_branch(event)
                self.learning.pace.follow(event)
        except SamanthaError as error:
            message = str(error)
        except Exception:
            log.exception("the branch ended by a fault of the program")
            message = "The branch ended by a fault of the program: the terminal shows where. Its tokens stand."
        finally:
            self.learning.pace.end()
            with self._lock:
                if message:
                    run.stop()
                    self.learning.problem = message
                    self._view = fold(self._view, Notice(run=run.id, message=message))
                self._run = None
                self._version += 1
            self.learning.changed()

    def _fold_branch(self, event: Event) -> None:
        self.learning.add(event)
        if isinstance(event, Notice):
            self.learning.problem = event.message
            with self._lock:
                self._view = fold(self._view, event)
                self._version += 1
        if isinstance(event, TokenGenerated) and not self._watchers:
            self._leave_if_forgotten()

    def branch(self, step: int, branch: int, position: int, token: int | None, overrides: Mapping[str, Any]) -> None:
        """Go on otherwise from a token of the step in progress; what the pace waits for there is over.

        Raises:
            ChainError: not the step in progress, no such token, or a bad value.
            FieldError: nothing runs.
        """
        run = self._run
        if run is None:
            raise FieldError("start", key="branches.just_ended")
        run.branch(step, branch, position, token, overrides)
        self.learning.pace.pass_step()

    def _prepared(self, chain: Chain) -> Chain:
        last = self._view.last
        if not self._replacing or last is None:
            return chain
        return msgspec.structs.replace(chain, previous_response=escaped(last))

    def _consume(self, run: RunningChain, stream: Iterator[Event]) -> None:
        ended = False
        try:
            for event in stream:
                self._fold(event)
                self.learning.pace.follow(event)
                ended = isinstance(event, RunFinished)
        except SamanthaError as error:
            run.stop()
            self._break_off(str(error))
        except Exception:
            log.exception("the run ended by a fault of the program")
            run.stop()
            self._break_off("The run ended by a fault of the program: the terminal shows where. Answers stand.")
        finally:
            if not ended and self._view.progress.phase not in ("idle", "finished"):
                self._break_off("The run ended without its last event.")
            self.learning.pace.end()
            with self._lock:
                self._run = None
                self._version += 1

    def _fold(self, event: Event) -> None:
        self.learning.add(event)
        with self._lock:
            self._view = fold(self._view, event)
            self._version += 1
        if isinstance(event, TokenGenerated) and not self._watchers:
            self._leave_if_forgotten()

    def _leave_if_forgotten(self) -> None:
        run = self._run
        if run is not None and self._clock() - self._seen > GRACE:
            self.stop()

    def _break_off(self, message: str) -> None:
        with self._lock:
            self._view = interrupted(self._view, message)
            self._version += 1

    def skip(self) -> None:
        """End the step in progress; the run goes on."""
        run = self._run
        if run is not None:
            run.skip()
            self.learning.pace.pass_step()

    def stop(self) -> None:
        """End the run."""
        run = self._run
        if run is not None:
            run.stop()
            self.learning.pace.pass_run()

    def choose_speed(self, speed: object) -> None:
        """Go at another speed; a run in progress is traced, or no longer traced, from its next step on.

        Raises:
            SettingsError: no such speed.
        """
        self.learning.pace.choose(speed)
        self._trace()

    def choose_candidates(self, count: object) -> None:
        """Trace that many candidates, from the next step on.

        Raises:
            SettingsError: not from 1 to 100.
        """
        self.learning.choose_candidates(count)
        self._trace()

    def next_tokens(self, tokens: object = 1) -> None:
        """Let that many tokens through; clicks that come when the run has just ended let none of the next one through.

        Raises:
            SettingsError: no such number.
        """
        self.learning.pace.next(tokens)
        if self._run is None:
            self.learning.pace.end()
        self._trace()

    def to_unlikely(self) -> None:
        """Go on up to the next selection for which a likelier token was there."""
        self.learning.pace.to_unlikely()
        self._trace()

    def _trace(self) -> None:
        run = self._run
        if run is not None:
            run.trace = self.learning.trace

    def adjust(self, values: Mapping[str, Any]) -> None:
        """Change sampling hyperparameters of the run in progress, from its next token on.

        Raises:
            HyperparameterError: an unknown one, a bad value, or one that needs a new step.
            FieldError: nothing runs.
        """
        run = self._run
        if run is None:
            raise FieldError("settings", key="learn.nothing_runs")
        run.adjust(values)

    def no_full_access(self) -> None:
        """Take full access back; what runs with it is stopped.

        Raises:
            SettingsError: the settings cannot be written; it is taken back here all the same.
        """
        run, held = self._run, self.grants.access.full
        if run is not None and self._full:
            self.stop()
        if held:
            self.desk.stop()
        self.grants.no_full()

    def clear(self) -> None:
        """Empty outputs and responses. A run in progress keeps its own heading and cards."""
        with self._lock:
            if self._run is None:
                self._view = View()
                self._replacing = False
                self._version += 1

    def replace_response(self) -> bool:
        """Make the last response the previous response of the next run, or undo that; false when there is none."""
        with self._lock:
            self._replacing = not self._replacing and self._view.last is not None
            self._version += 1
            return self._replacing

    def watch(self) -> None:
        """A page begins to look."""
        with self._lock:
            self._watchers += 1

    def leave(self) -> None:
        """A page is gone."""
        with self._lock:
            self._watchers -= 1
            self._seen = self._clock()

    def abandoned(self, seconds: float) -> bool:
        """Whether no page has looked for that long."""
        return not self._watchers and self._clock() - self._seen > seconds

    def join(self, timeout: float) -> None:
        """Wait for the run's end, at most `timeout` seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)


def escaped(text: str) -> str:
    """A response as the text of a previous response: nothing in it separates parts or is left out (SPEC 2.7)."""
    text = text.replace("$$$", "\\$$$")
    return re.sub(r"\A(\s*)---", r"\1\\---", text)


class Sessions:
    """The sessions of the program by the id that each browser tab chose. Old ones are let go."""

    def __init__(self, begin: Begin, clock: Callable[[], float] = time.monotonic, room: CodeRoom | None = None) -> None:
        self._begin = begin
        self._clock = clock
        self._room = room or CodeRoom()
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self.closed = False

    def of(self, tab: str) -> Session:
        """The session of a tab; made when new.

        Raises:
            ValueError: no id that a page of ours makes.
        """
        if not re.fullmatch(r"[0-9a-f]{32}", tab):
            raise ValueError("a tab's id has 32 hexadecimal digits")
        with self._lock:
            if tab not in self._sessions:
                self._sessions[tab] = Session(self._begin, self._clock, self._room)
            return self._sessions[tab]

    def sweep(self) -> None:
        """Stop the runs that nobody looks at any more, and forget idle sessions. Called every few seconds."""
        with self._lock:
            for tab, session in list(self._sessions.items()):
                session.desk.rest()
                busy = session.running or session.desk.running
                if busy and session.abandoned(GRACE):
                    session.stop()
                    session.desk.stop()
                elif not busy and session.abandoned(KEPT):
                    session.desk.rest(force=True)
                    del self._sessions[tab]

    def close(self) -> None:
        """Stop every run and wait a little for their ends."""
        self.closed = True
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.stop()
            session.desk.stop()
        for session in sessions:
            session.join(3)
            session.desk.join(3)
            session.desk.rest(force=True)
