"""What code left in its folders: things it showed, files it made. All of it is a stranger's: links, pipes, lies.

Nothing is followed, waited for, or believed: a file counts when it is a plain file of a fitting kind and size.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from samantha.code.code import Shown
from samantha.events import CodeFile

LARGEST_SHOWN = 32 << 20
"""Bytes of one thing shown; a page with plotly in it has 5 MB."""

MOST_FILES = 500
"""Produced files that are named."""

Media = Literal["image/png", "image/svg+xml", "text/html"]
MEDIA: dict[str, Media] = {"png": "image/png", "svg": "image/svg+xml", "html": "text/html", "table.html": "text/html"}
_NAME = re.compile(r"\d{4}\.(png|svg|html|table\.html)")
_PNG = b"\x89PNG\r\n\x1a\n"


class Stamp(msgspec.Struct, frozen=True):
    """How a file is recognised as changed."""

    size: int
    changed: int
    inode: int


def read_plain(path: Path, largest: int) -> bytes | None:
    """The content of a plain file of at most `largest` bytes; None for everything else. Follows no link at its end."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > largest:
            return None
        try:
            content = file.read(largest + 1)
        except OSError:
            return None
    return content if len(content) <= largest else None


def shown_so_far(folder: Path, known: set[str]) -> Iterator[Shown]:
    """What appeared in a step's folder since the last look; `known` grows. Names are relative to the folder above."""
    try:
        if folder.is_symlink():
            return
        names = sorted(entry.name for entry in os.scandir(folder) if _NAME.fullmatch(entry.name))
    except OSError:
        return
    for name in names:
        if name in known:
            continue
        known.add(name)
        number, _, ending = name.partition(".")
        content = read_plain(folder / name, LARGEST_SHOWN)
        if content is None or (ending == "png" and not content.startswith(_PNG)):
            continue
        title = read_plain(folder / f"{number}.title", 1000) or b""
        yield Shown(MEDIA[ending], f"{folder.name}/{name}", title.decode("utf-8", "replace"))


def last_frames(folder: Path) -> str:
    """The end of the traceback that the step left; empty when there is none."""
    content = b"" if folder.is_symlink() else read_plain(folder / "traceback", 1 << 20) or b""
    return content.decode("utf-8", "replace").rstrip()


def files_in(folder: Path) -> dict[str, Stamp]:
    """Every plain file below `folder`, by its name from there. Links are not followed and not counted."""
    found = {}
    for place, _, names in os.walk(folder, followlinks=False):
        for name in names:
            path = os.path.join(place, name)
            try:
                state = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(state.st_mode):
                found[os.path.relpath(path, folder)] = Stamp(state.st_size, state.st_mtime_ns, state.st_ino)
    return found


def produced(before: dict[str, Stamp], after: dict[str, Stamp]) -> tuple[CodeFile, ...]:
    """The files that are new or changed, by name; names that are no text are made readable."""
    names = sorted(name for name, stamp in after.items() if before.get(name) != stamp and not _hidden(name))
    return tuple(CodeFile(_readable(name), after[name].size) for name in names[:MOST_FILES])


def remove_new(folder: Path, before: dict[str, Stamp]) -> None:
    """Delete what was not there before, so that a step that filled the disk does not end every later one too.

    Only when nothing of the code runs any more. Links are removed, never followed.
    """
    for place, below, names in os.walk(folder, topdown=False, followlinks=False):
        for name in names:
            if os.path.relpath(os.path.join(place, name), folder) not in before:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(place, name))
        for name in below:
            with contextlib.suppress(OSError):  # one that is not empty stays; a link to a folder is no folder
                os.rmdir(os.path.join(place, name))


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in Path(name).parts)


def _readable(name: str) -> str:
    return name.replace(os.sep, "/").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def usage(folders: tuple[Path, ...], most_files: int) -> tuple[int, int]:
    """Bytes on disk and number of entries below the folders; counting ends soon after `most_files`."""
    size = count = 0
    for folder in folders:
        for place, below, names in os.walk(folder, followlinks=False):
            count += len(below) + len(names)
            for name in names:
                try:
                    state = os.lstat(os.path.join(place, name))
                except OSError:
                    continue
                size += getattr(state, "st_blocks", 0) * 512 or state.st_size
            if count > most_files:
                return size, count
    return size, count
