"""The register of what generated code and its tools leave running: one file for each process, ended from anywhere.

It stands on disk, so that `samantha code close` ends what the page started, and so that a program that crashed leaves
nothing behind that nobody can name. It starts no process and knows none of what they serve.
"""

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from samantha import settings
from samantha.code.code import CodeError

if TYPE_CHECKING:
    import psutil

PATIENCE = 1.0
"""Seconds that a process has to end by itself once it was asked."""

ROUNDS = 20
"""How often what is left of a tree is killed: a process may have started another meanwhile."""


class Entry(msgspec.Struct, frozen=True):
    """A process in the background. `birth` tells it from a later one with the same id; `started` is Unix time."""

    id: str
    pid: int
    birth: str
    title: str
    url: str = ""
    run: str = ""
    started: float = 0.0


def register(pid: int, title: str, url: str = "", run: str = "") -> Entry:
    """Note a process that goes on in the background; what it starts belongs to it.

    Args:
        url: where the user reaches it; it may hold a token, so the register is the user's alone to read.
        run: the run whose code started it, if any.

    Raises:
        CodeError: the process has already ended, or the register cannot be written.
    """
    birth = _birth(pid)
    if not birth:
        raise CodeError(f"{title} has already ended (process {pid}): start it again.")
    entry = Entry(f"{pid}-{secrets.token_hex(4)}", pid, birth, title, url, run, time.time())
    try:
        path = _folder() / f"{entry.id}.json"
        partial = path.with_suffix(".part")
        partial.touch(mode=0o600)
        partial.write_bytes(msgspec.json.encode(entry))
        partial.replace(path)
    except OSError as error:
        raise CodeError(f"{title} cannot be noted in {_place()} ({error.strerror}): free it for writing.") from error
    return entry


def entries() -> tuple[Entry, ...]:
    """Those still running, oldest first; the others are forgotten."""
    alive = []
    for path in _place().glob("*.json"):
        entry = _read(path)
        if entry is not None and _members(entry):
            alive.append(entry)
        else:
            _forget(path)
    return tuple(sorted(alive, key=lambda entry: (entry.started, entry.id)))


def close(entry: Entry) -> None:
    """End a process with all that it started: asked first, killed a second later. One that has ended is no error.

    Raises:
        CodeError: something of it could not be ended.
    """
    import psutil

    refused: set[int] = set()
    for attempt in range(ROUNDS):
        members = _members(entry)
        if not members:
            _forget(_place() / f"{entry.id}.json")
            return
        for member in members:
            try:
                member.terminate() if attempt == 0 else member.kill()
            except psutil.NoSuchProcess:
                continue
            except psutil.AccessDenied:
                refused.add(member.pid)
        _wait(members, PATIENCE)
    pids = ", ".join(str(member.pid) for member in _members(entry))
    reason = "it belongs to another user" if refused else "it does not end"
    raise CodeError(f"{entry.title} could not be ended (process {pids}: {reason}): end it by hand.")


def close_all(run: str = "") -> int:
    """End all of them, or those of a run; returns how many there were.

    Raises:
        CodeError: one could not be ended; all others are.
    """
    found = [entry for entry in entries() if not run or entry.run == run]
    failures = []
    for entry in found:
        try:
            close(entry)
        except CodeError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return len(found)


def _place() -> Path:
    return settings.data_folder() / "work" / "processes"


def _folder() -> Path:
    folder = _place()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _read(path: Path) -> Entry | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Entry)
    except (OSError, msgspec.DecodeError):
        return None  # gone meanwhile, or of another version: nothing that could be ended safely


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):  # another program may be as quick, or have it open
        path.unlink()


def _birth(pid: int) -> str:
    """What tells a process from every other one of the same id; "" when it has ended.

    On Linux it is the tick of its start since boot: a time of day changes when the clock is set.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        if sys.platform != "linux":
            return f"{process.create_time():.3f}"
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        return f"{_boot()} {ticks}"
    except (psutil.NoSuchProcess, OSError, ValueError):
        return ""


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _members(entry: Entry) -> list["psutil.Process"]:
    """The process, what descends from it and what its session holds, as far as they run."""
    import psutil

    found: dict[int, psutil.Process] = {}
    if _birth(entry.pid) == entry.birth:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(entry.pid)
            found[root.pid] = root
            found |= {child.pid: child for child in root.children(recursive=True)}
    elif _birth(entry.pid):
        return []  # the id belongs to somebody else now, and so would the session
    found |= {process.pid: process for process in _session(entry)}
    return [process for process in found.values() if _birth(process.pid)]


def _session(entry: Entry) -> Iterable["psutil.Process"]:
    """What runs in the session that the process led, also when it has died itself: its id is not given away so long."""
    import psutil

    if sys.platform == "win32" or (sys.platform == "linux" and entry.birth.split()[0] != _boot()):
        return
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(pid) == entry.pid:
                yield psutil.Process(pid)


def _wait(processes: list["psutil.Process"], seconds: float) -> None:
    """Until all have ended, or the time is over. One that nobody has waited for yet counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(_birth(process.pid) for process in processes):
        time.sleep(0.02)
