"""Files that generated code left, opened for the page: never outside the run's folders, never but plain files.

Code can leave links, pipes, devices and set-uid files behind, and change them while they are looked at. So every part
of a path is opened by its descriptor, without following links and without waiting; only what was opened is believed.
"""

import base64
import binascii
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from samantha import settings
from samantha.errors import SamanthaError

Kind = Literal["shown", "box"]
"""What the code showed, or its work folder."""

RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
LARGEST_SHOWN = 32 << 20
"""Bytes of a picture or page; a page with plotly in it has 5 MB."""

CHUNK = 1 << 18
ROUTE = "/samantha/code"

PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}
PAGE = "text/html"
_PNG = b"\x89PNG\r\n\x1a\n"


class Missing(SamanthaError):
    """There is no such file any more, or it is none that may be shown."""


class Opened(msgspec.Struct):
    """An open plain file of `size` bytes."""

    file: BinaryIO
    size: int

    def chunks(self) -> Iterator[bytes]:
        """At most `size` bytes; fewer when the file shrinks meanwhile."""
        left = self.size
        with self.file:
            while left > 0 and (data := self.file.read(min(CHUNK, left))):
                left -= len(data)
                yield data

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()


def address(kind: Kind, run: str, name: str) -> str:
    """Where the page finds the file: its name is coded, so that no sign in it means anything in an address."""
    coded = base64.urlsafe_b64encode(name.encode("utf-8", "surrogateescape")).decode().rstrip("=")
    return f"{ROUTE}/{kind}/{run}/{coded}"


def named(coded: str) -> str:
    """The name in an address.

    Raises:
        Missing: no name that `address` made.
    """
    try:
        padded = coded + "=" * (-len(coded) % 4)
        name = base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise Missing("There is no such file.") from None
    return name


def opened(kind: Kind, run: str, name: str) -> Opened:
    """The file `name` of a run.

    Raises:
        Missing: it is gone, or it is a link, a folder, a pipe, or lies elsewhere.
    """
    parts = name.split("/")
    if not RUN.fullmatch(run) or not all(map(_plain, parts)):
        raise Missing("There is no such file.")
    try:
        descriptor = _open(settings.data_folder() / "work", [run, kind, *parts])
    except (OSError, ValueError, SamanthaError):
        raise Missing("The file is not there any more.") from None
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise Missing("This is not a plain file, so it is not opened.")
    return Opened(os.fdopen(descriptor, "rb"), state.st_size)


def _plain(part: str) -> bool:
    if part in ("", ".", "..") or "\0" in part:
        return False
    return sys.platform != "win32" or not re.search(r'[\\:*?"<>|]', part)


def _open(root: Path, parts: Sequence[str]) -> int:
    """A descriptor of the last part, each opened in the one before it."""
    if sys.platform == "win32":
        return _open_whole(root, parts)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = below
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(parts[-1], flags, dir_fd=folder)
    finally:
        os.close(folder)


def _open_whole(root: Path, parts: Sequence[str]) -> int:
    """Where folders have no descriptors: nothing on the way may be a link or a junction."""
    path = root.resolve().joinpath(*parts)
    if path.resolve() != path:
        raise OSError("a link")
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def is_table(coded: str) -> bool:
    """Whether an address is that of a table."""
    return named(coded).endswith(".table.html")


def picture(run: str, name: str) -> tuple[str, bytes]:
    """A shown picture or page: its media type, and its content.

    Raises:
        Missing: it is gone, too large, or not what its name says.
    """
    file = opened("shown", run, name)
    if file.size > LARGEST_SHOWN:
        file.close()
        raise Missing("This is too large to be shown.")
    content = b"".join(file.chunks())
    ending = Path(name).suffix.lower()
    if ending == ".html":
        return PAGE, content
    drawn = content.lstrip().startswith(b"<") and b"<svg" in content[:4096].lower()
    looks = {".png": content.startswith(_PNG), ".svg": drawn}
    if not looks.get(ending):
        raise Missing("This is not the picture that its name says.")
    return PICTURES[ending], content


def mark_gone(lines: Sequence[dict[str, Any]]) -> None:
    """Say of every file that stored lines name whether it is gone."""
    for line in lines:
        block = line.get("code") or {}
        for file in [*block.get("shown", ()), *block.get("files", ())]:
            kind, run, coded = file["url"].removeprefix(f"{ROUTE}/").split("/")
            file["gone"] = not _there(kind, run, coded)


def _there(kind: Any, run: str, coded: str) -> bool:
    try:
        opened(kind, run, named(coded)).close()
    except Missing:
        return False
    return True
