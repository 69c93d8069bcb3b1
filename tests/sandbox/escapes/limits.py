"""More than was allowed, and rights that were not given."""

# ruff: noqa: PTH108
# The calls are what is tried here, so they stand as they are.
import ctypes
import mmap
import os
import resource
import signal
import threading
from pathlib import Path

from . import AS_ROOT, ISOLATED, NOT_OUTSIDE, Bait, Escape, attempt, escape


@escape()
def map_too_much(bait: Bait) -> bool:
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
    return bool(mmap.mmap(-1, bait["limits"]["address_space"], flags=flags))


@escape()
def allocate_too_much(bait: Bait) -> bool:
    return bool(ctypes.CDLL(None).malloc(ctypes.c_size_t(bait["limits"]["address_space"])))


@escape()
def write_too_large_a_file(bait: Bait) -> bool:
    with open("large", "wb") as file:
        file.seek(bait["limits"]["file_size"])
        file.write(b"x")
    return True


@escape()
def reserve_too_large_a_file(bait: Bait) -> bool:
    with open("reserved", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, bait["limits"]["file_size"] + 1)
    return True


@escape()
def open_too_many_files(bait: Bait) -> bool:
    return len([os.dup(0) for _ in range(bait["limits"]["open_files"] + 1)]) > 0


@escape()
def start_too_many_threads(bait: Bait) -> bool:
    threading.stack_size(1 << 16)
    until = threading.Event()
    try:
        for _ in range(bait["limits"]["processes"]):
            threading.Thread(target=until.wait, daemon=True).start()
    finally:
        until.set()
    return True


@escape()
def start_too_many_processes(bait: Bait) -> bool:
    children: list[int] = []
    try:
        for _ in range(bait["limits"]["processes"]):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return True


def fill(place: str) -> Escape:
    """More than may be, in files that each may be."""

    def work(bait: Bait) -> bool:
        made: list[str] = []
        try:
            for number in range(bait["limits"]["temporary"] // bait["limits"]["file_size"] + 2):
                made.append(f"{place}/filling-{number}")
                with open(made[-1], "wb") as file:
                    file.write(bytes(bait["limits"]["file_size"]))
        finally:
            for path in made:
                os.unlink(path)
        return True

    return work


attempt("fill_temporary", fill("/tmp"), ISOLATED)
attempt("fill_shared_memory", fill("/dev/shm"), ISOLATED)
for limit in ("AS", "CPU", "FSIZE", "NOFILE", "NPROC", "CORE"):
    attempt(f"raise_limit_{limit}", lambda bait, limit=limit: _raised(f"RLIMIT_{limit}"), AS_ROOT)  # type: ignore[misc]
attempt(
    "no_processor_limit", lambda bait: resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY, NOT_OUTSIDE
)
attempt("be_killed_last", lambda bait: Path("/proc/self/oom_score_adj").write_text("-500"), AS_ROOT, NOT_OUTSIDE)


def _raised(name: str) -> bool:
    number = getattr(resource, name)
    _, hard = resource.getrlimit(number)
    resource.setrlimit(number, (hard + 1 if hard >= 0 else hard,) * 2)
    return True


attempt("become_root", lambda bait: (os.setuid(0), True), AS_ROOT)
attempt("be_root", lambda bait: os.getuid() == 0 and Path("/proc/self/uid_map").read_text().split()[1] == "0", AS_ROOT)
attempt("have_rights", lambda bait: any(int(_status(name), 16) for name in ("CapEff", "CapPrm", "CapAmb")), AS_ROOT)
attempt("gain_rights_by_running", lambda bait: _status("NoNewPrivs") != "1", NOT_OUTSIDE)
attempt("join_group", lambda bait: (os.setgroups([0]), True), AS_ROOT)


def _status(name: str) -> str:
    return next(
        line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")
    )
