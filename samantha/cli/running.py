"""A run at the terminal: chain in, events to a printer, an exit status out. It knows no command."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from samantha.chain import engine
from samantha.chain.chain import Chain
from samantha.cli import granting
from samantha.cli.interruption import INTERRUPTED, stopped_by_interrupt
from samantha.code.code import CodeError, CodeRunner
from samantha.events import CodeServing, Event, RunFinished, StepFailed
from samantha.models.model import ModelSource
from samantha.runs.store import RunStore

if TYPE_CHECKING:
    from samantha.code.runner import SandboxRunner

BROKEN_PIPE = 141
"""Exit status when nobody reads the output any more; what a shell reports for a program that SIGPIPE ended."""


class Stoppable(Protocol):
    """`chain.engine.Run`, `chain.branches.Branching`."""

    def stop(self) -> None:
        """Come to an end."""

    def close(self) -> None:
        """Give it up."""


class Outcome(msgspec.Struct):
    """How a run went, for the exit status. `serving` is the run whose code serves something."""

    failed: bool = False
    interrupted: bool = False
    unread: bool = False
    serving: str = ""

    @property
    def status(self) -> int:
        """0 done, 1 the run or a step failed, 130 after Ctrl-C, 141 when the output was closed."""
        if self.interrupted:
            return INTERRUPTED
        return BROKEN_PIPE if self.unread else int(self.failed)

    def note(self, event: Event) -> None:
        """Take an event into account."""
        self.failed |= isinstance(event, StepFailed) or (isinstance(event, RunFinished) and event.reason == "failed")
        if isinstance(event, CodeServing):
            self.serving = event.run


def carry_out(
    chain: Chain,
    models: ModelSource,
    store: RunStore | None,
    show: Callable[[Event], None],
    code: CodeRunner | None = None,
    trace: int = 0,
) -> Outcome:
    """Run `chain` to its end and `show` every event; Ctrl-C and a closed output stop it, and what there is is stored.

    Args:
        code: runs the code of the responses; needed when the chain says `run_code`.
        trace: how many candidates of each token's choice are recorded; 0 none.

    Raises:
        ChainError: a mistake in the chain; nothing was shown.
    """
    run = engine.run(chain, models, code=code, trace=trace)
    return follow(run, store.record(run) if store else run, show)


def follow(run: Stoppable, stream: Iterator[Event], show: Callable[[Event], None]) -> Outcome:
    """`show` every event of `stream`, which reads `run`; Ctrl-C and a closed output stop it."""
    outcome = Outcome()
    with contextlib.closing(run), stopped_by_interrupt(run.stop) as interruption:
        for event in stream:
            outcome.note(event)
            if not outcome.unread:
                try:
                    show(event)
                except BrokenPipeError:
                    outcome.unread = True
                    run.stop()
        outcome.interrupted = interruption.happened
    return outcome


@contextlib.contextmanager
def model_source() -> Iterator[ModelSource]:
    """The program's models; they are unloaded at the end."""
    from samantha.models.residency import Residency

    with contextlib.closing(Residency()) as residency:
        yield residency


@contextlib.contextmanager
def code_runner(
    arguments: Any, files: tuple[str, ...] = (), *, wanted: bool = True
) -> "Iterator[SandboxRunner | None]":
    """What runs generated code with the grants and limits of the command line; it is ended at the end.

    Args:
        files: a chain's data files, which the code may read.

    Raises:
        CodeError: code may not run here by itself; nothing was loaded.
        ChainError, SandboxError: a grant or a limit that cannot be given.
    """
    if not wanted:
        yield None
        return
    from samantha.code import proof
    from samantha.code.runner import SandboxRunner

    access, limits = granting.access(arguments, files), granting.limits(arguments)
    refused = proof.refusal(access)
    if refused:
        raise CodeError(refused)
    with contextlib.closing(SandboxRunner(access, limits)) as runner:
        yield runner


@contextlib.contextmanager
def run_store(wanted: bool = True) -> Iterator[RunStore | None]:
    """The user's run store, or None when it is not wanted.

    Raises:
        StoreError: it cannot be opened.
    """
    if not wanted:
        yield None
        return
    with RunStore() as store:
        yield store


def add_common(parser: Any) -> None:
    """The options of every command that runs a chain."""
    parser.add_argument("--json", action="store_true", help="Print every event as a line of JSON instead of the text.")
    parser.add_argument("--no-store", action="store_true", help="Do not keep this run in the run store.")
