"""The installer from end to end, on tiny packages: what it does, does not do twice, and goes on with."""

import contextlib
import fcntl
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.installation import tiny_backend
from tests.installation.offline import Checkout

ORIGIN = "import llama_cpp; print(llama_cpp.ORIGIN)"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout that was installed once; environments take seconds to make."""
    checkout = Checkout(tmp_path_factory.mktemp("installed") / "place")
    done = checkout.install()
    assert done.returncode == 0, done.stderr
    shutil.copytree(checkout.place, checkout.place.with_name("backup"), symlinks=True)
    return checkout


@pytest.fixture
def checkout(template: Checkout) -> Checkout:
    """The installed checkout as it was, in its place: an environment that was moved counts as broken."""
    shutil.rmtree(template.place)
    shutil.copytree(template.place.with_name("backup"), template.place, symlinks=True)
    return Checkout(template.place)


def test_opens_after_installing_and_then_does_nothing_twice(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    first = checkout.run("sh", "open_samantha.sh", "run", "two words", "--open")
    assert (first.returncode, first.stdout) == (0, "samantha run two words --open\n"), first.stderr
    assert "making .venv" in first.stderr
    assert "done in" in first.stderr
    assert checkout.python("import pebble; print(pebble.WEIGHT)") == "1"
    before = snapshot(checkout.folder)
    again = checkout.run("sh", "open_samantha.sh", "fail")
    assert (again.returncode, again.stdout, again.stderr) == (3, "samantha fail\n", "")
    assert snapshot(checkout.folder) == before


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_a_build_that_was_ended_leaves_no_process_and_is_gone_on_with(checkout: Checkout, tmp_path: Path) -> None:
    unbuilt(checkout)
    gate = tmp_path / "gate"
    checkout.variables["TINY_GATE"] = str(gate)
    process = checkout.start(sys.executable, "install.py")
    pid = wait_for(gate.with_suffix(".pid"))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "Start again" in errors
    wait_for_end(pid)
    gate.touch()
    again = checkout.install("--open")
    assert again.returncode == 0, again.stderr
    assert "making .venv" not in again.stderr
    assert "requirements.txt" not in again.stderr
    assert "building llama.cpp [" in again.stderr
    assert checkout.python(ORIGIN) == "built"


def unbuilt(checkout: Checkout) -> None:
    """As before llama-cpp-python was installed, and no wheel kept."""
    checkout.forget("llama-cpp-python")
    shutil.rmtree(checkout.cache)


def wait_for(path: Path) -> str:
    while not path.exists() or not path.read_text():
        time.sleep(0.05)
    return path.read_text()


def wait_for_end(pid: str) -> None:
    """Until the process runs no more; one that nobody has asked about yet stays listed as a zombie (Z)."""
    status = Path(f"/proc/{pid}/stat")
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.05)


def test_packages_of_a_step_that_was_killed_are_installed_again(checkout: Checkout) -> None:
    path = Path(checkout.python("import pebble; print(pebble.__file__)"))
    path.write_text("WEI")
    checkout.forget("requirements.txt", instead="unfinished")
    assert checkout.install().returncode == 0
    assert checkout.python("import pebble; print(pebble.WEIGHT)") == "1"


def test_an_environment_whose_python_does_not_run_is_made_anew(checkout: Checkout) -> None:
    for name in ("python", "python3"):
        link = checkout.folder / ".venv" / "bin" / name
        link.unlink()
        link.symlink_to("/nowhere/python3")
    again = checkout.run("sh", "open_samantha.sh", "hello")
    assert (again.returncode, again.stdout) == (0, "samantha hello\n"), again.stderr
    assert "made anew" in again.stderr


def test_a_moved_checkout_is_installed_anew_and_uses_the_kept_wheel(checkout: Checkout) -> None:
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    shutil.rmtree(checkout.index / "llama_cpp_python-9.9.9")
    (checkout.index / "llama_cpp_python-9.9.9.tar.gz").unlink()
    again = checkout.run("sh", "open_samantha.sh", "hello")
    assert (again.returncode, again.stdout) == (0, "samantha hello\n"), again.stderr
    assert "built here before" in again.stderr
    assert checkout.python(ORIGIN) == "built"


def test_fresh_builds_again(checkout: Checkout) -> None:
    keep(checkout, "pass")
    fresh = checkout.install("--fresh")
    assert fresh.returncode == 0, fresh.stderr
    assert "making .venv" in fresh.stderr
    assert checkout.python(ORIGIN) == "built"


def keep(checkout: Checkout, load: str) -> None:
    """Put another wheel in the place of the kept one."""
    kept = next(checkout.cache.rglob("*.whl"))
    tiny_backend.write_wheel(kept.parent, "llama_cpp_python", "9.9.9", tiny_backend.llama("kept", load))


@pytest.mark.parametrize(("load", "origin"), [("pass", "kept"), ("import os; os.abort()", "built")])
def test_the_kept_wheel_is_used_where_it_loads(checkout: Checkout, load: str, origin: str) -> None:
    keep(checkout, load)
    checkout.forget("llama-cpp-python")
    assert checkout.install().returncode == 0
    assert checkout.python(ORIGIN) == origin


def test_an_environment_made_by_other_hands_is_used(checkout: Checkout) -> None:
    (checkout.folder / ".venv" / "installed.json").unlink()
    (checkout.folder / ".venv" / "own.txt").touch()
    assert checkout.install().returncode == 0
    assert (checkout.folder / ".venv" / "own.txt").exists()
    assert checkout.python(ORIGIN) == "built"


def test_a_changed_lock_file_is_installed(checkout: Checkout) -> None:
    wheel = tiny_backend.write_wheel(checkout.index, "pebble", "2.0", {"pebble.py": "WEIGHT = 2\n"})
    checkout.write("requirements.txt", f"pebble==2.0 --hash=sha256:{checkout.digest(wheel)}\n")
    again = checkout.install()
    assert again.returncode == 0, again.stderr
    assert "llama" not in again.stderr
    assert checkout.python("import pebble; print(pebble.WEIGHT)") == "2"


def test_a_package_that_is_not_the_locked_one_is_refused(checkout: Checkout) -> None:
    tiny_backend.write_wheel(checkout.index, "pebble", "2.0", {"pebble.py": "WEIGHT = 'evil'\n"})
    checkout.write("requirements.txt", f"pebble==2.0 --hash=sha256:{'0' * 64}\n")
    refused = checkout.install("--open")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not the one that was locked" in refused.stderr
    assert checkout.python("import pebble; print(pebble.WEIGHT)") == "1"


def test_without_compiler_and_wheel_one_sentence_says_what_to_install(checkout: Checkout, tmp_path: Path) -> None:
    unbuilt(checkout)
    checkout.variables["PATH"] = str(tmp_path)
    missing = checkout.install()
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].startswith("Samantha is not installed yet. llama.cpp has to be compiled")
    assert "build-essential" in missing.stderr or sys.platform != "linux"


def test_one_installation_waits_for_the_other(checkout: Checkout) -> None:
    checkout.forget("samantha")
    with (checkout.folder / "install.log").open("w") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        process = checkout.start(sys.executable, "install.py")
        assert process.stderr is not None
        assert "waiting" in process.stderr.readline()
    _, errors = process.communicate()
    assert process.returncode == 0
    assert "installing samantha" in errors


def test_a_log_that_cannot_be_written_is_told(checkout: Checkout) -> None:
    checkout.forget("samantha")
    (checkout.folder / "install.log").unlink()
    (checkout.folder / "install.log").mkdir()
    refused = checkout.install()
    assert refused.returncode == 1
    assert "install.log cannot be written" in refused.stderr


@pytest.mark.parametrize(("load", "origin"), [("pass", "prebuilt"), ("raise OSError('no such instruction')", "built")])
def test_the_prebuilt_wheel_is_used_where_it_loads(checkout: Checkout, tmp_path: Path, load: str, origin: str) -> None:
    unbuilt(checkout)
    folder = tmp_path / "wheels" / "llama-cpp-python"
    folder.mkdir(parents=True)
    wheel = tiny_backend.write_wheel(folder, "llama_cpp_python", "9.9.9", tiny_backend.llama("prebuilt", load))
    (folder / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    del checkout.variables["PIP_NO_INDEX"]
    with served(tmp_path) as address:
        checkout.variables["SAMANTHA_LLAMA_WHEELS"] = f"{address}/wheels"
        done = checkout.install()
    assert done.returncode == 0, done.stderr
    assert checkout.python(ORIGIN) == origin


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server over a folder, on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_variables_that_point_elsewhere_do_not_mislead(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    checkout.variables |= {"PIP_TARGET": str(elsewhere), "PYTHONPATH": str(elsewhere)}
    checkout.forget("requirements.txt", instead="unfinished")
    assert checkout.install().returncode == 0
    assert not elsewhere.exists()
    assert checkout.python("import pebble; print(pebble.WEIGHT)") == "1"
