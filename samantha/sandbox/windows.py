"""Limits for Windows: a Job Object holds memory, processes and processor time, and ends everything when it is closed.

It isolates nothing, so its mode is `none`: code runs with the user's rights, and only with full access. A process joins
its job just after its start, when it still waits to be told what to run. It could not be tried on Windows here: sizes
of the structures and the numbers in them are tested.
"""

import ctypes
import sys

from samantha.sandbox.access import Limits

KILL_ON_CLOSE, ACTIVE_PROCESSES, PROCESS_TIME, PROCESS_MEMORY, JOB_MEMORY = 0x2000, 0x8, 0x2, 0x100, 0x200
DIE_ON_EXCEPTION = 0x400
EXTENDED_LIMITS, USER_INTERFACE = 9, 4
NO_HANDLES_CLIPBOARD_OR_SETTINGS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x80
"""No handles of other programs, no clipboard, no display settings, no system settings, no end of the session."""

SET_QUOTA_AND_TERMINATE = 0x0100 | 0x0001


class BasicLimits(ctypes.Structure):
    """`JOBOBJECT_BASIC_LIMIT_INFORMATION`. Times in units of 100 ns."""

    _fields_ = (
        ("process_time", ctypes.c_int64), ("job_time", ctypes.c_int64), ("flags", ctypes.c_uint32),
        ("smallest_working_set", ctypes.c_size_t), ("largest_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32), ("affinity", ctypes.c_size_t), ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    )  # fmt: skip


class Counters(ctypes.Structure):
    """`IO_COUNTERS`."""

    _fields_ = tuple((f"counter_{number}", ctypes.c_uint64) for number in range(6))


class ExtendedLimits(ctypes.Structure):
    """`JOBOBJECT_EXTENDED_LIMIT_INFORMATION`."""

    _fields_ = (
        ("basic", BasicLimits), ("counters", Counters), ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t), ("peak_process_memory", ctypes.c_size_t), ("peak_job_memory", ctypes.c_size_t),
    )  # fmt: skip


def limits_of(limits: Limits) -> ExtendedLimits:
    """What a job may use, as Windows wants it."""
    wanted = ExtendedLimits()
    wanted.basic.flags = (
        KILL_ON_CLOSE | ACTIVE_PROCESSES | PROCESS_TIME | PROCESS_MEMORY | JOB_MEMORY | DIE_ON_EXCEPTION
    )
    wanted.basic.process_time = limits.cpu_seconds * 10_000_000
    wanted.basic.active_processes = limits.processes
    wanted.process_memory = wanted.job_memory = limits.memory
    return wanted


class Job:
    """A Job Object. Everything in it ends when it is closed, or when the program does."""

    def __init__(self, limits: Limits, full: bool) -> None:
        """Make it.

        Args:
            full: keyboard, mouse and clipboard are the code's, too.

        Raises:
            OSError: Windows refuses.
        """
        if sys.platform != "win32":
            raise OSError("a Job Object needs Windows")
        self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        self._kernel.CreateJobObjectW.restype = ctypes.c_void_p
        self._kernel.OpenProcess.restype = ctypes.c_void_p
        self._handle = ctypes.c_void_p(self._kernel.CreateJobObjectW(None, None))
        if not self._handle:
            raise ctypes.WinError(ctypes.get_last_error())
        self._set(EXTENDED_LIMITS, limits_of(limits))
        if not full:
            self._set(USER_INTERFACE, ctypes.c_uint32(NO_HANDLES_CLIPBOARD_OR_SETTINGS))

    def _set(self, kind: int, value: "ctypes.Structure | ctypes.c_uint32") -> None:
        if sys.platform == "win32":
            size = ctypes.sizeof(value)
            if not self._kernel.SetInformationJobObject(self._handle, kind, ctypes.byref(value), size):
                raise ctypes.WinError(ctypes.get_last_error())

    def take(self, pid: int) -> None:
        """Put a process, and whatever it starts from now on, into the job.

        Raises:
            OSError: Windows refuses, or the process has ended.
        """
        if sys.platform == "win32":
            process = ctypes.c_void_p(self._kernel.OpenProcess(SET_QUOTA_AND_TERMINATE, False, pid))
            done = bool(process) and self._kernel.AssignProcessToJobObject(self._handle, process)
            error = ctypes.get_last_error()
            if process:
                self._kernel.CloseHandle(process)
            if not done:
                raise ctypes.WinError(error)

    def close(self) -> None:
        """End everything in it."""
        if sys.platform == "win32":
            self._kernel.CloseHandle(self._handle)
