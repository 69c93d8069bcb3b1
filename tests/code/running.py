"""Runs code for the tests of this room and gathers what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from samantha.code.code import CodeOutcome, Finished, Printed, Shown
from samantha.code.runner import SandboxRunner
from samantha.code.workplace import workplace


@dataclass(frozen=True)
class Ran:
    """What one step did."""

    outcomes: list[CodeOutcome]
    root: Path
    run: str

    @property
    def stdout(self) -> str:
        return self._printed("stdout")

    @property
    def stderr(self) -> str:
        return self._printed("stderr")

    @property
    def finished(self) -> Finished:
        end = self.outcomes[-1]
        assert isinstance(end, Finished)
        return end

    @property
    def shown(self) -> list[Shown]:
        return [each for each in self.outcomes if isinstance(each, Shown)]

    @property
    def box(self) -> Path:
        return workplace(self.run, self.root).box

    def contents(self) -> list[bytes]:
        """What was shown, in order."""
        return [(workplace(self.run, self.root).shown / each.file).read_bytes() for each in self.shown]

    def pages(self) -> list[str]:
        """What was shown, as text."""
        return [content.decode() for content in self.contents()]

    def _printed(self, stream: str) -> str:
        return "".join(each.text for each in self.outcomes if isinstance(each, Printed) and each.stream == stream)


def ran(runner: SandboxRunner, root: Path, code: str, step: int, run: str = "tests", html: str = "") -> Ran:
    """Run `code` as a step of `run`, whose folders are below `root`, to its end."""
    return Ran(list(runner.execute(code, run, step, html)), root, run)


Run = Callable[..., Ran]
"""The fixture `run`: code, and by name `html` and the `reason` that it must end for."""
