"""Seeing, stopping and entering processes of the program."""

# ruff: noqa: PTH208
# The calls are what is tried here, so they stand as they are.
import contextlib
import ctypes
import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

from . import ISOLATED, NOT_OUTSIDE, Bait, Escape, attempt, call, escape, libc, taken, text


def spy(file: str) -> Escape:
    return lambda bait: text(f"/proc/{bait['victim']}/{file}")


for file in ("environ", "maps", "cmdline", "mem"):
    attempt(f"read_{file}_of_process", spy(file), *([NOT_OUTSIDE] if file == "mem" else []))
attempt("signal_process", lambda bait: (os.kill(bait["victim"], 0), True))
attempt("stop_program", lambda bait: (os.kill(bait["program"], 0), True))
attempt("signal_group", lambda bait: (os.killpg(bait["group"], 0), True))
attempt("open_process", lambda bait: os.pidfd_open(bait["victim"]), NOT_OUTSIDE, ISOLATED)
attempt("change_limits_of_process", lambda bait: resource.prlimit(bait["victim"], resource.RLIMIT_CORE))
attempt("change_processors_of_process", lambda bait: (os.sched_setaffinity(bait["victim"], {0}), True))
attempt("change_priority_of_process", lambda bait: (os.setpriority(os.PRIO_PROCESS, bait["victim"], 19), True))
attempt("trace_itself", lambda bait: libc.ptrace(0, 0, 0, 0) == 0)
attempt("see_program", lambda bait: _sees(bait["marker"][::-1]))
attempt("see_program_variables", lambda bait: _in_environments(bait["token"]))
attempt("inherit_variables", lambda bait: bait["token"] in os.environ.values())
attempt("inherit_descriptor", lambda bait: os.pread(bait["descriptor"], 8, 0))
attempt("inherit_any_descriptor", lambda bait: [number for number in range(3, 200) if _open(number)], NOT_OUTSIDE)


def _open(number: int) -> bool:
    with contextlib.suppress(OSError):
        return bool(os.fstat(number))
    return False


def _sees(marker: str) -> bool:
    names = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    found = []
    for name in names:
        with contextlib.suppress(OSError):
            found.append(Path(f"/proc/{name}/cmdline").read_bytes())
    return any(marker.encode() in one for one in found)


def _in_environments(token: str) -> bool:
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if token.encode() in Path(f"/proc/{name}/environ").read_bytes():
                return True
    return False


@escape()
def signal_through_descriptor(bait: Bait) -> bool:
    signal.pidfd_send_signal(os.pidfd_open(bait["victim"]), 0)
    return True


@escape()
def take_descriptor_of_process(bait: Bait) -> bool:
    return call(438, 438, os.pidfd_open(bait["victim"]), 0, 0) >= 0


@escape()
def trace_process(bait: Bait) -> bool:
    held = libc.ptrace(0x4206, ctypes.c_long(bait["victim"]), 0, 0) == 0  # PTRACE_SEIZE
    libc.ptrace(17, ctypes.c_long(bait["victim"]), 0, 0)
    return held


def memory(x86: int, arm: int, process: Callable[[Bait], int]) -> Escape:
    def work(bait: Bait) -> bool:
        source, target = ctypes.create_string_buffer(b"memory"), ctypes.create_string_buffer(7)
        local = (ctypes.c_size_t * 2)(ctypes.addressof(target), 6)
        remote = (ctypes.c_size_t * 2)(ctypes.addressof(source), 6)
        return call(x86, arm, process(bait), local, 1, remote, 1, 0) not in (-errno.EPERM, -errno.ESRCH, -errno.ENOSYS)

    return work


attempt("read_memory_of_process", memory(310, 270, lambda bait: bait["victim"]))
attempt("write_memory_of_process", memory(311, 271, lambda bait: bait["victim"]))
attempt("read_memory_of_parent", memory(310, 270, lambda bait: os.getppid()))
attempt("compare_processes", lambda bait: taken(312, 272, os.getpid(), os.getppid(), 1, 0, 0))
attempt("advise_process", lambda bait: taken(440, 440, 0, 0, 0, 0, 0))
attempt("move_pages_of_process", lambda bait: taken(279, 239, os.getppid(), 0, 0, 0, 0, 0))
