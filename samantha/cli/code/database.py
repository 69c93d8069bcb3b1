"""`samantha code database`: a SQLite file as tables."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from samantha.cli.code_report import on_one_line
from samantha.cli.parsing import whole_number
from samantha.cli.tables import table
from samantha.code import databases

DESCRIPTION = """\
Look into a SQLite file: in DB Browser for SQLite where that is installed, else, or with any of the options, as text. As
text nothing is ever written, and a damaged or hostile file is one sentence."""
USAGE = "samantha code database FILE [OPTIONS]"

WIDEST = 60
"""Characters of a cell as text."""


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("file", metavar="FILE", help="The database file.")
    parser.add_argument("--text", action="store_true", help="List its tables here, also where DB Browser is installed.")
    parser.add_argument("--table", metavar="NAME", help="Show rows of this table or view.")
    parser.add_argument("--from", dest="offset", type=whole_number, default=0, metavar="N", help="Rows to pass over.")
    parser.add_argument(
        "--rows", type=whole_number, default=50, metavar="N", help="Rows to show (default 50, to 1000)."
    )
    parser.add_argument("--json", action="store_true", help="Print each table, or each row, as a line of JSON.")


def execute(arguments: Any) -> int:
    """Open or print it."""
    file = Path(arguments.file).expanduser()
    program = databases.browser()
    if program is not None and not (arguments.text or arguments.table or arguments.json):
        databases.open_in_browser(file, program)
        print(f"Opened in {program.name}.", file=sys.stderr)
    elif arguments.table is not None:
        _rows(databases.rows(file, arguments.table, arguments.offset, arguments.rows), arguments.json)
    else:
        _tables(databases.contents(file), arguments.json)
    return 0


def _tables(found: databases.Contents, json: bool) -> None:
    if json:
        for each in found.tables:
            print(msgspec.json.encode(each).decode())
    elif found.tables:
        print(table([("TABLE", "KIND", "ROWS", "COLUMNS"), *map(_row, found.tables)]))
    for note in (found.note, "There are more tables than these." if found.more else ""):
        if note:
            print(note, file=sys.stderr)
    if not found.tables:
        print("There is no table in it.", file=sys.stderr)


def _row(found: databases.Table) -> tuple[str, ...]:
    columns = ", ".join(f"{column.name} {column.type}".strip() for column in found.columns)
    count = "?" if found.rows is None else str(found.rows)
    return on_one_line(found.name), found.kind, count, on_one_line(found.problem or columns)


def _rows(found: databases.Rows, json: bool) -> None:
    names = [column.name for column in found.columns]
    if json:
        for row in found.rows:
            print(msgspec.json.encode(dict(zip(names, row, strict=True))).decode())
    else:
        print(table([tuple(map(_cell, names)), *(tuple(map(_cell, row)) for row in found.rows)]))
    if found.more:
        print(f"More: --from {found.offset + len(found.rows)}", file=sys.stderr)


def _cell(value: databases.Cell) -> str:
    text = "NULL" if value is None else on_one_line(str(value))
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
