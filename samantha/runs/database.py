"""The SQLite file under the run store: opening, migrating, transactions, and errors as sentences. It knows no run."""

import contextlib
import datetime
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from samantha.errors import StoreError
from samantha.runs.migrations import APPLICATION_ID, MIGRATIONS

PATIENCE = 5.0
"""Seconds to wait for another process that is writing."""


class Database:
    """One open file, for any number of threads.

    Raises:
        StoreError: from every method, when SQLite cannot do what is asked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = False
        self._lock = threading.RLock()
        effective = os.access in os.supports_effective_ids
        if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=effective):
            raise StoreError(_SENTENCES["SQLITE_READONLY"].format(path=path))
        with self._told():
            self._connection = sqlite3.connect(path, PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        self._check_owner()
        self._enter_write_ahead_mode()
        for pragma in ("synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        while self._version() < len(MIGRATIONS):
            self._migrate()

    def _check_owner(self) -> None:
        """Refuse another program's database, and one that a newer Samantha has written."""
        owner = self._connection.execute("PRAGMA application_id").fetchone()[0]
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != APPLICATION_ID and (owner or tables or self._version()):
            raise StoreError(f"{self.path} is the database of another program: move it away or set SAMANTHA_HOME.")
        if self._version() > len(MIGRATIONS):
            raise StoreError(
                f"The run store {self.path} was written by a newer Samantha (its version is {self._version()}, this"
                f" program knows {len(MIGRATIONS)}): update Samantha, or set SAMANTHA_HOME to another folder."
            )

    def _enter_write_ahead_mode(self) -> None:
        """The switch needs the file for itself and does not wait for it, so that waiting is done here."""
        deadline = time.monotonic() + PATIENCE
        while self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        """One migration, whole or not at all; a store with runs is backed up while nobody else can write."""
        with self.transaction() as connection:
            version = self._version()
            if version >= len(MIGRATIONS):
                return  # another process was faster
            if version and connection.execute("SELECT EXISTS (SELECT 1 FROM runs)").fetchone()[0]:
                self._back_up(version)
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")

    def _back_up(self, version: int) -> None:
        """Copy the store as it was committed last; a connection of its own does not see the migration in progress."""
        target = _unused(self.path.with_name(f"{self.path.stem}-version-{version}-{datetime.date.today()}.sqlite3"))
        with (
            contextlib.closing(sqlite3.connect(self.path)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is committed together, or not at all when anything raises."""
        with self._lock, self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with self._lock, self._told():
            yield self._connection

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self.reading() as connection:
            return connection.execute(query, values).fetchall()

    def be_quick(self, quick: bool) -> None:
        """Whether to give up at once when another process is writing."""
        with self._lock:
            self._connection.execute(f"PRAGMA busy_timeout = {0 if quick else int(PATIENCE * 1000)}")

    def close(self) -> None:
        """Close the file; the last one to do so leaves a single file behind."""
        with self._lock:
            self._connection.close()
            self.closed = True

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as `StoreError`; mistakes of ours (a constraint, a wrong query) raise as they are."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if (told := sentence(error, self.path)) is None:
                raise
            raise StoreError(told) from error


def _unused(path: Path) -> Path:
    """`path`, or the next numbered one beside it that does not exist."""
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate


_ELSEWHERE = "or set SAMANTHA_HOME to another folder."

_SENTENCES = {
    "SQLITE_FULL": "The disk is full, so the run store {path} cannot grow: free some space.",
    "SQLITE_READONLY": "The run store {path} is read-only: make the file and its folder writable, " + _ELSEWHERE,
    "SQLITE_CANTOPEN": "The run store {path} cannot be opened: its folder must exist and be writable, " + _ELSEWHERE,
    "SQLITE_NOTADB": "{path} is not a run store (not an SQLite database): move it away, " + _ELSEWHERE,
    "SQLITE_CORRUPT": "The run store {path} is damaged: move it away; `sqlite3 FILE .recover` may save what is in it.",
    "SQLITE_BUSY": "Another program holds the run store {path} locked: close it there (a database browser, perhaps).",
    "SQLITE_IOERR": "The run store {path} cannot be read or written (a disk error, or a full disk): check the disk.",
    "SQLITE_PERM": "The run store {path} cannot be used: you have no permission to; " + _ELSEWHERE,
}


def sentence(error: sqlite3.Error, path: Path) -> str | None:
    """What happened in words; None for what no user can cause."""
    name = getattr(error, "sqlite_errorname", "") or ""
    found = next((text for code, text in _SENTENCES.items() if name.startswith(code)), None)
    return found.format(path=path) if found else None
