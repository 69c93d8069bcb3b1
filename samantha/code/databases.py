"""A database file in a viewer: DB Browser for SQLite where it is installed, else tables and rows as data, read-only.

The file may come from a stranger or from generated code, so it is read by `database_reader.py` in a process without
network that sees this file alone. Nothing is written, and no SQL is taken. Drawing the tables is left to page and
command line.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from samantha import settings
from samantha.code.code import CodeError
from samantha.processes import Child
from samantha.sandbox import confine_worker

HEADER = b"SQLite format 3\0"
PATIENCE = 20.0
"""Seconds after which the reader is killed; it gives up by itself long before."""

Cell = str | int | float | None


class Column(msgspec.Struct, frozen=True):
    """A column and its declared type, which may be empty."""

    name: str
    type: str = ""


class Table(msgspec.Struct, frozen=True):
    """A table or view. `rows` is None where counting takes too long; `problem` says why it cannot be read."""

    name: str
    kind: str
    columns: tuple[Column, ...] = ()
    rows: int | None = None
    problem: str = ""


class Contents(msgspec.Struct, frozen=True):
    """The tables of a file; `more` when there are others, `note` is a sentence about what is not seen, or empty."""

    tables: tuple[Table, ...]
    more: bool = False
    note: str = ""


class Rows(msgspec.Struct, frozen=True):
    """Rows of a table from the `offset`-th on (the first is 0). Blobs and long texts are cut and say so."""

    table: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    offset: int = 0
    more: bool = False


class _Answer(msgspec.Struct):
    problem: str = ""
    missing: bool = False
    tables: tuple[Table, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    more: bool = False


def contents(file: Path) -> Contents:
    """The tables and views of a SQLite file, with their columns and numbers of rows.

    Raises:
        CodeError: the file is missing, a folder, no SQLite database, or too damaged to list anything.
    """
    answer = _asked(file, {"table": None})
    return Contents(answer.tables, answer.more, _note(file))


def rows(file: Path, table: str, offset: int = 0, count: int = 100) -> Rows:
    """`count` rows (at most 1000) of a table or view, from the `offset`-th on.

    Raises:
        CodeError: as `contents`, or there is no such table, or it cannot be read.
    """
    if offset < 0 or count < 1:
        raise CodeError(f"Rows are counted from 0 and at least 1 is shown, not {count} from {offset} on.")
    answer = _asked(file, {"table": table, "offset": min(offset, 2**62), "count": count})
    if answer.missing:
        raise CodeError(f"{file} has no table {table!r}: `samantha code database` lists those it has.")
    return Rows(table, answer.columns, answer.rows, offset, answer.more)


def browser() -> Path | None:
    """DB Browser for SQLite, where it is installed and there is a screen to show it on."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    for name in ("sqlitebrowser", "DB Browser for SQLite"):
        if found := shutil.which(name):
            return Path(found)
    places = (
        Path("/Applications/DB Browser for SQLite.app/Contents/MacOS/DB Browser for SQLite"),
        Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "DB Browser for SQLite/DB Browser for SQLite.exe",
    )
    return next((place for place in places if place.is_file()), None)


def open_in_browser(file: Path, program: Path) -> None:
    """Open the file in DB Browser: the user's own program, with full access, which goes on when Samantha ends.

    It is no code process: closing those must not take away what the user is editing.

    Raises:
        CodeError: the file is no database, or the program cannot be started.
    """
    _check(file)
    try:
        subprocess.Popen(
            [program, str(file.resolve())], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=sys.platform != "win32",
        )  # fmt: skip
    except OSError as error:
        raise CodeError(f"{program} cannot be started ({error.strerror}): look at the tables here instead.") from error


def _asked(file: Path, question: dict[str, Any]) -> _Answer:
    """The reader's answer; its death and its silence are sentences too."""
    _check(file)
    with _readable(file.resolve()) as place:
        confined = confine_worker(["-m", "samantha.code.database_reader"], [place])
        child = Child(confined.command, confined.environment)
        try:
            child.send(msgspec.json.encode({"file": str(place), **question}))
            frame = child.receive(PATIENCE)
        except TimeoutError:
            raise CodeError(f"{file} cannot be read: it kept the reader busy for {PATIENCE:.0f} s.") from None
        finally:
            child.kill()
    if frame is None:
        raise CodeError(f"{file} cannot be read: the reader ended ({child.cause_of_death()}); the file may be damaged.")
    answer = msgspec.json.decode(frame, type=_Answer)
    if answer.problem:
        raise CodeError(f"{file} cannot be read ({answer.problem}): it may be damaged.")
    return answer


def _check(file: Path) -> None:
    try:
        if file.is_dir():
            raise CodeError(f"{file} is a folder: give the path of a database file in it.")
        if not file.exists():
            raise CodeError(f"There is no file {file}: check its name and folder.")
        if not file.is_file():
            raise CodeError(f"{file} is not an ordinary file, so it cannot be read as a database.")
        with file.open("rb") as stream:
            head = stream.read(len(HEADER))
    except OSError as error:
        raise CodeError(f"{file} cannot be read ({error.strerror}): check its permissions.") from error
    if not head:
        raise CodeError(f"{file} is empty: there is no table in it yet.")
    if head != HEADER:
        raise CodeError(f"{file} is not a SQLite database, or it is encrypted: only SQLite files can be shown.")


@contextmanager
def _readable(file: Path) -> Iterator[Path]:
    """The file, or a copy where the reader, who is root without its powers, may not read what others own."""
    if sys.platform == "win32" or os.geteuid() != 0 or file.stat().st_uid == 0 or file.stat().st_mode & 0o004:
        yield file
        return
    with tempfile.TemporaryDirectory(dir=settings.data_folder()) as folder:
        copy = Path(folder) / "copy.sqlite"
        shutil.copyfile(file, copy)
        yield copy


def _note(file: Path) -> str:
    """Immutable reading does not look at the write-ahead log."""
    log = file.with_name(file.name + "-wal")
    try:
        waiting = log.is_file() and log.stat().st_size > 0
    except OSError:
        return ""
    return f"Changes that are still in {log.name} are not seen: close the program that writes them." if waiting else ""
