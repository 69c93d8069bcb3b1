"""The port through which the engine has the code of a response run, and what comes back. It runs nothing itself."""

from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from samantha.errors import SamanthaError


class CodeError(SamanthaError):
    """The code could not be run at all (an error that the code itself raises is an outcome, not this)."""


class Found(msgspec.Struct, frozen=True):
    """The code that a response holds."""

    code: str


class Printed(msgspec.Struct, frozen=True):
    """Something the code wrote while running."""

    stream: Literal["stdout", "stderr"]
    text: str


class Finished(msgspec.Struct, frozen=True):
    """The end of the code. `output` is what is fed back; `reason` is `ok`, `raised`, or the limit that ended it."""

    output: str
    reason: str
    seconds: float


CodeOutcome = Found | Printed | Finished


class CodeRunner(Protocol):
    """Runs the Python blocks of a response; yields nothing when there are none."""

    def run(self, response: str, run: str, step: int) -> Iterator[CodeOutcome]:
        """What happens, as it happens.

        Raises:
            CodeError: the code could not be started.
        """

    def stop(self) -> None:
        """Kill the code in progress. Thread-safe."""
