"""Opening the store: migrations, backups, and files that are no store."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from samantha.errors import StoreError
from samantha.runs import database
from samantha.runs.migrations import MIGRATIONS
from samantha.runs.store import RunStore

from .streams import Stream, whole_run


def filled(path: Path) -> None:
    with RunStore(path) as store:
        list(store.record(Stream("r1", whole_run("r1"))))


def test_an_older_store_is_backed_up_and_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.sqlite3"
    filled(path)
    newer = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN colour TEXT",), ("UPDATE runs SET colour = 'blue'",))
    monkeypatch.setattr(database, "MIGRATIONS", newer)
    with RunStore(path) as store:
        assert store._database.rows("SELECT colour FROM runs")[0][0] == "blue"
        assert store._database.rows("PRAGMA user_version")[0][0] == len(newer)
        assert len(list(store.events("r1"))) == 8
    backups = sorted(tmp_path.glob("runs-version-*.sqlite3"))
    before = len(MIGRATIONS)
    assert [backup.name.split("-")[2] for backup in backups] == [str(before), str(before + 1)]
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS)
    with RunStore(backups[0]) as backup:
        assert backup.run("r1").status == "done"


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.sqlite3"
    filled(path)
    broken = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN colour TEXT", "UPDATE no_such_table SET x = 1"))
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError, match="no_such_table"):
        RunStore(path)
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS)
    with RunStore(path) as store:
        columns = [row["name"] for row in store._database.rows("PRAGMA table_info(runs)")]
        assert "colour" not in columns
        assert store.run("r1").status == "done"


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="written by a newer Samantha"):
        RunStore(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        RunStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"GGUF" * 1000, b"short", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "runs.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"not a run store|damaged"):
        RunStore(path)
    assert path.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        RunStore(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        RunStore(tmp_path / "nowhere" / "runs.sqlite3")


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    filled(path)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\x77" * (len(content) - 4096))
    with pytest.raises(StoreError, match="damaged"), RunStore(path) as store:
        store.runs()


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder of, and the rights of, a user who is not root: root may write everywhere."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_read_only_file_and_an_unwritable_folder_are_told(ordinary_user: Path) -> None:
    path = ordinary_user / "runs.sqlite3"
    filled(path)
    path.chmod(0o444)
    with pytest.raises(StoreError, match="read-only"):
        RunStore(path)
    path.chmod(0o644)
    path.unlink()
    ordinary_user.chmod(0o555)
    with pytest.raises(StoreError, match="cannot be opened"):
        RunStore(path)
    ordinary_user.chmod(0o755)


def test_many_programs_may_make_the_same_store_at_once(tmp_path: Path) -> None:
    program = "from pathlib import Path; from samantha.runs.store import RunStore; RunStore(Path('runs.sqlite3'))"
    command = [sys.executable, "-c", program]
    children = [subprocess.Popen(command, cwd=tmp_path) for _ in range(6)]
    assert [child.wait() for child in children] == [0] * 6
    assert [path.name for path in tmp_path.iterdir() if "version" in path.name] == []
