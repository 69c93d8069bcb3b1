"""The port through which the engine has the code of a response run, and what comes back. It runs nothing itself."""

from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from samantha import events
from samantha.errors import SamanthaError

Reason = Literal["ok", "raised", "time", "memory", "processes", "disk", "output", "stopped", "crashed"]
"""How code ended. All but `ok` and `raised` name the limit that ended it, a stop, or a death of the interpreter."""

Isolation = Literal["isolated", "reduced", "none", "full access"]
"""How far the code was kept from the computer. `full access` was chosen by the user; `none` never runs by itself."""


class CodeError(SamanthaError):
    """The code could not be run at all (an error that the code itself raises is an outcome, not this)."""


class Found(msgspec.Struct, frozen=True):
    """The code that a response holds, and the page of its `html` blocks; either may be empty, never both."""

    code: str
    html: str = ""


class Printed(msgspec.Struct, frozen=True):
    """Something the code wrote while running."""

    stream: Literal["stdout", "stderr"]
    text: str


class Shown(msgspec.Struct, frozen=True):
    """A figure, a table or a page that the code showed. `file` lies below the run's `shown` folder: untrusted data."""

    media: Literal["image/png", "image/svg+xml", "text/html"]
    file: str
    title: str = ""


class Serving(msgspec.Struct, frozen=True):
    """The code began to serve at `port`; `url` is where the user reaches it."""

    url: str
    port: int


class Finished(msgspec.Struct, frozen=True):
    """The end of the code. `output` is what is fed back, `memory` the peak in bytes (0: not known)."""

    output: str
    reason: Reason
    seconds: float
    memory: int = 0
    isolation: Isolation = "none"
    files: tuple[events.CodeFile, ...] = ()


CodeOutcome = Found | Printed | Shown | Serving | Finished

_EVENTS: dict[type, type] = {
    Found: events.CodeFound, Printed: events.CodeOutput, Shown: events.CodeShown, Serving: events.CodeServing,
    Finished: events.CodeFinished,
}  # fmt: skip


def as_event(outcome: CodeOutcome, run: str, step: int, time: float) -> events.CodeEvent:
    """The outcome as the event of a step, whose fields have the same names."""
    event: events.CodeEvent = _EVENTS[type(outcome)](run=run, step=step, time=time, **msgspec.structs.asdict(outcome))
    return event


class CodeRunner(Protocol):
    """Runs the Python blocks of a response; yields nothing when there are none."""

    def prepare(self, run: str) -> None:
        """Make ready for the code of a run, which may come soon or never; returns at once."""

    def run(self, response: str, run: str, step: int) -> Iterator[CodeOutcome]:
        """What happens, as it happens.

        Raises:
            CodeError: the code could not be started.
        """

    def stop(self) -> None:
        """Kill the code in progress. Thread-safe."""

    def finish(self, run: str) -> None:
        """The run has ended: nothing of it is needed any more but what serves in the background."""
