"""Events as text: answers on standard output, everything else on standard error.

Steps that overlap are printed one after the other: what later ones say waits until the earlier ones are finished.
"""

from typing import Any, ClassVar, TextIO

import msgspec

from samantha.cli import code_report
from samantha.events import (
    CodeFinished,
    CodeFound,
    CodeOutput,
    CodeServing,
    CodeShown,
    Downloading,
    Event,
    ModelLoaded,
    ModelLoading,
    Notice,
    PromptProcessing,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    TokenGenerated,
    encode,
)


class OpenStep(msgspec.Struct):
    """A step that has begun and is not yet printed to its end. `code` is what its code said meanwhile."""

    started: StepStarted
    waiting: list[str] = []
    code: list[Event] = []
    end: StepFinished | StepFailed | None = None


class TextPrinter:
    """Prints a run. `plain` leaves out the lines before each answer, whatever the number of steps."""

    def __init__(self, out: TextIO, err: TextIO, *, plain: bool = False) -> None:
        self._out = out
        self._err = err
        self._out_is_terminal = out.isatty()
        self._err_is_terminal = err.isatty()
        self._plain = plain
        self._random = False
        self._codes = False
        self._open: dict[int, OpenStep] = {}
        self._printed = False
        self._line_open = False
        self._err_line_open = False
        self._progress_length = 0

    def __call__(self, event: Event) -> None:
        """Print one event."""
        first = next(iter(self._open.values()), None)
        if first is not None and first.end is not None and event.step != first.started.step:
            self._advance()  # what a step's code does follows its end
        if isinstance(event, TokenGenerated):
            self._token(event)
        elif (method := self._METHODS.get(type(event))) is not None:
            method(self, event)

    def _run_started(self, event: RunStarted) -> None:
        self._plain = self._plain or event.steps == 1
        self._random = bool(event.chain.get("random_hyperparameters"))
        self._codes = bool(event.chain.get("run_code"))

    def _step_started(self, event: StepStarted) -> None:
        assert event.step is not None
        self._open[event.step] = OpenStep(event, [], [])
        if len(self._open) == 1:
            self._head(event)

    def _token(self, event: TokenGenerated) -> None:
        assert event.step is not None
        if not event.shown:
            return
        if event.step == next(iter(self._open), None):
            self._write(event.shown)
        else:
            self._open[event.step].waiting.append(event.shown)

    def _step_ended(self, event: StepFinished | StepFailed) -> None:
        step = self._open.get(event.step or 0)
        if step is None:  # it failed before it started
            self._foot(event)
            return
        step.end = event
        if step is next(iter(self._open.values())):
            self._foot(event)
            if not self._codes:
                self._advance()

    def _advance(self) -> None:
        """Go on to the next step that is not printed to its end."""
        while self._open and next(iter(self._open.values())).end is not None:
            del self._open[next(iter(self._open))]
            if not self._open:
                return
            following = next(iter(self._open.values()))
            self._head(following.started)
            self._write("".join(following.waiting))
            if following.end is not None:
                self._foot(following.end)
            for event in following.code:
                self._say_code(event)

    def _head(self, event: StepStarted) -> None:
        if not self._plain:
            blank = "\n" if self._printed else ""
            self._write(f"{blank}## {event.step} · {event.model} · prompt {event.prompt_number}\n")
        if event.changed and self._random:
            self._say(", ".join(f"{name} {value}" for name, value in event.changed.items()))

    def _foot(self, event: StepFinished | StepFailed) -> None:
        if self._line_open:
            self._write("\n")
        if isinstance(event, StepFailed):
            self._say(f"step {event.step} ({event.model}): {event.message}")
        elif self._err_is_terminal:
            self._say(footer(event))

    def _notice(self, event: Notice) -> None:
        self._say(event.message)

    def _code(self, event: Event) -> None:
        step = self._open.get(event.step or 0)
        if step is not None and step is not next(iter(self._open.values())):
            step.code.append(event)
        else:
            self._say_code(event)

    def _say_code(self, event: Event) -> None:
        if isinstance(event, CodeFound):
            self._progress("running the code")
        elif isinstance(event, CodeOutput):
            self._pass_on(event.text)
        for line in code_report.lines(event):
            self._say(line)
        if isinstance(event, CodeFinished) and (self._err_is_terminal or event.reason != "ok"):
            self._say(code_report.ending(event))

    def _pass_on(self, text: str) -> None:
        """Output of code, as it comes, on standard error: the answers alone go to standard output."""
        self._progress("")
        self._err.write(code_report.harmless(text) if self._err_is_terminal else text)
        self._err.flush()
        self._err_line_open = not text.endswith("\n")

    def _loading(self, event: ModelLoading) -> None:
        self._progress(f"loading {event.model} {event.progress:.0%}")

    def _loaded(self, _event: ModelLoaded) -> None:
        self._progress("")

    def _downloading(self, event: Downloading) -> None:
        total = f" of {event.total / 1e6:.0f}" if event.total else ""
        self._progress(f"downloading {event.done / 1e6:.0f}{total} MB, {event.rate / 1e6:.1f} MB/s")

    def _prompt(self, event: PromptProcessing) -> None:
        self._progress(f"reading the prompt: {event.done} of {event.total} tokens" if event.done < event.total else "")

    def _write(self, text: str) -> None:
        if not text:
            return
        self._progress("")
        if self._err_line_open and self._err_is_terminal:
            self._err.write("\n")
            self._err.flush()
        self._err_line_open = False
        self._out.write(text)
        self._out.flush()
        self._printed = True
        self._line_open = not text.endswith("\n")

    def _say(self, line: str) -> None:
        """A line on standard error, which on a terminal must not run into the answer."""
        self._progress("")
        if self._err_line_open or (self._line_open and self._out_is_terminal):
            self._err.write("\n")
        self._err_line_open = False
        self._err.write(line + "\n")
        self._err.flush()

    def _progress(self, text: str) -> None:
        """Rewrite the line of progress, on a terminal only; empty takes it away. Spaces work on every terminal."""
        in_the_way = self._err_line_open or (self._line_open and self._out_is_terminal)
        if not self._err_is_terminal or in_the_way or not (text or self._progress_length):
            return
        self._err.write("\r" + text.ljust(self._progress_length) + ("" if text else "\r"))
        self._err.flush()
        self._progress_length = len(text)

    _METHODS: ClassVar[dict[type, Any]] = {
        RunStarted: _run_started, StepStarted: _step_started, StepFinished: _step_ended, StepFailed: _step_ended,
        Notice: _notice, CodeFound: _code, CodeOutput: _code, CodeShown: _code, CodeServing: _code,
        CodeFinished: _code, ModelLoading: _loading, ModelLoaded: _loaded, Downloading: _downloading,
        PromptProcessing: _prompt,
    }  # fmt: skip


class JsonPrinter:
    """Prints every event as one line of JSON."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        """Print one event."""
        self._out.write(encode(event).decode() + "\n")
        self._out.flush()


def footer(event: StepFinished) -> str:
    """`(161 tokens, 58.4 s, 2.8 tok/s, stop reason)`."""
    rate = f"{event.tokens / event.seconds:.1f} tok/s, " if event.seconds > 0 else ""
    return f"({event.tokens} tokens, {event.seconds:.1f} s, {rate}{event.reason.replace('_', ' ')})"
