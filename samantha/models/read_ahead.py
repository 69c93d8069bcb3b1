"""Reads a model file into the system's page cache, so that it loads quickly when its turn comes; it keeps nothing.

It goes on beside a model that works, so it reads in pieces, one file at a time, and only what fits into free memory.
"""

import contextlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

PIECE = 4 << 20
"""Bytes read at a time."""

SPARED = 1 << 30
"""Bytes of available memory that are left alone."""


class ReadAhead:
    """Reads one model's files at a time on a thread of its own; another wish replaces what is being read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wish = 0
        self._files: tuple[Path, ...] = ()
        self._thread: threading.Thread | None = None
        self.read = 0
        """Bytes read for the last wish."""

    def begin(self, files: Sequence[Path]) -> None:
        """Read these files, unless they are what is being read, or were read last."""
        with self._lock:
            if tuple(files) == self._files or not _fits(files):
                return
            self._wish += 1
            self._files, self.read = tuple(files), 0
            self._thread = threading.Thread(target=self._run, args=(self._wish, files), name="read ahead", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Read no more."""
        with self._lock:
            self._wish += 1
            self._files = ()

    def join(self, timeout: float) -> None:
        """Wait until the last wish is fulfilled, at most `timeout` seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _run(self, wish: int, files: Sequence[Path]) -> None:
        piece = bytearray(PIECE)
        with contextlib.suppress(OSError):  # whoever loads the file says what is wrong with it
            for path in files:
                with path.open("rb", buffering=0) as file:
                    while count := file.readinto(piece):
                        if wish != self._wish:
                            return
                        self.read += count
                        time.sleep(0)  # a model that works goes first


def _fits(files: Sequence[Path]) -> bool:
    import psutil

    try:
        size = sum(path.stat().st_size for path in files)
    except OSError:
        return False
    return size + SPARED <= psutil.virtual_memory().available
