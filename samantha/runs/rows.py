"""Events as rows of the run store, and texts back from rows. All inside the caller's transaction."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from samantha.events import (
    BranchStarted,
    Event,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    TokenGenerated,
    decode,
    encode,
)

TITLE_LENGTH = 80


def write(
    connection: sqlite3.Connection, number: int | None, sequence: int, events: Sequence[Event], writer: str
) -> int:
    """Write `events`, the first as `sequence`, to run `number` (None: the first event makes the run).

    Returns:
        The number of the run in the store.
    """
    if number is None:
        number = _new_run(connection, events[0], writer)
    rows = [
        (number, position, type(event).__struct_config__.tag, event.step, event.time, encode(event).decode())
        for position, event in enumerate(events, sequence)
    ]
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)
    for event in events:
        if not isinstance(event, TokenGenerated):
            _derive(connection, number, event)
    return number


def _new_run(connection: sqlite3.Connection, event: Event, writer: str) -> int:
    if not isinstance(event, RunStarted):
        raise ValueError(f"a run begins with RunStarted, not with {event}")
    cursor = connection.execute(
        "INSERT INTO runs (id, started, title, seed, models, chain, versions, writer) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.run, event.started, _chain_title(event.chain), event.seed,
            _json(event.chain.get("models", ("tiny",))), _json(event.chain), _json(event.versions), writer,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _derive(connection: sqlite3.Connection, number: int, event: Event) -> None:
    """Bring the derived tables up to `event`."""
    if isinstance(event, StepStarted):
        _step_started(connection, number, event)
    elif isinstance(event, BranchStarted):
        _branch_started(connection, number, event)
    elif isinstance(event, StepFinished | StepFailed) and event.branch:
        _end_branch(connection, number, event)
    elif isinstance(event, StepFinished):
        _end_step(
            connection, number, event.step, text=event.text, reason=event.reason, prompt_tokens=event.prompt_tokens,
            reused=event.reused, tokens=event.tokens, prompt_seconds=event.prompt_seconds, seconds=event.seconds,
        )  # fmt: skip
    elif isinstance(event, StepFailed):
        _step_failed(connection, number, event)
    elif isinstance(event, RunFinished):
        connection.execute("UPDATE runs SET reason = ?, writer = NULL WHERE number = ?", (event.reason, number))


def _step_started(connection: sqlite3.Connection, number: int, event: StepStarted) -> None:
    connection.execute(
        "INSERT INTO steps (run, number, loop, response, prompt_number, model, prompt, rendered, seed, changed,"
        " members, started, prompt_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, event.step, event.loop, event.response, event.prompt_number, event.model, event.prompt,
            event.rendered, event.seed, _json(event.changed), _json(event.group), event.time, event.prompt_tokens,
        ),
    )
    if event.step == 1:
        unless_raw = "UPDATE runs SET title = ? WHERE number = ? AND NOT coalesce(json_extract(chain, '$.raw'), 0)"
        connection.execute(unless_raw, (_title(event.prompt), number))


def _branch_started(connection: sqlite3.Connection, number: int, event: BranchStarted) -> None:
    connection.execute(
        "INSERT INTO branches (run, step, number, parent, position, token, seed, changed, started)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, event.step, event.branch, event.parent, event.position, event.token, event.seed,
            _json(event.changed), event.time,
        ),
    )  # fmt: skip


def _end_branch(connection: sqlite3.Connection, number: int, event: StepFinished | StepFailed) -> None:
    """A branch has ended. Where the step went on as it during the run, its answer is the step's."""
    if isinstance(event, StepFailed):
        values: dict[str, Any] = {"text": event.text, "reason": "failed", "message": event.message}
    else:
        values = {"text": event.text, "reason": event.reason, "tokens": event.tokens, "seconds": event.seconds}
    assignments = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"UPDATE branches SET {assignments} WHERE run = ? AND step = ? AND number = ?",
        (*values.values(), number, event.step, event.branch),
    )
    counted = {name: values.pop(name, 0) for name in ("tokens", "seconds")}
    assignments = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"UPDATE steps SET {assignments}, tokens = coalesce(tokens, 0) + ?, seconds = coalesce(seconds, 0) + ?"
        " WHERE run = ? AND number = ? AND reason = 'branched'",
        (*values.values(), *counted.values(), number, event.step),
    )


def _step_failed(connection: sqlite3.Connection, number: int, event: StepFailed) -> None:
    """A step may fail before it started: then it has no row yet."""
    connection.execute(
        "INSERT INTO steps (run, number, loop, response, prompt_number, model, prompt, rendered, changed, members,"
        " started) VALUES (?, ?, 1, 1, 1, ?, ?, '', '{}', '[]', ?) ON CONFLICT DO NOTHING",
        (number, event.step, event.model, event.prompt, event.time),
    )
    _end_step(connection, number, event.step, text=event.text, reason="failed", message=event.message)


def _end_step(connection: sqlite3.Connection, number: int, step: int | None, **values: Any) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE steps SET {assignments} WHERE run = ? AND number = ?", (*values.values(), number, step))


def settle(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Note that nobody writes these runs any more, and fill in the texts of their unfinished steps, to be searched."""
    for number in numbers:
        steps = connection.execute("SELECT number FROM steps WHERE run = ? AND text IS NULL", (number,)).fetchall()
        for (step,) in steps:
            text, tokens = rebuilt_text(connection, number, step)
            _end_step(connection, number, step, text=text, tokens=tokens)
        connection.execute("UPDATE runs SET writer = NULL WHERE number = ?", (number,))


def rebuilt_text(connection: sqlite3.Connection, number: int, step: int) -> tuple[str, int]:
    """What the tokens of a step have shown, and how many they are; those of the branch it went on as, if it did."""
    rows = connection.execute(
        "SELECT body FROM events WHERE run = ? AND step = ? AND kind IN ('token_generated', 'branch_started')"
        " ORDER BY sequence",
        (number, step),
    )
    shown: list[str] = []
    tokens = 0
    for (body,) in rows:
        event = decode(body)
        if isinstance(event, BranchStarted):
            shown, tokens = [event.text], event.position
        elif isinstance(event, TokenGenerated):
            shown.append(event.shown)
            tokens += 1
    return "".join(shown), tokens


def _chain_title(chain: dict[str, Any]) -> str:
    """What a chain is about: the first line of its prompts, or the end of a text that is to be continued."""
    prompts = str(chain.get("prompts", ""))
    if not chain.get("raw"):
        return _title(prompts)
    for name, text in chain.get("variables", {}).items():
        prompts = prompts.replace(f"{{{{{name}}}}}", text)
    lines = _lines(prompts)
    return ("… " if len(lines) > 1 else "") + _title(lines[-1] if lines else "")


def _title(prompts: str) -> str:
    """The first line that says something, shortened."""
    first = next(iter(_lines(prompts)), "")
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1] + "…"


def _lines(prompts: str) -> list[str]:
    lines = (line.strip() for line in prompts.splitlines())
    return [line for line in lines if line and not line.startswith(("---", "$$$"))]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
