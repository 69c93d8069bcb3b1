"""What confined code can do: everything that ordinary code does, with what it was given."""

import os
from pathlib import Path
from typing import Any

import pytest

from samantha import sandbox
from samantha.errors import SandboxError
from samantha.sandbox import bubblewrap, landlock
from samantha.sandbox.access import Access, Folders
from samantha.sandbox.code import confine_code
from tests.sandbox.situations import Situation, ordinary_python, run

ROOT = os.geteuid() == 0
SITUATIONS = [Situation(), *([Situation(ordinary=True)] if ROOT else []), Situation(mode="reduced", ordinary=True)]
ISOLATED = SITUATIONS[:-1]
everywhere = pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
isolated = pytest.mark.parametrize("situation", ISOLATED, ids=lambda situation: situation.name)


def tried(situation: Situation, code: str, **settings: Any) -> dict[str, Any]:
    if situation.ordinary and ROOT and not ordinary_python():
        pytest.skip("no Python of this version is within an ordinary user's reach on this computer")
    if situation.mode == "isolated" and sandbox.isolation() != "bubblewrap":
        pytest.skip("bubblewrap does not work on this computer")
    if situation.mode == "reduced" and landlock.missing():
        pytest.skip(f"this computer lacks {landlock.missing()}")
    found = run("tests.sandbox.snippet", {"mode": situation.mode, "code": code, **settings}, situation.ordinary)
    assert isinstance(found, dict)
    return found


def printed(situation: Situation, code: str, **settings: Any) -> str:
    found = tried(situation, code, **settings)
    assert found["status"] == 0, found["errors"]
    return str(found["output"]).strip()


@everywhere
def test_box_is_the_working_directory_and_keeps_files(situation: Situation) -> None:
    found = tried(situation, "import os; open('out.txt', 'w').write('kept'); print(os.getcwd())")
    assert found["after"]["run/box/out.txt"]["text"] == "kept"
    assert found["output"].strip() == found["seen"]


@everywhere
def test_ordinary_code_runs(situation: Situation) -> None:
    code = """
import concurrent.futures, shutil, sqlite3, subprocess, tempfile, asyncio, threading, zipfile, getpass, pathlib
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "a").write_text("x")
    shutil.copy(f"{folder}/a", "copy"); shutil.copy2(f"{folder}/a", "copy2"); shutil.make_archive("all", "zip", folder)
with sqlite3.connect("data.sqlite") as database:
    database.execute("create table t (a)"); database.execute("insert into t values (1)")
assert subprocess.run(["sh", "-c", "echo out | cat"], capture_output=True).stdout == b"out\\n"
assert list(concurrent.futures.ThreadPoolExecutor(4).map(abs, [-1, -2])) == [1, 2]
asyncio.run(asyncio.sleep(0))
assert pathlib.Path.home().is_dir() and getpass.getuser() == "sandbox"
pathlib.Path("a").rename("b") if pathlib.Path("a").exists() else pathlib.Path("copy").rename("b")
print(sorted(path.name for path in pathlib.Path().iterdir()))
"""
    assert printed(situation, code) == "['all.zip', 'b', 'copy2', 'data.sqlite']"


@isolated
def test_several_processes_share_work(situation: Situation) -> None:
    code = """
import multiprocessing
from multiprocessing import shared_memory
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(abs, [-1, -2, -3]))
    block = shared_memory.SharedMemory(create=True, size=100); block.close(); block.unlink()
"""
    assert printed(situation, code) == "[1, 2, 3]"


@isolated
def test_server_in_the_sandbox_is_reached_within_it(situation: Situation) -> None:
    code = """
import http.server, threading, urllib.request
server = http.server.HTTPServer(("localhost", 8123), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
open("page.html", "w").write("hello")
print(urllib.request.urlopen("http://localhost:8123/page.html").read().decode())
"""
    assert printed(situation, code) == "hello"


@isolated
def test_sockets_can_be_left_in_the_relay(situation: Situation) -> None:
    code = """
import os, socket
relay = socket.socket(socket.AF_UNIX); relay.bind("/relay/8000"); relay.listen()
other = socket.socket(socket.AF_UNIX); other.connect("/relay/8000")
print(os.path.exists("/relay/8000"))
"""
    assert printed(situation, code) == "True"


@everywhere
def test_scripts_of_ours_are_readable(situation: Situation) -> None:
    code = "import sys; print(open(sys.argv[1]).readline())"
    found = tried(situation, code.replace("sys.argv[1]", "'{inside}/snippet.py'"))
    assert "Runs one snippet confined" in found["output"]


@everywhere
def test_variables_are_the_few_and_the_given(situation: Situation) -> None:
    code = "import os; print(os.environ['GIVEN'], 'SAMANTHA_HOME' in os.environ, 'PYTHONPATH' in os.environ)"
    assert printed(situation, code, variables={"GIVEN": "yes"}) == "yes False False"


@everywhere
def test_readable_grant_lies_at_its_own_place(situation: Situation) -> None:
    code = "import sys; print(open(f'{sys.argv[1]}/a file.csv').read())"
    assert printed(situation, code, files={"a file.csv": "1,2"}, readable=["a file.csv"]) == "1,2"


@everywhere
def test_writable_grant_is_changed_for_good(situation: Situation) -> None:
    code = """
import sys
open(f"{sys.argv[1]}/folder/data", "a").write("new")
open(f"{sys.argv[1]}/folder/more", "w").write("more")
"""
    found = tried(situation, code, files={"folder/data": "old "}, writable=["folder"])
    assert found["after"]["folder/data"]["text"] == "old new"
    assert found["after"]["folder/more"]["text"] == "more"


@everywhere
def test_private_files_can_be_granted_and_are_private_again_afterwards(situation: Situation) -> None:
    """As root, code runs as somebody else, who is let in for as long as it runs."""
    code = "import sys; print(open(f'{sys.argv[1]}/in').read()); open(f'{sys.argv[1]}/out', 'w').write('done')"
    files = {"files": {"in": "private", "out": ""}, "modes": {"in": 0o600, "out": 0o640}}
    found = tried(situation, code, **files, readable=["in"], writable=["out"])
    assert found["output"].strip() == "private"
    after = found["after"]
    assert (after["in"]["mode"], after["out"]["mode"], after["out"]["text"]) == ("0o600", "0o640", "done")
    assert not after["in"]["list"]
    assert not after["out"]["list"]


@everywhere
def test_what_code_makes_in_a_granted_folder_is_the_owners(situation: Situation) -> None:
    code = "import sys; open(f'{sys.argv[1]}/folder/new', 'w').write('x')"
    after = tried(situation, code, files={"folder/old": ""}, writable=["folder"])["after"]
    assert after["folder/new"]["owner"] == after["folder/old"]["owner"]


@everywhere
def test_links_that_code_plants_in_a_granted_folder_are_not_followed_afterwards(situation: Situation) -> None:
    """Taking back what was lent must not touch files outside, which root could."""
    code = """
import os, sys
top = sys.argv[1]
os.rename(f"{top}/folder/sub", f"{top}/folder/gone")
os.symlink(f"{top}/outside", f"{top}/folder/sub")
os.symlink(f"{top}/outside/file", f"{top}/folder/link")
"""
    files = {"folder/sub/file": "x", "outside/file": "x"}
    found = tried(
        situation, code, files=files, modes={"outside/file": 0o600, "folder/sub/file": 0o666}, writable=["folder"]
    )
    assert found["status"] == 0, found["errors"]
    assert found["after"]["outside/file"] == {**found["after"]["outside/file"], "mode": "0o600", "list": False}


@everywhere
def test_nothing_stays_open(situation: Situation) -> None:
    assert tried(situation, "pass")["leaked"] == []


@everywhere
def test_crash_of_code_is_its_own(situation: Situation) -> None:
    assert tried(situation, "import os; os.abort()")["status"] in (-6, 134)


@isolated
@pytest.mark.parametrize("network", [False, True])
def test_way_into_the_network_is_shown_when_granted(situation: Situation, network: bool) -> None:
    code = "import os; print([os.path.exists(f'/etc/{name}') for name in ('resolv.conf', 'ssl')])"
    here = [Path(f"/etc/{name}").exists() for name in ("resolv.conf", "ssl")]
    assert printed(situation, code, network=network) == str(here if network else [False, False])


@isolated
def test_older_bubblewrap_isolates_as_well(situation: Situation) -> None:
    """It knows neither `--size` nor `--disable-userns`, so temporary files lie on the disk that is measured."""
    code = "import os, tempfile; open('/tmp/a', 'w').write('x'); open('/dev/shm/b', 'w'); print(tempfile.gettempdir())"
    found = tried(situation, code, old_bubblewrap=True)
    assert (found["status"], found["output"]) == (0, "/tmp\n")
    assert found["after"]["run/shown/.temporary/a"]["text"] == "x"


def test_what_belongs_to_the_program_is_hidden_where_the_code_may_read(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bubblewrap.missing():
        pytest.skip(f"this computer lacks {bubblewrap.missing()}")
    base = tmp_path / "base"
    for place in (base / "bin", base / "venvs" / "samantha", base / "venvs" / "code" / "bin"):
        place.mkdir(parents=True)
    environment = base / "venvs" / "code"
    (environment / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\n")
    monkeypatch.setattr("sys.prefix", str(base / "venvs" / "samantha"))
    confined = confine_code(("python",), folders=folders, environment=environment, mode="isolated")
    confined.close()
    command = confined.command
    hidden = [
        command[place + 1] for place, part in enumerate(command) if part == "--tmpfs" and command[place + 1] != "/tmp"
    ]
    assert str(base / "venvs" / "samantha") in hidden
    assert not any(environment.is_relative_to(place) for place in hidden)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    found = Folders(*(tmp_path / "run" / name for name in Folders.__struct_fields__))
    for name in Folders.__struct_fields__:
        getattr(found, name).mkdir(parents=True)
    return found


def test_full_access_confines_nothing_but_keeps_our_secrets(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("HF_TOKEN", "secret")
    confined = confine_code(("python",), folders=folders, environment=None, access=Access(full=True))
    assert confined.mode == "none"
    assert confined.command[-1] == "python"
    assert "bwrap" not in " ".join(confined.command)
    assert confined.environment["DISPLAY"] == ":7"
    assert not {"HF_TOKEN", "SAMANTHA_HOME"} & set(confined.environment)


def test_without_a_sandbox_there_is_a_sentence(folders: Folders) -> None:
    with pytest.raises(SandboxError, match="full access"):
        confine_code(("python",), folders=folders, environment=None, mode="none")


def test_broken_environment_is_named(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"install\.py"):
        confine_code(("python",), folders=folders, environment=tmp_path / "nothing")


def test_missing_bubblewrap_is_named(folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="bwrap is missing"):
        confine_code(("python",), folders=folders, environment=None, mode="isolated")
