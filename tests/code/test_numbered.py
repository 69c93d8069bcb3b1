"""Numbered files: saved without ever replacing one, read as Python reads them, found in their order."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.code import numbered
from samantha.code.code import CodeError


def test_files_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "for it"
    saved = [numbered.save(f"print({number})", folder, "load data") for number in range(3)]
    assert [path.name for path in saved] == ["01-load-data.py", "02-load-data.py", "03-load-data.py"]
    assert saved[2].read_text() == "print(2)\n"
    assert numbered.files(folder) == tuple(saved)


def test_the_next_number_follows_the_highest_and_other_files_do_not_count(tmp_path: Path) -> None:
    for name in ("7-x.py", "003_y.py", "12.py", "99-notes.txt", "x-100.py", "500-folder.py/inside"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert numbered.save("x", tmp_path, "z").name == "13-z.py"
    names = [file.name for file in numbered.files(tmp_path)]
    assert names == ["003_y.py", "7-x.py", "12.py", "13-z.py"]


def test_nothing_is_replaced_not_even_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "01-code.py").symlink_to("/nowhere/at/all")
    assert numbered.save("x", tmp_path).name == "02-code.py"
    assert not os.path.lexists("/nowhere/at/all")


@given(st.text(max_size=200))
def test_any_name_makes_a_file_in_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("names")
    path = numbered.save("x = 1", folder, name)
    assert path.parent == folder
    assert [entry.name for entry in folder.iterdir()] == [path.name]
    assert numbered.files(folder) == (path,)


@given(st.text(alphabet=st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])).filter(str.strip))
def test_code_is_saved_as_it_is(tmp_path_factory: pytest.TempPathFactory, code: str) -> None:
    path = numbered.save("# " + code, tmp_path_factory.mktemp("codes"))
    saved = path.read_bytes().decode()
    assert saved.removesuffix("\n") == ("# " + code).removesuffix("\n")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = '\xc3\xa9'", "x = 'é'"),
        (b"\xef\xbb\xbfx = 1", "x = 1"),
        (b"# coding: latin-1\nx = '\xe9'", "# coding: latin-1\nx = 'é'"),
        (b"a\r\nb\r\n", "a\nb\n"),
    ],
)
def test_files_are_read_as_python_reads_them(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "x.py").write_bytes(data)
    assert numbered.source(tmp_path / "x.py") == text


@pytest.mark.parametrize("data", [b"x = '\xe9'", b"# coding: nonsense\nx", b"\x00\x01\x02", b"\xff\xfe\x00"])
def test_what_is_no_python_text_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.py").write_bytes(data)
    with pytest.raises(CodeError, match="is not a Python file"):
        numbered.source(tmp_path / "x.py")


def test_places_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for work, message in (
        (lambda: numbered.files(tmp_path / "missing"), "There is no folder"),
        (lambda: numbered.files(tmp_path / "file"), "is a file"),
        (lambda: numbered.files(tmp_path), "has no numbered files"),
        (lambda: numbered.source(tmp_path), "is a folder"),
        (lambda: numbered.source(tmp_path / "missing.py"), "There is no file"),
        (lambda: numbered.save("x", tmp_path / "file"), "cannot be written"),
        (lambda: numbered.save("  \n", tmp_path), "There is no code"),
    ):
        with pytest.raises(CodeError, match=message):
            work()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that even root cannot write")
def test_a_folder_that_cannot_be_written_is_told() -> None:
    with pytest.raises(CodeError, match="choose a folder of your own"):
        numbered.save("x", Path("/proc/1"))
