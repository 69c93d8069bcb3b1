"""Ctrl-C: the first stops the run cleanly, the second ends the program at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


class Interruption:
    """Whether Ctrl-C `happened`. The run is stopped from a thread of its own.

    A signal handler runs between any two instructions of the main thread, which may hold the very lock that stopping
    needs; so the handler only sets a flag.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.happened = False
        self._stop = stop
        self._asked = threading.Event()
        self._over = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        self._asked.wait()
        if not self._over:
            self._stop()

    def handle(self, _signal: int, _frame: FrameType | None) -> None:
        """The signal handler. The store holds what was shown, so that ending hard loses nothing."""
        if self.happened:
            os._exit(INTERRUPTED)
        self.happened = True
        self._asked.set()

    def finish(self) -> None:
        """Let the thread end."""
        self._over = not self.happened
        self._asked.set()
        self._listener.join()


@contextlib.contextmanager
def stopped_by_interrupt(stop: Callable[[], None]) -> Iterator[Interruption]:
    """Inside, Ctrl-C calls `stop`."""
    interruption = Interruption(stop)
    previous = signal.signal(signal.SIGINT, interruption.handle)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, previous)
        interruption.finish()
