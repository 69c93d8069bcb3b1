"""Mode `reduced`, for Linux where bubblewrap is missing or not allowed: Landlock and seccomp close the real system.

They close files, sockets and signals, not sight: the code may see that other files exist, and how large they are. Its
own servers do not work, because there is no network that could be its own.
"""

import ctypes
import functools
import json
import os
import sys
from pathlib import Path

from samantha.sandbox import seccomp, unprivileged
from samantha.sandbox.confined import Confined, Wanted
from samantha.sandbox.linux import CONFIGURATION, NETWORK, SYSTEM, is_root, running_threads

assert sys.platform == "linux"

LAUNCHER = Path(__file__).with_name("launcher.py")
NEEDED = 6
"""The version of Landlock that keeps signals and abstract sockets in (Linux 6.12)."""

READABLE = (
    "/usr", *SYSTEM, *CONFIGURATION, "/dev/zero", "/dev/random", "/dev/urandom",
    *(f"/proc/{name}" for name in ("cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems")),
)  # fmt: skip
WRITABLE = ("/dev/null", "/dev/full")


@functools.cache
def missing() -> str:
    """What this computer lacks for it, or nothing."""
    version = int(ctypes.CDLL(None, use_errno=True).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))
    if version < NEEDED:
        return f"Landlock {NEEDED} (this kernel has {'none' if version < 1 else version})"
    return "" if os.uname().machine in seccomp.ARCHITECTURES else "a system call filter for this processor"


def confine(wanted: Wanted) -> Confined:
    """The command behind a launcher that confines itself. As root, the folders are given to another user."""
    user = unprivileged.hand_over(wanted.folders, wanted.grants) if is_root() else None
    temporary = wanted.folders.shown / ".temporary"
    temporary.mkdir(exist_ok=True)
    if user is not None:
        unprivileged.own(temporary, user)
    settings = json.dumps({
        "user": user, "directory": str(wanted.folders.box), "network": wanted.network, "limits": _limits(wanted, user),
        "readable": [*READABLE, *(NETWORK if wanted.network else ()), *_readable(wanted)],
        "writable": [*WRITABLE, *_writable(wanted)],
        "filter": seccomp.program(reduced=True, network=wanted.network).hex(),
    })  # fmt: skip
    command = (wanted.command[0], "-I", "-S", "-B", str(LAUNCHER), settings, *wanted.said(wanted.inside))
    undo = functools.partial(unprivileged.take_back, wanted.grants, user) if user is not None else None
    return Confined(command, wanted.surroundings(wanted.folders.box, temporary), "reduced", wanted.folders, undo=undo)


def _readable(wanted: Wanted) -> list[str]:
    inside = [wanted.inside] if wanted.inside else []
    granted = [grant.place for grant in wanted.grants if not grant.writable]
    return [str(place) for place in (*wanted.programs(), *inside, wanted.folders.code, *granted)]


def _writable(wanted: Wanted) -> list[str]:
    own = (wanted.folders.box, wanted.folders.shown, wanted.folders.relay)
    return [str(place) for place in (*own, *(grant.place for grant in wanted.grants if grant.writable))]


def _limits(wanted: Wanted, user: int | None) -> dict[str, int]:
    """By their names in `resource`. Where the user is not the code's own, the kernel counts all that already runs."""
    limits = wanted.limits
    return {
        "RLIMIT_AS": limits.address_space, "RLIMIT_CPU": limits.cpu_seconds, "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NOFILE": limits.open_files, "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": limits.processes + (running_threads() if user is None else 0),
    }  # fmt: skip
