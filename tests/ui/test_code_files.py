"""Files that code left: plain ones are given, all else is refused, and nothing outside of the run's folders."""

import os
import sys
from pathlib import Path

import pytest

from samantha.ui import code_files
from samantha.ui.code_files import Missing, address, mark_gone, named, opened, picture

RUN = "20250101-000000-abcd"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are made as on Unix")


@pytest.fixture
def run(samantha_home: Path) -> Path:
    """The folder of a run."""
    folder = samantha_home / "work" / RUN
    for name in ("box", "shown/step-1-ab", "code"):
        (folder / name).mkdir(parents=True)
    return folder


def content(kind: code_files.Kind, name: str, run: str = RUN) -> bytes:
    return b"".join(opened(kind, run, name).chunks())


def test_plain_files_are_given(run: Path) -> None:
    (run / "box/a b.csv").write_bytes(b"1,2")
    (run / "box/deep/er").mkdir(parents=True)
    (run / "box/deep/er/x.bin").write_bytes(b"\0\1")
    assert content("box", "a b.csv") == b"1,2"
    assert content("box", "deep/er/x.bin") == b"\0\1"


@pytest.mark.parametrize("name", ["a..b", "-rf", "é ü", "a\nb", "a;b&c", "$(x)", "%2e%2e", "\u202etxt.exe", "x" * 200])
def test_odd_names_are_names(run: Path, name: str) -> None:
    (run / "box" / name).write_bytes(b"here")
    coded = address("box", RUN, name).rpartition("/")[2]
    assert content("box", named(coded)) == b"here"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../code/step-1.py", "a/../../code/step-1.py", "/etc/passwd", "//etc/passwd", "a//b", "\0", "a\0b",
     "../../../runs.sqlite3", "./a", "a/.", "a/"],
)  # fmt: skip
def test_no_name_leads_out(run: Path, name: str) -> None:
    (run / "code/step-1.py").write_text("secret")
    (run / "box/a").mkdir()
    with pytest.raises(Missing):
        opened("box", RUN, name)


@pytest.mark.parametrize("run_id", ["", "..", "../x", "20250101-000000-abcd/..", RUN + "\n", RUN.upper(), "a" * 300])
def test_only_ids_of_runs_are_taken(run: Path, run_id: str) -> None:
    (run / "box/a").write_text("x")
    with pytest.raises(Missing):
        opened("box", run_id, "a")


def test_links_are_not_followed_wherever_they_stand(run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    (run / "box/file").symlink_to(secret / "key")
    (run / "box/folder").symlink_to(secret)
    (run / "box/loop").symlink_to("loop")
    (run / "box/own").symlink_to(run / "box/real")
    (run / "box/real").write_text("x")
    for name in ("file", "folder/key", "loop", "own"):
        with pytest.raises(Missing):
            opened("box", RUN, name)
    (run / "box").rename(run / "moved")
    (run / "box").symlink_to(secret)
    with pytest.raises(Missing):
        opened("box", RUN, "key")


def test_pipes_devices_and_folders_are_refused_without_waiting(run: Path) -> None:
    os.mkfifo(run / "box/pipe")
    (run / "box/folder").mkdir()
    import socket

    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(run / "box")  # the path of a socket is short
    listening.bind("socket")
    os.chdir(here)
    for name in ("pipe", "folder", "socket"):
        with pytest.raises(Missing):
            opened("box", RUN, name)
    listening.close()


def test_a_set_uid_file_is_only_bytes(run: Path) -> None:
    (run / "box/tool").write_bytes(b"#!/bin/sh\n")
    (run / "box/tool").chmod(0o6755)
    assert content("box", "tool") == b"#!/bin/sh\n"


def test_a_file_that_grows_or_shrinks_while_it_is_read_stays_within_its_size(run: Path) -> None:
    path = run / "box/a"
    path.write_bytes(b"x" * 1000)
    growing = opened("box", RUN, "a")
    with path.open("ab") as more:
        more.write(b"y" * 1000)
    assert b"".join(growing.chunks()) == b"x" * 1000
    shrinking = opened("box", RUN, "a")
    path.write_bytes(b"z")
    assert len(b"".join(shrinking.chunks())) <= 2000


def test_pictures_are_what_their_names_say(run: Path) -> None:
    shown = run / "shown/step-1-ab"
    (shown / "0001.png").write_bytes(PNG)
    (shown / "0002.png").write_bytes(b"<script>alert(1)</script>")
    (shown / "0003.svg").write_bytes(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')
    (shown / "0004.svg").write_bytes(b"<html><script>alert(1)</script>")
    (shown / "0005.exe").write_bytes(PNG)
    assert picture(RUN, "step-1-ab/0001.png")[0] == "image/png"
    assert picture(RUN, "step-1-ab/0003.svg")[0] == "image/svg+xml"
    for name in ("0002.png", "0004.svg", "0005.exe", "0006.png"):
        with pytest.raises(Missing):
            picture(RUN, f"step-1-ab/{name}")


def test_what_is_too_large_is_not_shown(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_files, "LARGEST_SHOWN", 100)
    (run / "shown/step-1-ab/0001.html").write_bytes(b"x" * 101)
    with pytest.raises(Missing, match="too large"):
        picture(RUN, "step-1-ab/0001.html")


@pytest.mark.parametrize("coded", ["", "!", "a", "====", "é", "../x", "x" * 5])
def test_an_address_that_the_page_did_not_make_is_refused(run: Path, coded: str) -> None:
    with pytest.raises(Missing):
        opened("box", RUN, named(coded))


def test_stored_runs_say_which_files_are_gone(run: Path) -> None:
    (run / "box/there.csv").write_text("x")
    files = [{"name": name, "url": address("box", RUN, name)} for name in ("there.csv", "gone.csv")]
    lines = [{"kind": "notice"}, {"kind": "card", "code": {"files": files, "shown": []}}]
    mark_gone(lines)
    assert [file["gone"] for file in files] == [False, True]
