"""Events as text: answers on standard output, everything else on standard error.

Steps that overlap are printed one after the other: what later ones say waits until the earlier ones are finished.
"""

from typing import Any, ClassVar, TextIO

import msgspec

from samantha.events import (
    CodeOutput,
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
    """A step that has begun and is not yet printed to its end."""

    started: StepStarted
    waiting: list[str] = []
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
        self._open: dict[int, OpenStep] = {}
        self._printed = False
        self._line_open = False
        self._progress_length = 0

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, TokenGenerated):
            self._token(event)
        elif (method := self._METHODS.get(type(event))) is not None:
            method(self, event)

    def _run_started(self, event: RunStarted) -> None:
        self._plain = self._plain or event.steps == 1
        self._random = bool(event.chain.get("random_hyperparameters"))

    def _step_started(self, event: StepStarted) -> None:
        assert event.step is not None
        self._open[event.step] = OpenStep(event, [])
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
        while self._open and (first := next(iter(self._open.values()))).end is not None:
            self._foot(first.end)
            del self._open[first.started.step or 0]
            if self._open:
                following = next(iter(self._open.values()))
                self._head(following.started)
                self._write("".join(following.waiting))

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

    def _code_output(self, event: CodeOutput) -> None:
        self._say(event.text.rstrip("\n"))

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
        self._out.write(text)
        self._out.flush()
        self._printed = True
        self._line_open = not text.endswith("\n")

    def _say(self, line: str) -> None:
        """A line on standard error, which on a terminal must not run into the answer."""
        self._progress("")
        if self._line_open and self._out_is_terminal:
            self._err.write("\n")
        self._err.write(line + "\n")
        self._err.flush()

    def _progress(self, text: str) -> None:
        """Rewrite the line of progress, on a terminal only; empty takes it away. Spaces work on every terminal."""
        in_the_way = self._line_open and self._out_is_terminal
        if not self._err_is_terminal or in_the_way or not (text or self._progress_length):
            return
        self._err.write("\r" + text.ljust(self._progress_length) + ("" if text else "\r"))
        self._err.flush()
        self._progress_length = len(text)

    _METHODS: ClassVar[dict[type, Any]] = {
        RunStarted: _run_started, StepStarted: _step_started, StepFinished: _step_ended, StepFailed: _step_ended,
        Notice: _notice, CodeOutput: _code_output, ModelLoading: _loading, ModelLoaded: _loaded,
        Downloading: _downloading, PromptProcessing: _prompt,
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
