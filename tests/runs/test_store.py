"""The run store: what goes in comes out, what was seen is stored, and nothing is half written."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from samantha.errors import StoreError
from samantha.events import Event, Notice, RunFinished, StepFailed
from samantha.runs.store import RunStore

from .streams import Stream, started, step_finished, step_started, tokens, whole_run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore(tmp_path / "runs.sqlite3") as opened:
        yield opened


def put(store: RunStore, events: list[Event], batch: int = 1) -> list[Event]:
    return list(store.record(Stream(events[0].run, events, batch)))


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 7, 100])
def test_every_event_passes_and_comes_back_as_it_was(store: RunStore, batch: int) -> None:
    events = whole_run("r1", words=["Olá", "\n", "世界", "\x00\ud7ff", '"quotes"'])
    assert put(store, events, batch) == events
    assert list(store.events("r1")) == events


def test_an_event_is_stored_before_its_reader_sees_it(store: RunStore) -> None:
    events = whole_run("r1", words=[f" {n}" for n in range(20)])
    with RunStore(store.path) as other:
        for seen, _ in enumerate(store.record(Stream("r1", events, batch=4)), 1):
            assert len(list(other.events("r1"))) >= seen


def test_summaries_say_what_the_events_said(store: RunStore) -> None:
    put(store, whole_run("r1", prompt="Tell me"))
    summary = store.run("r1")
    assert (summary.title, summary.status, summary.seed, summary.models) == ("Tell me", "done", 7, ("tiny",))
    assert (summary.steps, summary.tokens, summary.seconds) == (1, 3, 0.5)
    (step,) = store.steps("r1")
    assert (step.text, step.reason, step.tokens, step.prompt_tokens) == ("Good day!", "end", 3, 5)
    assert (step.rendered, step.changed, step.group, step.seed) == ("user: Tell me", {"temperature": 0.5}, (1,), 11)


def test_a_failed_step_keeps_its_message_and_partial_text(store: RunStore) -> None:
    failed = StepFailed(run="r1", step=1, message="it died", text="Good", model="tiny", prompt="Hello there")
    put(store, [started("r1"), step_started("r1"), failed, RunFinished(run="r1", reason="failed")])
    (step,) = store.steps("r1")
    assert (step.reason, step.message, step.text, step.rendered) == ("failed", "it died", "Good", "user: Hello there")


def test_a_step_that_failed_before_it_started_is_a_step_too(store: RunStore) -> None:
    failed = StepFailed(run="r1", step=1, message="no such model", model="nothing", prompt="Hello")
    put(store, [started("r1"), failed, RunFinished(run="r1", reason="failed")])
    (step,) = store.steps("r1")
    assert (step.model, step.prompt, step.message, step.text) == ("nothing", "Hello", "no such model", "")


def test_a_run_whose_reader_leaves_is_interrupted_and_keeps_its_text(store: RunStore) -> None:
    reader = store.record(Stream("r1", whole_run("r1")))
    for _ in range(5):
        next(reader)
    assert store.run("r1").status == "running"
    assert [(step.text, step.reason) for step in store.steps("r1")] == [("Good day", "running")]
    reader.close()
    assert store.run("r1").status == "interrupted"
    assert [(step.text, step.reason, step.tokens) for step in store.steps("r1")] == [("Good day", "interrupted", 2)]
    assert [run.id for run in store.runs("day")] == ["r1"]


def test_what_came_before_an_exception_is_stored_and_seen(store: RunStore) -> None:
    class Breaking(Stream):
        def __iter__(self) -> Iterator[Event]:
            yield from super().__iter__()
            raise ZeroDivisionError

    seen: list[Event] = []
    events = whole_run("r1")[:5]
    with pytest.raises(ZeroDivisionError):
        seen.extend(store.record(Breaking("r1", events, batch=100)))
    assert list(store.events("r1")) == events
    assert store.run("r1").status == "interrupted"


def test_search_finds_words_in_prompts_and_answers(store: RunStore) -> None:
    put(store, whole_run("r1", prompt="A poem about the sea", words=["Água", " salgada"]))
    put(store, whole_run("r2", prompt="Count to three", words=["one", " two"]))
    put(store, whole_run("r3", prompt="写一首关于大海的诗", words=["大海", "很蓝"]))
    found = {query: [run.id for run in store.runs(query)] for query in
             ("sea", "poe", "agua", "sea salgada", "two", "count sea", "大海", "很蓝", "", "zebra")}  # fmt: skip
    assert found == {
        "sea": ["r1"], "poe": ["r1"], "agua": ["r1"], "sea salgada": ["r1"], "two": ["r2"], "count sea": [],
        "大海": ["r3"], "很蓝": ["r3"], "": ["r3", "r2", "r1"], "zebra": [],
    }  # fmt: skip


@given(query=st.text(max_size=30))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_can_be_searched_for(store: RunStore, query: str) -> None:
    assert store.runs(query.replace("\x00", "")) == [] or not query.strip() or store.runs(query) is not None


def test_runs_are_listed_newest_first_in_pages(store: RunStore) -> None:
    for number in range(5):
        put(store, whole_run(f"r{number}"))
    assert [run.id for run in store.runs(limit=2)] == ["r4", "r3"]
    assert [run.id for run in store.runs(limit=2, offset=4)] == ["r0"]


def test_a_run_is_found_by_a_unique_beginning(store: RunStore) -> None:
    for run_id in ("20261121-a1", "20261121-b2", "20261121-b2x"):
        put(store, whole_run(run_id))
    assert store.find("20261121-a") == "20261121-a1"
    assert store.find("20261121-b2") == "20261121-b2"
    assert store.find("last") == "20261121-b2x"
    with pytest.raises(StoreError, match="Several runs begin with 2026"):
        store.find("2026")
    with pytest.raises(StoreError, match="begins with %"):
        store.find("%")


def test_an_empty_store_says_so(store: RunStore) -> None:
    with pytest.raises(StoreError, match="No run is stored yet"):
        store.find("last")
    for ask in (store.run, store.steps, store.chain, store.delete, lambda run: list(store.events(run))):
        with pytest.raises(StoreError, match="no stored run r9"):
            ask("r9")


def test_a_deleted_run_leaves_nothing(store: RunStore) -> None:
    put(store, whole_run("r1", prompt="a secret wish", words=["granted"]))
    put(store, whole_run("r2", prompt="plain"))
    store.delete("r1")
    assert [run.id for run in store.runs()] == ["r2"]
    assert store.runs("secret") == store.runs("granted") == []
    store.close()
    assert b"secret wish" not in store.path.read_bytes()


def test_a_run_in_progress_is_not_deleted(store: RunStore) -> None:
    reader = store.record(Stream("r1", whole_run("r1")))
    next(reader)
    with pytest.raises(StoreError, match="still being written"):
        store.delete("r1")
    reader.close()
    store.delete("r1")


def test_threads_and_processes_write_different_runs_at_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    program = (
        "import sys; from pathlib import Path; from streams import *; from samantha.runs.store import RunStore\n"
        "store = RunStore(Path(sys.argv[1]))\n"
        "for n in range(5):\n"
        "    run = f'{sys.argv[2]}-{n}'; list(store.record(Stream(run, whole_run(run, words=['word'] * 200))))\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(path), f"child{n}"], cwd=Path(__file__).parent)
        for n in range(3)
    ]
    with RunStore(path) as store:
        runs = [f"thread-{n}" for n in range(4)]
        threads = [threading.Thread(target=put, args=(store, whole_run(run, words=["w"] * 200))) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [child.wait() for child in children] == [0, 0, 0]
        listed = store.runs(limit=100)
        assert len(listed) == 19
        assert {(run.status, run.tokens) for run in listed} == {("done", 200)}
        assert all(len(list(store.events(run.id))) == 205 for run in listed)


class FullDisk:
    """Makes SQLite itself report a full disk until `free` is called."""

    def __init__(self, store: RunStore) -> None:
        with store._database.reading() as connection:
            self._connection = connection
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

    def free(self) -> None:
        self._connection.execute("PRAGMA max_page_count = 1000000")


def on_a_full_disk(store: RunStore, batch: int, free_at: int | None) -> tuple[list[Event], list[Event]]:
    """What went in and what was seen of a run on a disk that is full (until event `free_at`)."""
    events = [
        *whole_run("r1", words=["many words "] * 3000)[:-1], step_started("r1", 2), *tokens("r1", ["end"], 2),
        step_finished("r1", ["end"], 2), RunFinished(run="r1", reason="done"),
    ]  # fmt: skip
    disk, seen = FullDisk(store), []
    for event in store.record(Stream("r1", events, batch)):
        seen.append(event)
        if len(seen) == free_at:
            disk.free()
    return events, seen


@pytest.mark.parametrize("batch", [1, 30, 5000])
def test_a_full_disk_costs_no_answer_and_is_said_once(store: RunStore, batch: int) -> None:
    events, seen = on_a_full_disk(store, batch, None)
    notices = [event for event in seen if isinstance(event, Notice)]
    assert [event for event in seen if event not in notices] == events
    assert len(notices) == 1
    assert "disk is full" in notices[0].message
    assert isinstance(seen[-1], RunFinished)
    assert [run.status for run in store.runs()] in ([], ["interrupted"], ["running"])


@pytest.mark.parametrize("batch", [1, 30])
def test_when_the_disk_has_room_again_nothing_is_missing(store: RunStore, batch: int) -> None:
    events, seen = on_a_full_disk(store, batch, 2900)
    assert list(store.events("r1")) == seen
    assert [event for event in seen if not isinstance(event, Notice)] == events
    assert [event.message[:20] for event in seen if isinstance(event, Notice)] == [
        "This run is not bein", "The store can be wri"
    ]  # fmt: skip
    assert store.run("r1").status == "done"


def test_a_lock_held_by_another_program_is_told_and_made_good(store: RunStore) -> None:
    store._database.be_quick(True)
    browser = sqlite3.connect(store.path, isolation_level=None)
    browser.execute("BEGIN IMMEDIATE")
    seen = []
    second = [step_started("r1", 2), step_finished("r1", [], 2), RunFinished(run="r1", reason="done")]
    events = [*whole_run("r1")[:-1], *second]
    for event in store.record(Stream("r1", events)):
        seen.append(event)
        if len(seen) == 8:
            browser.execute("ROLLBACK")
    assert any(isinstance(event, Notice) and "database browser" in event.message for event in seen)
    assert list(store.events("r1")) == seen
