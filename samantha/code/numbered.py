"""Numbered Python files in a folder of the user's: `01-load.py`, `02-clean.py` …, saved and run in order.

Each file runs fresh, in the sandbox, in the work folder of one run, so that what one file writes the next can read. The
user's folder itself is only read, and only by this program.
"""

import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from samantha.code.code import CodeError, CodeOutcome, Finished

MOST_BYTES = 16 * 2**20
MOST_NAME = 60
"""Characters of a name that is made of what the user typed."""

_NUMBERED = re.compile(r"(\d{1,9})(?:[-_. ].*)?\.py", re.IGNORECASE)


class Executor(Protocol):
    """What runs code as it is: `samantha.code.runner.SandboxRunner`."""

    def execute(self, code: str, run: str, step: int, html: str = "") -> Iterator[CodeOutcome]:
        """What happens, as it happens; the last outcome is `Finished`."""


class Happened(msgspec.Struct, frozen=True):
    """What running the `number`-th of `total` files brought. `outcome` is None when the file begins."""

    file: Path
    number: int
    total: int
    outcome: CodeOutcome | None = None


def save(code: str, folder: Path, name: str = "code") -> Path:
    """Write `code` as the next numbered file of `folder`, which is made when missing; nothing is ever replaced.

    Args:
        name: what the file is called after its number; signs that file names cannot have become dashes.

    Raises:
        CodeError: there is no code, or the folder cannot be written.
    """
    if not code.strip():
        raise CodeError("There is no code to save: choose a response that has some, or type some.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = max((_number(file) for file in _numbered(folder)), default=0) + 1
        while True:
            path = folder / f"{number:02}-{_plain(name)}.py"
            try:
                with path.open("x", encoding="utf-8", newline="\n") as stream:
                    stream.write(code if code.endswith("\n") else code + "\n")
            except FileExistsError:
                number += 1
            else:
                return path
    except UnicodeEncodeError as error:
        raise CodeError(f"The code cannot be saved: it holds half of a character ({error.reason}).") from error
    except OSError as error:
        raise CodeError(f"{folder} cannot be written ({error.strerror}): choose a folder of your own.") from error


def files(folder: Path) -> tuple[Path, ...]:
    """The numbered Python files of a folder in the order of their numbers.

    Raises:
        CodeError: the folder is missing, no folder or unreadable, or has no numbered file.
    """
    if folder.exists() and not folder.is_dir():
        raise CodeError(f"{folder} is a file: give the folder that holds the numbered files.")
    if not folder.exists():
        raise CodeError(f"There is no folder {folder}: check its name.")
    try:
        found = _numbered(folder)
    except OSError as error:
        raise CodeError(f"{folder} cannot be read ({error.strerror}): check its permissions.") from error
    if not found:
        raise CodeError(f"{folder} has no numbered files, such as 01-load.py: save code there first.")
    return tuple(sorted(found, key=lambda file: (_number(file), file.name)))


def source(file: Path) -> str:
    """The text of a Python file, in the encoding that it declares.

    Raises:
        CodeError: it is missing, no ordinary file, too large, or not Python text.
    """
    try:
        if file.is_dir():
            raise CodeError(f"{file} is a folder: give the path of a Python file in it.")
        if not file.exists():
            raise CodeError(f"There is no file {file}: check its name and folder.")
        if not file.is_file():
            raise CodeError(f"{file} is not an ordinary file, so it cannot be read.")
        if file.stat().st_size > MOST_BYTES:
            raise CodeError(f"{file} is larger than {MOST_BYTES >> 20} MiB: no Python file is.")
        data = file.read_bytes()
    except OSError as error:
        raise CodeError(f"{file} cannot be read ({error.strerror}): check its permissions.") from error
    return decoded(data, str(file))


def decoded(data: bytes, name: str) -> str:
    """Python text from bytes, in the encoding that it declares; `name` is for the message.

    Raises:
        CodeError: it is no text in that encoding.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise CodeError(f"{name} is not a Python file ({error}): save it as UTF-8.") from None
    if "\0" in text:
        raise CodeError(f"{name} is not a Python file: it holds null bytes.")
    return text


def run_in_order(runner: Executor, folder: Path, run: str, *, go_on: bool = False) -> Iterator[Happened]:
    """Run the numbered files one after the other, each fresh; one that does not end well is the last.

    Args:
        run: the run whose work folder all of them share; file `n` is its step `n`.
        go_on: run the others too after one that failed. One that was stopped is the last in any case.

    Raises:
        CodeError: there is nothing to run, a file cannot be read, or the code could not be started.
    """
    found = files(folder)
    sources = [source(file) for file in found]
    for number, (file, code) in enumerate(zip(found, sources, strict=True), 1):
        yield Happened(file, number, len(found))
        reason = "ok"
        for outcome in runner.execute(code, run, number):
            yield Happened(file, number, len(found), outcome)
            reason = outcome.reason if isinstance(outcome, Finished) else reason
        if reason == "stopped" or (reason != "ok" and not go_on):
            return


def _numbered(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if _NUMBERED.fullmatch(file.name) and file.is_file()]


def _number(file: Path) -> int:
    found = _NUMBERED.fullmatch(file.name)
    assert found
    return int(found[1])


def _plain(name: str) -> str:
    """`name` as a part of a file name that every system takes."""
    text = unicodedata.normalize("NFC", name.strip().removesuffix(".py"))
    words = re.sub(r"[^\w.-]+", "-", text).strip("-.")
    return words[:MOST_NAME].strip("-.") or "code"
