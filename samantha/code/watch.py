"""The limits that the kernel does not hold for a whole job: time, memory of all its processes, disk, files.

A thread looks again and again, whoever reads the job's output or not, and ends the job when a limit is passed.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from samantha.code.code import Reason
from samantha.code.left_behind import usage
from samantha.sandbox.access import Limits

if TYPE_CHECKING:
    import psutil

WARM_UP = 60.0
"""Seconds that an interpreter may take until the code begins; they do not count as the code's."""

PAUSE = 0.1
"""Seconds between two looks, or more where a look takes long: a tenth of the time goes into looking at most."""


class Watch:
    """Watches one job from its beginning to `finish`. `exceeded` is the limit that was passed, if any."""

    def __init__(self, pid: int, folders: tuple[Path, ...], limits: Limits, end: Callable[[], None]) -> None:
        self._pid = pid
        self._folders = folders
        self._limits = limits
        self._end = end
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._allowance = WARM_UP
        self.exceeded: Reason | None = None
        self.memory = 0
        self.family: dict[int, psutil.Process] = {}
        self._thread = threading.Thread(target=self._look_on, name="limits", daemon=True)
        self._thread.start()

    @property
    def seconds(self) -> float:
        """Since the job began."""
        return time.monotonic() - self._started

    def begins(self) -> None:
        """The code begins now: its time counts from here."""
        self._started, self._allowance = time.monotonic(), 0.0

    def stop(self, reason: Reason) -> None:
        """End the job for this reason, unless it has ended or another came first."""
        with self._lock:
            if self.exceeded or self._finished.is_set():
                return
            self.exceeded = reason
        self._end()
        self._kill_family()

    def finish(self) -> None:
        """The job has ended: look no more."""
        with self._lock:
            self._finished.set()

    def _look_on(self) -> None:
        pause = PAUSE
        while not self._finished.wait(min(pause, max(0.01, self._left()))):
            begun = time.monotonic()
            reason = self._passed()
            if reason:
                self.stop(reason)
                return
            pause = max(PAUSE, 10 * (time.monotonic() - begun))

    def _left(self) -> float:
        return self._limits.seconds + self._allowance - self.seconds

    def _passed(self) -> Reason | None:
        if self._left() <= 0:
            return "time"
        family = self._family()
        if len(family) > self._limits.processes:
            return "processes"
        used = _measured(family, lambda member: member.memory_info().rss)
        if used > self._limits.memory:  # forks share most of it: only now is it worth counting that properly
            used = _measured(family, _proportional)
        self.memory = max(self.memory, used)
        if used > self._limits.memory:
            return "memory"
        size, count = usage(self._folders, self._limits.files)
        count = max(count, _temporary_files(family))
        return "disk" if size > self._limits.disk or count > self._limits.files else None

    def _family(self) -> "list[psutil.Process]":
        """The process and all below it now."""
        import psutil

        try:
            root = psutil.Process(self._pid)
            family = [root, *root.children(recursive=True)]
        except psutil.Error:
            return []
        for member in family:
            self.family.setdefault(member.pid, member)
        return family

    def _kill_family(self) -> None:
        """What was once seen below the process and left its session; it can live on without a process namespace."""
        import psutil

        for member in list(self.family.values()):
            try:
                if sys.platform == "win32" or member.pid != self._pid:
                    member.kill()
            except psutil.Error:
                continue


def _temporary_files(family: "list[psutil.Process]") -> int:
    """Files in the sandbox's own memory folders, whose size is limited but not their number. 0 where there are none."""
    if sys.platform != "linux":
        return 0
    most = 0
    for member in family:
        for place in ("/tmp", "/dev/shm"):
            try:
                inside = Path(f"/proc/{member.pid}/root{place}").stat()
                if inside.st_dev != Path(place).stat().st_dev:
                    state = os.statvfs(f"/proc/{member.pid}/root{place}")
                    most = max(most, state.f_files - state.f_ffree)
            except OSError:
                continue
    return most


def _measured(family: "list[psutil.Process]", size: "Callable[[psutil.Process], int]") -> int:
    """Bytes of memory of all of them that still live."""
    import psutil

    total = 0
    for member in family:
        try:
            total += size(member)
        except psutil.Error:
            continue
    return total


def _proportional(member: "psutil.Process") -> int:
    """A process's memory, with what it shares counted by its share; all of it where the system does not say."""
    import psutil

    try:
        return int(getattr(member.memory_full_info(), "pss", 0)) or int(member.memory_info().rss)
    except psutil.AccessDenied:
        return int(member.memory_info().rss)
