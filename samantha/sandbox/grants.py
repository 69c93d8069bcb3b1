"""Whether a file or folder may be granted to generated code. What is granted here is bound elsewhere."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from samantha import settings
from samantha.errors import SandboxError
from samantha.sandbox.access import Access

KERNEL = tuple(map(Path, ("/proc", "/sys", "/dev", "/run", "/var/run")))
"""Not files but doors: devices, processes, and the sockets of other programs."""

SYSTEM = tuple(map(Path, ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/var/lib", "/var/spool")))
"""Where a written file would be run by others later."""

OWN_NAMES = tuple(map(Path, ("/box", "/code", "/shown", "/relay", "/inside")))
"""Names that the sandbox uses itself."""

MOST_ENTRIES = 20_000
"""Entries of a granted folder that are looked through for sockets."""


class Grant(msgspec.Struct, frozen=True):
    """A granted place: where it really is, the name it was granted under, and whether it may be written."""

    place: Path
    name: Path
    writable: bool

    @property
    def names(self) -> tuple[Path, ...]:
        """The names the code finds it under."""
        return tuple(dict.fromkeys((self.name, self.place)))


def grants(access: Access, environment: Path | None) -> tuple[Grant, ...]:
    """What `access` grants, checked, a writable grant before a readable one of the same place.

    Args:
        environment: the code environment, which no code may change.

    Raises:
        SandboxError: a grant that is missing, no file or folder, or would undo the sandbox.
    """
    found: dict[Path, Grant] = {}
    for writable, places in ((True, access.writable), (False, access.readable)):
        for place in places:
            grant = _checked(place, writable, environment)
            found.setdefault(grant.place, grant)
    return tuple(found[place] for place in sorted(found))


def _checked(given: Path, writable: bool, environment: Path | None) -> Grant:
    try:
        place = given.resolve(strict=True)
        kind = place.stat().st_mode
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links run in a circle"
        raise SandboxError(f"{given} cannot be granted ({reason}): choose a file or folder that is there.") from error
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise SandboxError(f"{given} is neither a file nor a folder, so it cannot be granted: choose one.")
    reason = _danger(place, environment) or (_danger_of_writing(place, environment) if writable else "")
    if not reason and stat.S_ISDIR(kind):
        socket = next(_sockets(place), None)
        reason = f"{socket} in it leads to another program" if socket else ""
    if reason:
        raise SandboxError(f"{given} cannot be granted, because {reason}: choose a folder or file of your own work.")
    return Grant(place, Path(os.path.normpath(given)), writable)


def _danger(place: Path, environment: Path | None) -> str:
    """Why not even reading may be granted, or nothing."""
    if place == Path(place.anchor):
        return "it is the whole computer"
    for own, what in _secrets(environment):
        if _overlap(place, own):
            return f"{what} lies {'in it' if own.is_relative_to(place) else 'there'}"
    if sys.platform == "win32":
        return ""
    if any(place.is_relative_to(door) or door.is_relative_to(place) for door in KERNEL):
        return "it belongs to the kernel and to running programs"
    if any(_overlap(place, own) for own in OWN_NAMES):
        return "the sandbox uses that name itself"
    return ""


def _danger_of_writing(place: Path, environment: Path | None) -> str:
    """Why writing may not be granted, or nothing: whatever a program outside would run or obey later."""
    home = Path.home().resolve()
    if home.is_relative_to(place):
        return "programs that start later are set up there"
    if place.is_relative_to(home) and place.relative_to(home).parts[0].startswith("."):
        return "it is among the hidden settings of your programs"
    programs = [*SYSTEM, settings.PACKAGE, Path(sys.base_prefix), *([environment] if environment else [])]
    if any(_overlap(place, program.resolve()) for program in programs):
        return "programs are run from there"
    return ""


def _secrets(environment: Path | None) -> Iterator[tuple[Path, str]]:
    yield settings.data_folder().resolve(), "Samantha's own data"
    own = Path(sys.prefix).resolve()
    if sys.prefix != sys.base_prefix and own != environment:
        yield own, "the program's own environment"


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _sockets(folder: Path) -> Iterator[Path]:
    """Sockets in a folder, among its first entries. A folder that cannot be read holds nothing for the code either."""
    seen = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            seen += 1
            if seen > MOST_ENTRIES:
                return
            path = Path(parent, name)
            if stat.S_ISSOCK(path.lstat().st_mode):
                yield path
