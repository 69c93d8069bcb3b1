"""How fast the tokens of a tab's runs are shown: the reading thread waits here after each token. Thread-safe.

A run is pulled, so waiting here holds the model too, which is one token ahead at most. Off, nothing waits. What is not
here: tracing, and how the choice is shown.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from samantha.errors import SettingsError
from samantha.events import Event, RunStarted, StepFailed, StepFinished, StepStarted, TokenGenerated

Speed = float | Literal["off", "next"]
"""Seconds a token, or `next`: one token for each click; `off` is learning mode off."""

SPEEDS: tuple[Speed, ...] = ("off", 0, 0.3, 1, 3, 10, "next")
"""What can be chosen."""

A_WHILE = 3600.0
"""Seconds after which a wait without an end looks around; nothing depends on it."""

MOST_TOKENS = 10_000
"""The most tokens that one click lets through."""


class PaceState(msgspec.Struct, frozen=True):
    """What the page shows: `waiting` for a click, `left` tokens to go, or on the way to the next unlikely selection."""

    speed: Speed = "off"
    waiting: bool = False
    left: int = 0
    to_unlikely: bool = False


class Pace:
    """The pace of the runs of one tab. `changed` is called after each change of `state`, outside the lock."""

    def __init__(self, changed: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = changed
        self._clock = clock
        self._condition = threading.Condition()
        self._state = PaceState()
        self._passing: Literal["", "step", "run"] = ""

    @property
    def state(self) -> PaceState:
        """The choice, and what the run waits for."""
        return self._state

    @property
    def off(self) -> bool:
        """Whether learning mode is off."""
        return self._state.speed == "off"

    def choose(self, speed: object) -> None:
        """Go at another speed, from the token that is waited after on.

        Raises:
            SettingsError: not one of `SPEEDS`.
        """
        if isinstance(speed, bool) or speed not in SPEEDS:
            allowed = ", ".join(map(str, SPEEDS))
            raise SettingsError(f"The speed is {speed!r}, but must be one of {allowed}.")
        chosen = next(one for one in SPEEDS if one == speed)
        self._change(lambda _: PaceState(chosen))

    def next(self, tokens: object = 1) -> None:
        """Let that many tokens through, and those that were let through before and did not come yet; then wait.

        Raises:
            SettingsError: not a number of tokens.
        """
        if not isinstance(tokens, int) or isinstance(tokens, bool) or not 1 <= tokens <= MOST_TOKENS:
            raise SettingsError(
                f"The number of tokens is {tokens!r}, but must be a whole number from 1 to {MOST_TOKENS}."
            )
        self._change(lambda state: PaceState("next", left=min(state.left + int(tokens), MOST_TOKENS)))

    def to_unlikely(self) -> None:
        """Go on without waiting up to the next selection for which a likelier token was there."""
        self._change(lambda _: PaceState("next", to_unlikely=True))

    def pass_step(self) -> None:
        """Wait no more in the step in progress: it is being skipped."""
        with self._condition:
            self._passing = self._passing or "step"
            self._condition.notify_all()

    def pass_run(self) -> None:
        """Wait no more in the run in progress: it is being stopped."""
        with self._condition:
            self._passing = "run"
            self._condition.notify_all()

    def begin(self) -> None:
        """A branch of a run that has ended begins: what was passed before is over."""
        self._begin("")

    def follow(self, event: Event) -> None:
        """Called by the reading thread after each event; waits after a token as long as is chosen."""
        if isinstance(event, RunStarted):
            self._begin("")
        elif isinstance(event, StepStarted | StepFinished | StepFailed):
            self._begin("run" if self._passing == "run" else "")
        elif isinstance(event, TokenGenerated):
            self._after(event)

    def end(self) -> None:
        """The run is over: clicks that were not used are gone."""
        self._change(lambda state: PaceState(state.speed))

    def _begin(self, passing: Literal["", "run"]) -> None:
        with self._condition:
            self._passing = passing

    def _after(self, event: TokenGenerated) -> None:
        if event.trace and event.trace.unlikely:
            self._change(lambda state: msgspec.structs.replace(state, to_unlikely=False))
        begun = self._clock()
        while self._still(begun) is not None:
            self._change(lambda state: msgspec.structs.replace(state, waiting=state.speed == "next"))
            with self._condition:
                seconds = self._still(begun)
                if seconds is not None:
                    self._condition.wait(seconds)
        self._change(_let_through)

    def _still(self, begun: float) -> float | None:
        """Seconds to wait at most before looking again; None where the wait is over."""
        state = self._state
        if self._passing or state.speed == "off" or state.to_unlikely or state.left:
            return None
        if state.speed == "next":
            return A_WHILE
        rest = begun + state.speed - self._clock()
        return rest if rest > 0 else None

    def _change(self, change: Callable[[PaceState], PaceState]) -> None:
        with self._condition:
            before, self._state = self._state, change(self._state)
            self._condition.notify_all()
        if self._state != before:
            self._changed()


def _let_through(state: PaceState) -> PaceState:
    return msgspec.structs.replace(state, waiting=False, left=max(0, state.left - 1))
