"""`print` shows the tables of pandas as tables too. What is printed stays as it is: everything here only adds."""

import builtins
import contextlib
import io
import sys
from typing import Any

from . import shown

ROWS, COLUMNS, TABLES = 500, 60, 30
"""What is shown of a table, and how many tables of a job."""

CELLS = 6_000
"""What is shown of a table at most: a wide one is cut earlier, because writing 30,000 cells takes half a second."""

_print = builtins.print
_tables = 0


def install() -> None:
    """Let `print` show tables from now on."""
    global _tables
    _tables = 0
    builtins.print = _Printing()


class _Printing:
    """In place of `print`. No function, because that would become a method in a class that keeps `print`."""

    def __call__(self, *values: Any, **named: Any) -> None:
        _print(*values, **named)
        for value in values:
            if is_table(value) and _on_screen(named.get("file")):
                show(value)

    def __repr__(self) -> str:
        return repr(_print)

    def __reduce__(self) -> str:
        return "print"

    def __getattr__(self, name: str) -> Any:
        return getattr(_print, name)


for _name in ("__doc__", "__module__"):
    setattr(_Printing, _name, getattr(_print, _name))


def _on_screen(file: Any) -> bool:
    """Whether this is the job's own output, and no text that is kept or a file."""
    stream = sys.stdout if file is None else file
    try:
        return bool(stream.fileno() == 1)
    except (OSError, ValueError):
        return False
    except AttributeError:  # a stream of the code's own, which mostly passes everything on
        return not isinstance(stream, io.StringIO)


def is_table(value: Any) -> bool:
    """Whether this is a DataFrame, Series or Styler of pandas."""
    kind = type(value)
    return kind.__name__ in ("DataFrame", "Series", "Styler") and kind.__module__.partition(".")[0] == "pandas"


def show(value: Any) -> None:
    """Show a table. One that cannot be written as HTML was printed all the same."""
    global _tables
    if _tables < TABLES:
        _tables += 1
        with contextlib.suppress(Exception):
            shown.write("table.html", *_page(value))


def _page(value: Any) -> tuple[str, str]:
    """A table as HTML, and a note on its size."""
    styled = type(value).__name__ == "Styler"
    frame = value.data if styled else value
    frame = frame.to_frame() if frame.ndim == 1 else frame
    rows, columns = frame.shape
    wide = min(columns, COLUMNS)
    high = min(rows, ROWS, CELLS // max(wide, 1))
    note = f"{rows} × {columns}"
    if (high, wide) != (rows, columns):
        return frame.iloc[:high, :wide].to_html(border=0), f"{note} (the first {high} × {wide})"
    return value.to_html() if styled else frame.to_html(border=0), note
