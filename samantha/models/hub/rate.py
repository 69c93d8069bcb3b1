"""How fast something comes: bytes a second over the last seconds, and what is left of the time."""

from collections import deque
from collections.abc import Callable
from time import monotonic

WINDOW = 8.0
"""Seconds that are looked back over."""


class Rate:
    """Fed with how many bytes are there by now. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, done: int) -> float:
        """Bytes a second, now that `done` are there. Fewer than before (a restart) begins anew."""
        now = self._clock()
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        seconds = now - self._seen[0][0]
        return (done - self._seen[0][1]) / seconds if seconds > 0 else 0.0


def left(done: int, total: int | None, rate: float) -> float | None:
    """Seconds until all is there; None where nobody can say."""
    return (total - done) / rate if total is not None and rate > 0 else None
