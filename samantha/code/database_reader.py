"""Reads a SQLite file of a stranger, in a process of its own: `python -m samantha.code.database_reader`.

One frame with the question comes in, one with the answer goes out. Nothing is ever written: the file is opened
`mode=ro&immutable=1`, its schema is not trusted, every answer is capped, and time and memory are limited. Standard
library only; `databases.py` is the other end and knows what to tell the user.
"""

import contextlib
import json
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from samantha.processes import read_frame, write_frame

SECONDS = 10.0
"""How long a question may take; counting rows of all tables together gets a fifth of it."""

MEMORY = 1 << 30
MOST_TABLES = 500
MOST_COLUMNS = 200
MOST_ROWS = 1000
MOST_CHARACTERS = 1000
BLOB_BYTES = 16
STEPS = 10_000
"""Instructions of SQLite's machine between two looks at the clock."""

Answer = dict[str, Any]


def main() -> None:
    """Answer the one question."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory()
    question = json.loads(read_frame(sys.stdin.buffer) or b"{}")
    try:
        answer = reply(question)
    except sqlite3.Error as error:
        answer = {"problem": _problem(error)}
    except MemoryError:
        answer = {"problem": "it holds more at once than the memory set aside for it"}
    write_frame(answers, json.dumps(answer).encode("utf-8", "surrogatepass"))


def reply(question: Answer) -> Answer:
    """The tables of a file, or rows of one of them.

    Raises:
        sqlite3.Error: the file is damaged, no database, or the question takes too long.
    """
    with contextlib.closing(_opened(Path(question["file"]))) as database:
        if question.get("table") is None:
            return _tables(database)
        return _rows(database, question["table"], question["offset"], min(question["count"], MOST_ROWS))


def _opened(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
        database.execute(f"PRAGMA {pragma}")
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    _hurry(database, SECONDS)
    return database


def _hurry(database: sqlite3.Connection, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    database.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)


def _tables(database: sqlite3.Connection) -> Answer:
    found = database.execute(
        "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
        " ORDER BY type, name LIMIT ?", (MOST_TABLES + 1,)
    ).fetchall()  # fmt: skip
    deadline = time.monotonic() + SECONDS / 5
    tables = [_table(database, str(name), kind, deadline) for name, kind in found[:MOST_TABLES]]
    return {"tables": tables, "more": len(found) > MOST_TABLES}


def _table(database: sqlite3.Connection, name: str, kind: str, deadline: float) -> Answer:
    """What is known of a table; a broken one is told and hides no other."""
    table: Answer = {"name": name, "kind": kind, "columns": [], "rows": None, "problem": ""}
    try:
        table["columns"] = _columns(database, name)
        _hurry(database, max(0.0, deadline - time.monotonic()))
        table["rows"] = database.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0]
    except sqlite3.Error as error:
        table["problem"] = "" if "interrupted" in str(error) else _problem(error)
    finally:
        _hurry(database, SECONDS)
    return table


def _columns(database: sqlite3.Connection, name: str) -> list[Answer]:
    found = database.execute("SELECT name, type FROM pragma_table_info(?)", (name,)).fetchmany(MOST_COLUMNS)
    return [{"name": str(column), "type": str(declared)} for column, declared in found]


def _rows(database: sqlite3.Connection, name: str, offset: int, count: int) -> Answer:
    columns = _columns(database, name)
    if not columns:
        return {"problem": "", "missing": True}
    chosen = ", ".join(_cut(_quoted(column["name"])) for column in columns)
    found = database.execute(f"SELECT {chosen} FROM {_quoted(name)} LIMIT ? OFFSET ?", (count + 1, offset)).fetchall()
    rows = [[_shown(*row[at : at + 3]) for at in range(0, len(row), 3)] for row in found[:count]]
    return {"columns": columns, "rows": rows, "more": len(found) > count}


def _cut(column: str) -> str:
    """A column as its beginning, its type and its length: a cell may hold a gigabyte."""
    return (
        f"CASE typeof({column}) WHEN 'text' THEN substr({column}, 1, {MOST_CHARACTERS})"
        f" WHEN 'blob' THEN substr({column}, 1, {BLOB_BYTES}) ELSE {column} END, typeof({column}), length({column})"
    )


def _shown(value: Any, kind: str, length: int | None) -> Any:
    """A cell as JSON can hold it: a blob as its first bytes and its size, a long text cut with its length."""
    if kind == "blob":
        rest = "…" if (length or 0) > BLOB_BYTES else ""
        return f"x'{(value or b'').hex()}{rest}' ({length} bytes)"
    if kind == "text" and length is not None and length > MOST_CHARACTERS:
        return f"{value}… ({length} characters)"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _problem(error: sqlite3.Error) -> str:
    return f"reading it takes longer than {SECONDS:.0f} s" if "interrupted" in str(error) else str(error)


def _limit_memory() -> None:
    """Where the system can do it; elsewhere the other end's clock is what ends a reader that swells."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
