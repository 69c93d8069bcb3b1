"""Rows for programs: the format a command line asks for, and where the lines go. What rows hold: learning/export."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from samantha.errors import ChainError


def add(parser: Any, *, candidates: bool = False) -> None:
    """The options `--jsonl`, `--csv`, `--output`, and for tokens `--csv_candidates`."""
    parser.add_argument("--jsonl", action="store_true", help="Print a line of JSON for each token, all of it.")
    parser.add_argument("--csv", action="store_true", help="Print a line of CSV for each token.")
    if candidates:
        parser.add_argument(
            "--csv_candidates", action="store_true", help="Print a line of CSV for each candidate and sampler."
        )
    parser.add_argument(
        "--output", metavar="FILE", type=Path,
        help="Write these lines to FILE, which is replaced (.jsonl or .csv), and print the table all the same.",
    )  # fmt: skip


def form(arguments: Any) -> str | None:
    """`jsonl`, `csv`, `candidates.csv`, or None for a table alone. A file's name says it where no option does.

    Raises:
        ChainError: two formats at once, a name that says none, or a file that cannot be written.
    """
    asked = {"jsonl": arguments.jsonl, "csv": arguments.csv, "candidates.csv": vars(arguments).get("csv_candidates")}
    forms = [name for name, wanted in asked.items() if wanted]
    if len(forms) > 1:
        raise ChainError("One format at a time: give --jsonl or --csv alone, and run it again for the other.")
    if arguments.output is None:
        return forms[0] if forms else None
    check_place(arguments.output)
    return forms[0] if forms else _named(arguments.output)


def check_place(path: Path) -> None:
    """Refuse a file that cannot be written before anything is generated.

    Raises:
        ChainError: its folder is not there, or it is a folder itself.
    """
    if path.is_dir():
        raise ChainError(f"{path} is a folder: name a file in it.")
    if not path.absolute().parent.is_dir():
        raise ChainError(f"There is no folder {path.absolute().parent} to write {path.name} into: make it first.")


class Lines:
    """Where lines are written: to a file, which is made with the first of them, or to a stream."""

    def __init__(self, path: Path | None, out: TextIO) -> None:
        self._path = path
        self._out = out
        self._file: TextIO | None = None

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def write(self, text: str) -> None:
        """Write whole lines; a reader sees them at once.

        Raises:
            ChainError: the file cannot be written.
        """
        try:
            out = self._opened()
            out.write(text)
            out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            if self._path is None:
                raise
            raise ChainError(f"{self._path} cannot be written ({error.strerror or error}).") from None

    def all(self, lines: Iterable[str]) -> None:
        """Write every line."""
        for line in lines:
            self.write(line)

    def _opened(self) -> TextIO:
        if self._path is None:
            return self._out
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", newline="")
        return self._file


def table_too(arguments: Any, asked: str | None) -> bool:
    """Whether the table for people is printed: alone, or beside a file."""
    return asked is None or arguments.output is not None


def _named(path: Path) -> str:
    suffixes = ((".jsonl", "jsonl"), (".json", "jsonl"), (".csv", "csv"))
    for suffix, named in suffixes:
        if path.suffix.lower() == suffix:
            return named
    raise ChainError(f"{path.name} does not say what to write: name it .csv or .jsonl, or give --csv or --jsonl.")
