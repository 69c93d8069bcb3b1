"""Which processes of this namespace listen on which TCP ports, and what processor time they took. Linux only."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def processes() -> list[int]:
    """All processes that this one can see."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def ports() -> dict[int, str]:
    """Listening ports and the inode of the socket of each."""
    found: dict[int, str] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            field = line.split()
            if field[3] == LISTEN:
                found.setdefault(int(field[1].rpartition(":")[2], 16), field[9])
    return found


def owners(inodes: Iterable[str], among: Iterable[int]) -> set[int]:
    """The processes that hold one of these sockets."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return {process for process in among if any(link in wanted for link in _links(process))}


def _links(process: int) -> Iterator[str]:
    try:
        names = os.listdir(f"/proc/{process}/fd")
    except OSError:
        return
    for name in names:
        try:
            yield os.readlink(f"/proc/{process}/fd/{name}")
        except OSError:
            continue


def parents(among: Iterable[int]) -> dict[int, int]:
    """The parent of each process."""
    found = {}
    for process in among:
        field = _status(process)
        if field:
            found[process] = int(field[1])
    return found


def mentioned(words: Iterable[str], among: Iterable[int]) -> bool:
    """Whether one of the words stands in a command line of these processes."""
    for process in among:
        try:
            command = Path(f"/proc/{process}/cmdline").read_text("utf-8", "replace")
        except OSError:
            continue
        if any(word in command for word in words):
            return True
    return False


def processor_seconds(among: Iterable[int]) -> float:
    """Processor time that these processes took so far."""
    ticks = sum(int(field[11]) + int(field[12]) for process in among if (field := _status(process)))
    return ticks / os.sysconf("SC_CLK_TCK")


def _status(process: int) -> list[str]:
    """What follows the name in /proc/N/stat: the state, the parent, ..."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def families(of: set[int], parent: dict[int, int]) -> set[int]:
    """These processes with everything above and below them."""
    kept = set(of)
    for process in of:
        above = parent.get(process)
        while above is not None and above not in kept and above > 1:
            kept.add(above)
            above = parent.get(above)
    grown = True
    while grown:
        below = {process for process, above in parent.items() if above in of and process not in of}
        of = of | below
        grown = bool(below)
    return kept | of
