"""The Code tab's own runs in one browser tab: code of the editor, of the clipboard, of numbered files. No Gradio here.

They are no chain runs and are not stored; what they make stays in their work folder. As with a session, a thread of its
own reads what happens and pages only look.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from samantha.code.code import CodeOutcome, Finished, Found, Isolation, Printed, Serving, as_event
from samantha.errors import SamanthaError, SessionBusy
from samantha.sandbox.access import Access, Limits
from samantha.ui.code_room import CodeRoom
from samantha.ui.code_view import CodeBlock, happened
from samantha.ui.grants import Grants

if TYPE_CHECKING:
    from samantha.code.packaging import Packer
    from samantha.code.runner import SandboxRunner

KEPT = 20
"""Results that the tab shows; older ones go."""

WARM = 120.0
"""Seconds after which an interpreter that waits for the next click is let go: it holds 80 MB."""

log = logging.getLogger(__name__)

Told = Iterator[tuple[int, str, CodeOutcome | None]]
"""The step, a title, and what happened (None: the step begins)."""


class Result(CodeBlock, frozen=True):
    """A block that ran in the tab. `problem` says why it could not be run."""

    number: int = 0
    title: str = ""
    problem: str = ""


class CodeDesk:
    """At most one thing runs at a time. Every method may be called from any thread."""

    def __init__(self, grants: Grants, room: CodeRoom) -> None:
        self._grants = grants
        self._room = room
        self._lock = threading.Lock()
        self._runner: SandboxRunner | Packer | None = None
        self._thread: threading.Thread | None = None
        self._warm: tuple[tuple[Access, Limits], SandboxRunner] | None = None
        self._idle = 0.0
        self._results: tuple[Result, ...] = ()
        self._counted = 0
        self._run = ""
        self.version = 0

    @property
    def results(self) -> tuple[Result, ...]:
        """What ran, oldest first."""
        return self._results

    @property
    def running(self) -> bool:
        """Whether something runs."""
        return self._runner is not None

    @property
    def run_id(self) -> str:
        """The run whose work folder the editor's code shares; the files in it stay from one click to the next."""
        from samantha.chain.engine import new_run_id

        with self._lock:
            self._run = self._run or new_run_id()
            return self._run

    def execute(self, code: str, title: str) -> None:
        """Run `code` as it is.

        Raises:
            SessionBusy: something runs in this tab already.
            SamanthaError: it may not run, in a sentence.
        """
        run = self.run_id

        def work(runner: "SandboxRunner") -> Told:
            step = self._counted + 1
            yield step, title, None
            for outcome in runner.execute(code, run, step):
                yield step, title, outcome

        self._start(self._editors_runner, work, run)

    def execute_files(self, folder: Path) -> None:
        """Run the numbered files of a folder, one after the other, in a work folder of their own.

        Raises:
            SessionBusy, SamanthaError: as `execute`.
        """
        from samantha.chain.engine import new_run_id
        from samantha.code import numbered

        numbered.files(folder)
        run = new_run_id()

        def work(runner: "SandboxRunner") -> Told:
            for one in numbered.run_in_order(runner, folder, run):
                yield one.number, one.file.name, one.outcome

        self._start(self._room.runner, work, run)

    def build(self, code: str, name: str, folder: Path) -> None:
        """Make an executable of `code` and put it into `folder`.

        Raises:
            SessionBusy, SamanthaError: as `execute`.
        """
        from samantha.code import proof
        from samantha.code.packaging import Building, Packer

        full = self._grants.access.full
        held = proof.proof().mode

        def packer(grants: Grants) -> Packer:
            self._room.allow(grants)
            return Packer(code, name, folder, grants.access)

        def work(builder: "Packer") -> Told:
            begun = time.monotonic()
            yield 0, name, None
            yield 0, name, Found(code)
            for one in builder.build():
                if isinstance(one, Building):
                    yield 0, name, Printed("stdout", f"{one.share:4.0%} {one.text}\n")
                else:
                    yield 0, name, Printed("stdout", f"100% {one.file}\n")
            isolation: Isolation = "full access" if full else held
            yield 0, name, Finished("", "ok", time.monotonic() - begun, isolation=isolation)

        self._start(packer, work, "")

    def _start(self, make: Callable[[Grants], Any], work: Callable[[Any], Told], run: str) -> None:
        with self._lock:
            if self._runner is not None:
                raise SessionBusy("Code is running in this tab: wait for its end, or stop it.")
            self._runner = runner = make(self._grants)
            self.version += 1
        self._thread = threading.Thread(target=self._consume, args=(work, runner, run), name="code", daemon=True)
        self._thread.start()

    def _editors_runner(self, grants: Grants) -> "SandboxRunner":
        """The runner of the last click while nothing else was granted since: its interpreter is warm."""
        self._room.allow(grants)
        key = (grants.access, grants.limits)
        if self._warm is None or self._warm[0] != key:
            self._let_go()
            self._warm = (key, self._room.runner(grants))
        return self._warm[1]

    def _let_go(self) -> None:
        warm, self._warm = self._warm, None
        if warm and not self._room.kept(warm[1]):
            warm[1].close()

    def rest(self, force: bool = False) -> None:
        """Let the warm interpreter go when nobody has run anything for a while."""
        with self._lock:
            if self._runner is None and (force or time.monotonic() - self._idle > WARM):
                self._let_go()

    def _consume(self, work: Callable[[Any], Told], runner: Any, run: str) -> None:
        problem = ""
        try:
            for step, title, outcome in work(runner):
                if outcome is None:
                    self._begin(Result(run=run, step=step, title=title))
                    continue
                if isinstance(outcome, Serving):
                    self._room.keep(runner)
                self._change(outcome)
        except SamanthaError as error:
            problem = str(error)
        except Exception:
            log.exception("the code ended by a fault of the program")
            problem = "The code ended by a fault of the program: the terminal shows where."
        finally:
            self._end(runner, run, problem)

    def _begin(self, result: Result) -> None:
        with self._lock:
            self._counted += 1
            numbered = msgspec.structs.replace(result, number=self._counted)
            self._results = (*self._results, numbered)[-KEPT:]
            self.version += 1

    def _change(self, outcome: CodeOutcome) -> None:
        with self._lock:
            last = self._results[-1]
            changed = happened(last, as_event(outcome, last.run, last.step, 0.0))
            assert isinstance(changed, Result)
            self._results = (*self._results[:-1], changed)
            self.version += 1

    def _end(self, runner: Any, run: str, problem: str) -> None:
        warm = self._warm is not None and self._warm[1] is runner
        if not warm and not self._room.kept(runner) and hasattr(runner, "close"):
            with contextlib.suppress(SamanthaError):
                runner.close()
        with self._lock:
            self._idle = time.monotonic()
            if problem and self._results and not self._results[-1].reason:
                last = msgspec.structs.replace(self._results[-1], problem=problem, reason="crashed")
                self._results = (*self._results[:-1], last)
            elif problem:
                self._counted += 1
                failed = Result(run=run, step=0, number=self._counted, problem=problem, reason="crashed")
                self._results = (*self._results, failed)[-KEPT:]
            self._runner = None
            self.version += 1

    def stop(self) -> None:
        """Stop what runs."""
        runner = self._runner
        if runner is not None:
            runner.stop()

    def clear(self) -> None:
        """Forget the results; files stay. Nothing happens while something runs."""
        with self._lock:
            if self._runner is None:
                self._results = ()
                self.version += 1

    def join(self, timeout: float) -> None:
        """Wait for the end of what runs, at most `timeout` seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
