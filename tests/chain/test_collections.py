"""Collections of prompts: entries, their titles, and files that change while the program runs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import settings
from samantha.chain.collections import Collection, Entry, chain_files, collections, read_collection
from samantha.errors import ChainError


def test_entries_and_their_titles(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_bytes(
        b"--- A poem\r\n[You are a poet]\r\none\r\n$-$-$\r\n"
        b"\r\nWho are you?\nAnd why?\n  $-$-$  \n---only a note\n$-$-$\n"
        b"---\nkept $-$-$ here\n$-$-$\n"
    )
    assert read_collection(path) == [
        Entry("A poem", "[You are a poet]\none"),
        Entry("Who are you?", "Who are you?\nAnd why?"),
        Entry("---", "---\nkept $-$-$ here"),
    ]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two collections in its `prompts` folder, a chain beside them, and one at its root."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(settings, "PACKAGE", tmp_path / "none")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "b.txt").write_text("one")
    (tmp_path / "prompts" / "A.TXT").write_text("two")
    (tmp_path / "prompts" / "chain.toml").write_text("")
    (tmp_path / "system_prompts.txt").write_text("You are a poet")
    return tmp_path


def test_collections_are_found_where_the_material_is(root: Path) -> None:
    assert collections() == [
        Collection("system_prompts", root / "system_prompts.txt", "system"),
        Collection("A", root / "prompts" / "A.TXT", "prompts"),
        Collection("b", root / "prompts" / "b.txt", "prompts"),
    ]
    assert chain_files() == [root / "prompts" / "chain.toml"]


def test_edits_appear_at_once(root: Path) -> None:
    collection = collections()[0]
    assert [entry.title for entry in collection.entries()] == ["You are a poet"]
    collection.path.write_text("You are a pirate\n$-$-$\nYou are a teacher")
    assert [entry.title for entry in collection.entries()] == ["You are a pirate", "You are a teacher"]
    (root / "user_prompts.txt").write_text("Who are you?")
    assert [each.name for each in collections()] == ["user_prompts", "system_prompts", "A", "b"]


def test_a_collection_that_went_away(root: Path) -> None:
    collection = collections()[0]
    collection.path.unlink()
    with pytest.raises(ChainError, match="There is no file"):
        collection.entries()


def test_no_material_is_no_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(settings, "PACKAGE", tmp_path)
    assert (collections(), chain_files()) == ([], [])


lines = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])).map(str.strip)
entries = st.lists(lines.filter(lambda line: line not in ("", "$-$-$") and not line.startswith("---")), min_size=1)


@given(st.lists(entries))
def test_what_is_joined_is_read_back(tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "joined.txt"
    path.write_bytes("\n$-$-$\n".join("\n".join(text) for text in texts).encode())
    assert [entry.text for entry in read_collection(path)] == ["\n".join(text) for text in texts]
