"""The run store: every event of every run in one SQLite file, and what can be asked of it.

`record` is the way in: it passes a run's events on and has stored each before its reader sees it. Any SQLite tool opens
the file. What is not here: the tables (migrations.py), opening and mending the file (database.py), replay, comparison
and export.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from samantha import settings
from samantha.code import workplace
from samantha.errors import StoreError
from samantha.events import Event, Notice, RunFinished, StepFailed, StepFinished, decode
from samantha.runs.database import Database
from samantha.runs.rows import rebuilt_text, settle, write
from samantha.runs.writer import alive, this_process

LARGEST_BATCH = 512
"""Events that are stored in one transaction at most: about 3 ms of work, which nobody sees as a delay."""

PAGE = 1000
"""Events that are read at a time."""


class RunEvents(Protocol):
    """What `record` reads: `chain.engine.Run`, or anything like it."""

    id: str

    @property
    def buffered(self) -> int:
        """How many events can be read without waiting."""

    def __iter__(self) -> Iterator[Event]:
        """The events."""


class RunSummary(msgspec.Struct, frozen=True):
    """One run in a list. `status` is the reason why it ended, or `running` or `interrupted`; `seconds` is how long."""

    id: str
    started: str
    title: str
    status: str
    seed: int
    models: tuple[str, ...]
    steps: int
    tokens: int
    seconds: float


class StepSummary(msgspec.Struct, frozen=True):
    """One step of a stored run. `reason` is that of `StepFinished`, or `failed`, `running` or `interrupted`.

    `text` is all there is of the answer; `message` says what went wrong where the step failed. Times are seconds.
    """

    number: int
    model: str
    prompt: str
    rendered: str
    text: str
    reason: str
    message: str
    seed: int | None
    changed: dict[str, Any]
    loop: int
    response: int
    prompt_number: int
    group: tuple[int, ...]
    started: float
    prompt_tokens: int
    reused: int
    tokens: int
    prompt_seconds: float
    seconds: float


class RunStore:
    """The store at `path` (default: `runs.sqlite3` in the user's data folder). Threads may share one.

    Raises:
        StoreError: it cannot be opened; the message says why and what to do.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or settings.data_folder() / "runs.sqlite3"
        self._database = Database(self.path)
        unsettled = self._database.rows("SELECT number, writer FROM runs WHERE writer IS NOT NULL")
        if dead := [row["number"] for row in unsettled if not alive(row["writer"])]:
            with self._database.transaction() as connection:
                settle(connection, dead)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record(self, run: RunEvents) -> Iterator[Event]:
        """The events of `run`, each stored before it is passed on. They are read in batches that never wait for more.

        When the store cannot be written, a notice says so once and the run goes on; the events are kept and written
        as soon as that works again (tried at the end of every step). A run that is not read to its end is shown as
        interrupted.
        """
        recording = _Recording(self._database)
        try:
            for batch in _batches(run):
                yield from recording.store(batch)
        finally:
            recording.close()

    def extend(self, branching: RunEvents) -> Iterator[Event]:
        """The events of branches, each appended to the record of their run before it is passed on.

        Raises:
            StoreError: the run is not stored, or is being written now.
        """
        number = self._row(branching.id, "SELECT number FROM runs WHERE id = ?")["number"]
        recording = _Recording(self._database, number, self._take_over(branching.id, number))
        try:
            for batch in _batches(branching):
                yield from recording.store(batch)
        finally:
            recording.close()
            self._let_go(number)

    def _take_over(self, run_id: str, number: int) -> int:
        """Become the writer of a run that nobody writes; how many events it has."""
        with self._database.transaction() as connection:
            free = "UPDATE runs SET writer = ? WHERE number = ? AND writer IS NULL"
            if not connection.execute(free, (this_process(), number)).rowcount:
                raise StoreError(f"Run {run_id} is being written now: wait for its end, or stop it.")
            (last,) = connection.execute("SELECT max(sequence) FROM events WHERE run = ?", (number,)).fetchone()
        return int(last) + 1

    def _let_go(self, number: int) -> None:
        if not self._database.closed:
            with self._database.transaction() as connection:
                connection.execute("UPDATE runs SET writer = NULL WHERE number = ?", (number,))

    def runs(self, search: str | None = None, limit: int = 20, offset: int = 0) -> list[RunSummary]:
        """The newest runs first; with `search`, those in whose prompts or answers all its words occur."""
        condition, values = _condition(search)
        query = f"{_RUNS} {condition} ORDER BY runs.number DESC LIMIT ? OFFSET ?"
        return [_run_summary(row) for row in self._database.rows(query, (*values, limit, offset))]

    def run(self, run_id: str) -> RunSummary:
        """One run.

        Raises:
            StoreError: there is no such run.
        """
        return _run_summary(self._row(run_id, f"{_RUNS} WHERE runs.id = ?"))

    def chain(self, run_id: str) -> dict[str, Any]:
        """The chain of a run as `RunStarted` holds it."""
        row = self._row(run_id, "SELECT chain FROM runs WHERE id = ?")
        chain: dict[str, Any] = msgspec.json.decode(row["chain"])
        return chain

    def steps(self, run_id: str) -> list[StepSummary]:
        """The steps of a run by number; the text of an unfinished one is put together from its tokens."""
        run = self._row(run_id, "SELECT number, reason, writer FROM runs WHERE id = ?")
        unfinished = _status(run["reason"], run["writer"]) if run["reason"] is None else "interrupted"
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM steps WHERE run = ? ORDER BY number", (run["number"],)).fetchall()
            texts = {
                row["number"]: rebuilt_text(connection, run["number"], row["number"])
                for row in rows
                if row["text"] is None
            }
        return [_step_summary(row, texts.get(row["number"]), unfinished) for row in rows]

    def events(self, run_id: str) -> Iterator[Event]:
        """The events of a run in their order."""
        number = self._row(run_id, "SELECT number FROM runs WHERE id = ?")["number"]
        query = "SELECT sequence, body FROM events WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?"
        last = -1
        while rows := self._database.rows(query, (number, last, PAGE)):
            yield from (decode(row["body"]) for row in rows)
            last = rows[-1]["sequence"]

    def find(self, prefix: str) -> str:
        """The id that begins with `prefix`; `last` is the newest run.

        Raises:
            StoreError: none or several begin so.
        """
        wanted = "" if prefix == "last" else prefix
        query = "SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id = ?1 DESC, number DESC LIMIT 4"
        ids = [row["id"] for row in self._database.rows(query, (wanted,))]
        if not ids and not wanted:
            raise StoreError("No run is stored yet: `samantha run` makes one.")
        if not ids:
            raise StoreError(f"No stored run has an id that begins with {prefix}: `samantha runs` lists them.")
        if len(ids) > 1 and wanted and ids[0] != wanted:
            raise StoreError(f"Several runs begin with {prefix} ({', '.join(ids[:3])} …): give more of the id.")
        return str(ids[0])

    def delete(self, run_id: str) -> None:
        """Delete a run and all that belongs to it, the files of its code too.

        Raises:
            StoreError: there is no such run, or it is running now.
            CodeError: a file of its code cannot be deleted; the run stays.
        """
        run = self._row(run_id, "SELECT number, reason, writer FROM runs WHERE id = ?")
        if _status(run["reason"], run["writer"]) == "running":
            raise StoreError(f"Run {run_id} is still being written: stop it before you delete it.")
        workplace.discard(run_id)
        with self._database.transaction() as connection:
            for table, key in (("events", "run"), ("branches", "run"), ("steps", "run"), ("runs", "number")):
                connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (run["number"],))

    def _row(self, run_id: str, query: str) -> sqlite3.Row:
        rows = self._database.rows(query, (run_id,))
        if not rows:
            raise StoreError(f"There is no stored run {run_id}: `samantha runs` lists those there are.")
        return rows[0]


class _Recording:
    """One run being written. Events that could not be written wait in `_waiting`, in their order."""

    def __init__(self, database: Database, number: int | None = None, written: int = 0) -> None:
        """`number` and `written` are given where a stored run gets more events."""
        self._database = database
        self._number = number
        self._written = written
        self._waiting: list[Event] = []
        self._failing = False
        self._last: Event | None = None
        """The last event that was written."""

    def store(self, batch: list[Event]) -> list[Event]:
        """Write the batch; returns it, with a notice where writing began to fail or works again."""
        if not self._failing:
            return self._try(batch)
        if isinstance(batch[-1], RunFinished):
            return [*self._try(batch[:-1]), *self._try(batch[-1:])]  # a notice comes before the last event
        if any(isinstance(event, StepFinished | StepFailed) for event in batch):
            return self._try(batch)
        self._waiting += batch
        return batch

    def _try(self, batch: list[Event]) -> list[Event]:
        self._waiting += batch
        try:
            self._write()
        except StoreError as error:
            return batch if self._failing else self._failed(batch, error)
        return self._works_again(batch) if self._failing else batch

    def _write(self) -> None:
        with self._database.transaction() as connection:
            number = write(connection, self._number, self._written, self._waiting, this_process())
        self._number = number
        self._written += len(self._waiting)
        self._last = self._waiting[-1]
        self._waiting = []

    def _failed(self, batch: list[Event], error: StoreError) -> list[Event]:
        self._failing = True
        self._database.be_quick(True)
        notice = Notice(
            run=batch[-1].run,
            time=batch[-1].time,
            message=f"This run is not being stored: {error} The run goes on; what is missing is stored when that works"
            " again before the run ends.",
        )
        last = [self._waiting.pop()] if isinstance(batch[-1], RunFinished) else []
        self._waiting += [notice, *last]
        return [*batch[: len(batch) - len(last)], notice, *last]

    def _works_again(self, batch: list[Event]) -> list[Event]:
        self._failing = False
        self._database.be_quick(False)
        if self._last is None or isinstance(self._last, RunFinished):
            return batch
        message = "The store can be written again: nothing is missing."
        return [*batch, *self._try([Notice(run=self._last.run, time=self._last.time, message=message)])]

    def close(self) -> None:
        """Release the run. One that has not ended gets no reason; the texts of its unfinished steps are filled in."""
        if self._database.closed or self._number is None or isinstance(self._last, RunFinished):
            return
        if self._failing:
            self._database.be_quick(False)
            return  # the user was told, and the next opening of the store settles the run
        with self._database.transaction() as connection:
            settle(connection, [self._number])


def _batches(run: RunEvents) -> Iterator[list[Event]]:
    """The events in lists as long as they have arrived; what came before an exception is passed on before it."""
    batch: list[Event] = []
    try:
        for event in run:
            batch.append(event)
            if not run.buffered or len(batch) >= LARGEST_BATCH:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


_RUNS = """
SELECT runs.id, runs.started, runs.title, runs.reason, runs.seed, runs.models, runs.writer,
    (SELECT count(*) FROM steps WHERE steps.run = runs.number) AS steps,
    (SELECT coalesce(sum(steps.tokens), 0) FROM steps WHERE steps.run = runs.number) AS tokens,
    (SELECT events.time FROM events WHERE events.run = runs.number ORDER BY sequence DESC LIMIT 1) AS seconds
FROM runs"""


def _condition(search: str | None) -> tuple[str, tuple[str, ...]]:
    """The WHERE clause of a search, and its values. Each word is looked for as the beginning of a word.

    Text without spaces between words (Chinese, Japanese, Thai …) is one word to the index, so it is looked for inside.
    """
    words = (search or "").split()
    if not words:
        return "", ()
    if any(character > "\u0dff" for character in "".join(words)):
        pattern = "%" + "%".join(words) + "%"
        return "WHERE number IN (SELECT run FROM steps WHERE prompt LIKE ?1 OR text LIKE ?1)", (pattern,)
    quoted = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
    matching = "SELECT rowid FROM steps_search WHERE steps_search MATCH ?"
    return f"WHERE number IN (SELECT run FROM steps WHERE id IN ({matching}))", (quoted,)


def _status(reason: str | None, writer: str | None) -> str:
    if reason is not None:
        return reason
    return "running" if writer is not None and alive(writer) else "interrupted"


def _run_summary(row: sqlite3.Row) -> RunSummary:
    return RunSummary(
        id=row["id"], started=row["started"], title=row["title"], status=_status(row["reason"], row["writer"]),
        seed=row["seed"], models=tuple(msgspec.json.decode(row["models"])), steps=row["steps"], tokens=row["tokens"],
        seconds=row["seconds"] or 0.0,
    )  # fmt: skip


def _step_summary(row: sqlite3.Row, rebuilt: tuple[str, int] | None, unfinished: str) -> StepSummary:
    text, tokens = rebuilt or (row["text"], row["tokens"] or 0)
    return StepSummary(
        number=row["number"], model=row["model"], prompt=row["prompt"], rendered=row["rendered"], text=text,
        reason=row["reason"] or unfinished, message=row["message"] or "", seed=row["seed"],
        changed=msgspec.json.decode(row["changed"]), loop=row["loop"], response=row["response"],
        prompt_number=row["prompt_number"], group=tuple(msgspec.json.decode(row["members"])), started=row["started"],
        prompt_tokens=row["prompt_tokens"] or 0, reused=row["reused"] or 0, tokens=tokens,
        prompt_seconds=row["prompt_seconds"] or 0.0, seconds=row["seconds"] or 0.0,
    )  # fmt: skip
