"""When Samantha runs as root: an unused user for each work folder, who owns it and may open what was granted.

The kernel counts no processes of root, and root in a sandbox is closer to root outside than anybody else. Not for
ordinary users, and for Linux only.
"""

import contextlib
import functools
import operator
import os
import random
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from samantha.errors import SandboxError
from samantha.sandbox.access import Folders
from samantha.sandbox.grants import Grant

assert sys.platform == "linux"

USERS = range(64_000, 65_000)
"""Numbers that distributions leave free."""

_ACL = "system.posix_acl_access"
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_VERSION, _NOBODY = 2, 0xFFFFFFFF
_USER_OBJECT, _USER, _GROUP_OBJECT, _GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32
_SHARES = ((_USER_OBJECT, 6), (_GROUP_OBJECT, 3), (_OTHER, 0))
"""Where a mode holds the rights of owner, group and everybody."""


def hand_over(folders: Folders, grants: tuple[Grant, ...]) -> int:
    """The user for these folders, who owns what the code writes and may open what was granted.

    Raises:
        SandboxError: the folders cannot be given away, or a grant cannot be opened.
    """
    user = user_of(folders.box)
    for folder in (folders.box, folders.shown, folders.relay):
        own(folder, user)
    let(grants, user)
    return user


def user_of(box: Path) -> int:
    """The user who owns `box`, or an unused one.

    Raises:
        SandboxError: all thousand are in use.
    """
    owner = box.stat().st_uid
    if owner in USERS:
        return owner
    taken = {entry.stat().st_uid for entry in _processes()}
    free = [user for user in USERS if user not in taken]
    if not free:
        raise SandboxError("All users kept for generated code have processes running: close code processes first.")
    return random.choice(free)


def _processes() -> Iterator[Path]:
    """Folders of running processes. One may end at any moment."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat():
                yield entry


def own(folder: Path, user: int) -> None:
    """Give `folder` and all in it to `user`. Follows no link.

    Raises:
        SandboxError: a part of it cannot be given away.
    """
    try:
        os.chown(folder, user, user)
        for _, folders, files, descriptor in os.fwalk(folder):
            for name in (*folders, *files):
                if os.lstat(name, dir_fd=descriptor).st_uid != user:
                    os.chown(name, user, user, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return  # code that still runs there removed it meanwhile
    except OSError as error:
        raise SandboxError(
            f"{folder} cannot be given to another user ({error.strerror}): run Samantha as an ordinary user."
        ) from error


def let(grants: tuple[Grant, ...], user: int) -> None:
    """Let `user` open what was granted, by an entry in its access list where its mode does not allow it already.

    Raises:
        SandboxError: the file system keeps no access lists.
    """
    for grant in grants:
        try:
            for descriptor in _opened(grant.place):
                _enter(descriptor, user, 6 if grant.writable else 4)
        except OSError as error:
            take_back(grants, user)
            raise SandboxError(
                f"{grant.place} cannot be opened to the sandbox ({error.strerror}): let everybody read it, or run"
                " Samantha as an ordinary user."
            ) from error


def take_back(grants: tuple[Grant, ...], user: int) -> None:
    """Remove the entries of `user`, and give what it made in a granted folder to the folder's owner."""
    for grant in grants:
        with contextlib.suppress(OSError):  # gone by now: there is nothing to take back
            owner = grant.place.stat()
            for descriptor in _opened(grant.place):
                _leave(descriptor, user)
                if os.fstat(descriptor).st_uid == user:
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _opened(place: Path) -> Iterator[int]:
    """Descriptors of the place and of all files and folders in it, one at a time. Follows no link: code plants some."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _closing(os.open(place, flags)) as top:
        yield top
        if not stat.S_ISDIR(os.fstat(top).st_mode):
            return
        for _, folders, files, parent in os.fwalk(".", dir_fd=top):
            for name in (*folders, *files):
                kind = os.lstat(name, dir_fd=parent).st_mode
                if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
                    continue
                with (
                    contextlib.suppress(FileNotFoundError),
                    _closing(os.open(name, flags, dir_fd=parent)) as descriptor,
                ):
                    yield descriptor


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(descriptor: int, user: int, rights: int) -> None:
    """Add one entry to an access list. A mask that was there goes on holding for the others."""
    mode = os.fstat(descriptor).st_mode
    needed = rights | (1 if stat.S_ISDIR(mode) or mode & 0o100 else 0)
    if mode & needed == needed:
        return
    entries = _entries(descriptor)
    mask = entries.get((_MASK, _NOBODY), 7)
    shared = (_USER, _GROUP, _GROUP_OBJECT)
    entries = {key: value & mask if key[0] in shared else value for key, value in entries.items()}
    entries[_USER, user] = needed
    _set(descriptor, entries)


def _leave(descriptor: int, user: int) -> None:
    """Remove one entry; a list that says no more than the mode becomes the mode again."""
    entries = _entries(descriptor)
    if entries.pop((_USER, user), None) is None:
        return
    if any(tag in (_USER, _GROUP) for tag, _ in entries):
        _set(descriptor, entries)
        return
    mode = sum(entries[tag, _NOBODY] << shift for tag, shift in _SHARES)
    os.removexattr(descriptor, _ACL)
    os.fchmod(descriptor, mode)


def _entries(descriptor: int) -> dict[tuple[int, int], int]:
    """Rights by kind of entry and its number: the access list, or what the mode says when there is none."""
    mode = os.fstat(descriptor).st_mode
    try:
        found = os.getxattr(descriptor, _ACL)
    except OSError:  # none yet; a file system without lists says so when one is set
        return {(tag, _NOBODY): mode >> shift & 7 for tag, shift in _SHARES}
    return {(tag, number): rights for tag, rights, number in _ENTRY.iter_unpack(found[_HEAD.size :])}


def _set(descriptor: int, entries: dict[tuple[int, int], int]) -> None:
    shared = [rights for (tag, _), rights in entries.items() if tag in (_USER, _GROUP, _GROUP_OBJECT)]
    entries = {**entries, (_MASK, _NOBODY): functools.reduce(operator.or_, shared)}
    packed = b"".join(_ENTRY.pack(tag, rights, number) for (tag, number), rights in sorted(entries.items()))
    os.setxattr(descriptor, _ACL, _HEAD.pack(_VERSION) + packed)
