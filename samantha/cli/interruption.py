"""Ctrl-C: the first stops the run cleanly, the second ends the program at once."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

_END = 0
"""No signal has this number."""


class Interruption:
    """Whether Ctrl-C `happened`. A thread of its own hears of it through a socket and stops the run.

    Python runs signal handlers in the main thread only: not at all while that waits for a lock, if the signal comes a
    moment before; and otherwise between any two instructions, where it may hold the very lock that stopping needs. The
    number of a signal, however, is written to the wakeup descriptor at once, whatever the main thread does.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.happened = False
        self._stop = stop
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._previous_descriptor = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._previous_handler = signal.signal(signal.SIGINT, lambda _signal, _frame: None)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        while True:
            for number in self._reader.recv(64):
                if number == _END:
                    return
                if number == signal.SIGINT:
                    self._interrupt()

    def _interrupt(self) -> None:
        """The store holds what was shown, so that ending hard loses nothing."""
        if self.happened:
            os._exit(INTERRUPTED)
        self.happened = True
        threading.Thread(target=self._stop, daemon=True).start()  # stopping may wait, a second Ctrl-C must not

    def finish(self) -> None:
        """Give Ctrl-C back its usual meaning."""
        signal.signal(signal.SIGINT, self._previous_handler)
        signal.set_wakeup_fd(self._previous_descriptor)
        self._writer.send(bytes([_END]))
        self._listener.join()
        self._reader.close()
        self._writer.close()


@contextlib.contextmanager
def stopped_by_interrupt(stop: Callable[[], None]) -> Iterator[Interruption]:
    """Inside, Ctrl-C calls `stop`. For the main thread only, as signals are."""
    interruption = Interruption(stop)
    try:
        yield interruption
    finally:
        interruption.finish()
