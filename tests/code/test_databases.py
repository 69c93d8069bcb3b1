"""Database files of strangers, read for real: whole ones page by page, hostile ones to a sentence."""

import os
import random
import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samantha.code import databases
from samantha.code.code import CodeError
from samantha.code.databases import Column


def made(path: Path, *statements: str) -> Path:
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return made(
        tmp_path / "shop.db", "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL, picture BLOB)",
        "INSERT INTO items VALUES (1, 'pão', 2.5, x'00ff'), (2, NULL, -1e999, NULL)",
        "CREATE VIEW cheap AS SELECT name FROM items WHERE price < 3", "CREATE TABLE empty (x)",
    )  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = made(tmp_path_factory.mktemp("large") / "large.db", "CREATE TABLE numbers (n INTEGER, square TEXT)")
    with sqlite3.connect(path) as database:
        database.executemany("INSERT INTO numbers VALUES (?, ?)", ((n, str(n * n)) for n in range(100_000)))
    database.close()
    return path


def test_tables_and_views_come_with_columns_and_counts(shop: Path) -> None:
    found = {table.name: table for table in databases.contents(shop).tables}
    assert {name: (table.kind, table.rows) for name, table in found.items()} == {
        "items": ("table", 2), "empty": ("table", 0), "cheap": ("view", 2),
    }  # fmt: skip
    assert found["items"].columns[:2] == (Column("id", "INTEGER"), Column("name", "TEXT"))
    assert not any(table.problem for table in found.values())


def test_cells_of_every_type(shop: Path) -> None:
    found = databases.rows(shop, "items")
    assert found.rows == ((1, "pão", 2.5, "x'00ff' (2 bytes)"), (2, None, "-inf", None))
    assert not found.more
    assert databases.rows(shop, "cheap").rows == (("pão",), (None,))


def test_a_large_table_is_read_page_by_page(large: Path) -> None:
    assert databases.contents(large).tables[0].rows == 100_000
    seen = []
    for offset in (0, 300, 99_900):
        page = databases.rows(large, "numbers", offset, 300)
        assert page.more == (offset < 99_000)
        seen.append([row[0] for row in page.rows])
    assert seen == [list(range(300)), list(range(300, 600)), list(range(99_900, 100_000))]
    assert databases.rows(large, "numbers", 10**30).rows == ()
    assert len(databases.rows(large, "numbers", 0, 10**9).rows) == 1000


def test_long_texts_and_blobs_are_cut(tmp_path: Path) -> None:
    path = made(tmp_path / "long.db", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (printf('%.*c', 5000, 'é'), 0)",
                "UPDATE t SET b = zeroblob(200000000)")  # fmt: skip
    text, blob = databases.rows(path, "t").rows[0]
    assert text == "é" * 1000 + "… (5000 characters)"
    assert blob == "x'" + "00" * 16 + "…' (200000000 bytes)"


def test_nothing_is_written_not_even_beside_the_file(shop: Path) -> None:
    before = shop.read_bytes()
    databases.contents(shop)
    databases.rows(shop, "items")
    assert shop.read_bytes() == before
    assert [path.name for path in shop.parent.iterdir() if path.is_file()] == ["shop.db"]


def test_a_file_and_a_folder_that_are_read_only_are_read(shop: Path) -> None:
    shop.chmod(0o444)
    shop.parent.chmod(0o555)
    try:
        assert len(databases.contents(shop).tables) == 3
    finally:
        shop.parent.chmod(0o755)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
def test_root_reads_what_the_sandbox_left_to_another_user(shop: Path, samantha_home: Path) -> None:
    os.chown(shop, 64000, 64000)
    shop.chmod(0o600)
    assert len(databases.contents(shop).tables) == 3
    assert list(samantha_home.iterdir()) == []


@pytest.mark.parametrize("name", ["a b.db", "question?mode=rwc.db", "hash#.db", "percent%20.db", "ação.db", "q'\".db"])
def test_any_file_name(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / name, "CREATE TABLE t (x)")
    assert databases.contents(path).tables[0].name == "t"


@settings(max_examples=15)
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_table_and_column_name(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    try:
        path = made(tmp_path_factory.mktemp("names") / "x.db", f"CREATE TABLE {quoted} ({quoted})",
                    f"INSERT INTO {quoted} VALUES (7)")  # fmt: skip
    except sqlite3.OperationalError:
        return  # SQLite keeps some names to itself
    (table,) = databases.contents(path).tables
    assert (table.name, table.columns[0].name, table.rows) == (name, name, 1)
    assert databases.rows(path, name).rows == ((7,),)


def test_an_unknown_table_is_told(shop: Path) -> None:
    with pytest.raises(CodeError, match="has no table 'itmes'"):
        databases.rows(shop, "itmes")


def test_a_view_without_end_is_given_up(tmp_path: Path) -> None:
    endless = "CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    sorted_ = endless.replace("endless", "sorted") + " ORDER BY x DESC"
    path = made(tmp_path / "endless.db", endless, sorted_, "CREATE TABLE t (x)")
    found = {table.name: table.rows for table in databases.contents(path).tables}
    assert found == {"endless": None, "sorted": None, "t": 0}
    assert databases.rows(path, "endless", 0, 2).rows == ((1,), (2,))
    with pytest.raises(CodeError, match="takes longer than 10 s"):
        databases.rows(path, "sorted", 0, 2)


def test_a_table_of_an_unknown_kind_hides_no_other(tmp_path: Path) -> None:
    path = made(
        tmp_path / "virtual.db",
        "CREATE TABLE t (x)",
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_schema VALUES ('table', 'odd', 'odd', 0, 'CREATE VIRTUAL TABLE odd USING unheard_of')",
    )
    found = {table.name: table for table in databases.contents(path).tables}
    assert found["t"].rows == 0
    assert "no such module" in found["odd"].problem
    with pytest.raises(CodeError, match="no such module"):
        databases.rows(path, "odd")


def test_what_waits_in_the_log_is_told(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x)")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("INSERT INTO t VALUES (1)")
    database.commit()
    found = databases.contents(path)
    assert "live.db-wal" in found.note
    assert found.tables[0].rows == 0
    database.close()
    assert databases.contents(path).note == ""


def wrong_files(folder: Path) -> dict[str, Path]:
    (folder / "text.db").write_text("id,name\n1,x\n" * 100)
    (folder / "empty.db").touch()
    os.mkfifo(folder / "pipe.db")
    (folder / "looping.db").symlink_to("looping.db")
    return {name: folder / f"{name}.db" for name in ("text", "empty", "pipe", "missing", "looping")} | {
        "folder": folder
    }


WRONG = {
    "text": "is not a SQLite database", "empty": "is empty", "pipe": "is not an ordinary file",
    "missing": "There is no file", "folder": "is a folder", "looping": "There is no file",
}  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="pipes with a name are POSIX")
@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_database_is_told(tmp_path: Path, case: str) -> None:
    path = wrong_files(tmp_path)[case]
    for ask in (databases.contents, lambda file: databases.rows(file, "t")):
        with pytest.raises(CodeError, match=WRONG[case]) as caught:
            ask(path)
        assert str(path) in str(caught.value)


def test_damaged_files_give_a_sentence_or_their_rows(shop: Path, large: Path, tmp_path: Path) -> None:
    whole = large.read_bytes()[: 40 * 4096]
    chance = random.Random(7)
    told = 0
    for number in range(30):
        data = bytearray(shop.read_bytes() if number % 2 else whole)
        for _ in range(chance.choice([1, 20, 500])):
            data[chance.randrange(16, len(data))] = chance.randrange(256)
        path = tmp_path / f"damaged{number}.db"
        path.write_bytes(bytes(data[: chance.choice([len(data), len(data) // 2, 120])]))
        told += _survives(path)
    assert told > 5


def _survives(path: Path) -> bool:
    """Whether reading told something; anything but a CodeError would fail the test."""
    try:
        tables = databases.contents(path).tables
        for table in tables:
            databases.rows(path, table.name, 0, 50)
    except CodeError:
        return True
    return any(table.problem for table in tables)


def test_a_set_user_bit_and_a_link_change_nothing(shop: Path, tmp_path: Path) -> None:
    shop.chmod(shop.stat().st_mode | stat.S_ISUID)
    link = tmp_path / "link.db"
    link.symlink_to(shop)
    assert len(databases.contents(link).tables) == 3


def test_db_browser_is_offered_only_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    assert databases.browser() is None
    program = tmp_path / "sqlitebrowser"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened.part; mv {tmp_path}/opened.part {tmp_path}/opened\n')
    program.chmod(0o755)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert databases.browser() is None
    monkeypatch.setenv("DISPLAY", ":0")
    assert databases.browser() == program
