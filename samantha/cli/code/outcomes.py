"""Outcomes of code that was run without a chain: as events, printed, and as an exit status."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from samantha import events
from samantha.cli import code_report
from samantha.code.code import CodeOutcome, as_event
from samantha.events import CodeFinished, CodeOutput, CodeServing, CodeShown, Event


class Report:
    """Prints what happens: output where the code wrote it, everything else on standard error, or all of it as JSON."""

    def __init__(self, run: str, *, json: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.run = run
        self.step = 1
        self.reason = "ok"
        self.serving = False
        self.left_something = False
        self._json = json
        self._clock = clock
        self._start = clock()
        self._line_open: TextIO | None = None

    def take(self, outcome: CodeOutcome) -> None:
        """Print one outcome."""
        event = as_event(outcome, self.run, self.step, self._clock() - self._start)
        if isinstance(event, CodeFinished):
            self.reason = event.reason
            self.left_something |= bool(event.files)
        self.serving |= isinstance(event, CodeServing)
        self.left_something |= isinstance(event, CodeShown)
        if self._json:
            print(events.encode(event).decode(), flush=True)
        else:
            self._print(event)

    def _print(self, event: Event) -> None:
        if isinstance(event, CodeOutput):
            self._pass_on(sys.stdout if event.stream == "stdout" else sys.stderr, event.text)
        for line in code_report.lines(event):
            self.say(line)
        if isinstance(event, CodeFinished):
            self.say(code_report.ending(event))

    def say(self, line: str) -> None:
        """A line of our own, on standard error and never in the middle of the code's."""
        if self._line_open is not None and (self._line_open is sys.stderr or self._line_open.isatty()):
            print(file=sys.stderr)
        self._line_open = None
        print(line, file=sys.stderr, flush=True)

    def _pass_on(self, stream: TextIO, text: str) -> None:
        stream.write(code_report.harmless(text) if stream.isatty() else text)
        stream.flush()
        self._line_open = None if text.endswith("\n") else stream
