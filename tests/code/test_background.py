"""The register of background processes: real processes, found and ended from here and from elsewhere."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from samantha.code import background
from samantha.code.code import CodeError

ROOT = Path(__file__).parents[2]

SLEEPER = "print('up', flush=True)\nimport time\ntime.sleep(600)"
DEAF = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SLEEPER}"
FAMILY = """
import subprocess, sys
code = "import signal, time\\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\\nprint('up', flush=True)\\ntime.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""

posix = pytest.mark.skipif(os.name == "nt", reason="sessions of POSIX")

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Python program in a session of its own and waits for its first line, which becomes `said`."""
    started = []

    def start(code: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
        started.append(child)
        child.said = child.stdout.readline().strip()  # type: ignore[attr-defined]
        return child

    yield start
    for child in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()


def running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def gone(pid: int) -> bool:
    """Whether it ends within the patience of a test: what was killed needs a moment to go."""
    deadline = time.monotonic() + 30
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(pid)


def test_what_is_registered_is_listed_oldest_first(start: Start) -> None:
    first = background.register(start(SLEEPER).pid, "JupyterLab", "http://127.0.0.1:1/?token=x", "r1")
    second = background.register(start(SLEEPER).pid, "D-Tale")
    assert background.entries() == (first, second)
    assert (first.title, first.url, first.run) == ("JupyterLab", "http://127.0.0.1:1/?token=x", "r1")


def test_nothing_is_registered_at_first() -> None:
    assert background.entries() == ()
    assert background.close_all() == 0


def test_one_that_has_ended_is_forgotten(start: Start, samantha_home: Path) -> None:
    child = start(SLEEPER)
    background.register(child.pid, "short")
    child.kill()  # and not waited for: a zombie has ended too
    assert gone(child.pid)
    assert background.entries() == ()
    assert not list((samantha_home / "work" / "processes").iterdir())


def test_closing_ends_the_process_and_what_it_started(start: Start) -> None:
    child = start(FAMILY)
    grandchild = int(child.said)
    background.close(background.register(child.pid, "family"))
    assert not running(child.pid)
    assert not running(grandchild)
    assert background.entries() == ()


def test_one_that_does_not_listen_is_killed(start: Start) -> None:
    child = start(DEAF)
    background.close(background.register(child.pid, "deaf"))
    assert not running(child.pid)


@posix
def test_what_outlives_its_parent_is_still_ended(start: Start) -> None:
    child = start(FAMILY)
    grandchild = int(child.said)
    entry = background.register(child.pid, "family")
    child.kill()
    child.wait()
    assert running(grandchild)
    assert background.entries() == (entry,)
    background.close(entry)
    assert not running(grandchild)


def test_closing_twice_is_no_error(start: Start) -> None:
    entry = background.register(start(SLEEPER).pid, "twice")
    background.close(entry)
    background.close(entry)


def test_a_process_that_took_over_the_id_is_left_alone(start: Start, samantha_home: Path) -> None:
    child = start(SLEEPER)
    entry = background.register(child.pid, "old")
    path = samantha_home / "work" / "processes" / f"{entry.id}.json"
    path.write_bytes(path.read_bytes().replace(entry.birth.encode(), entry.birth[:-1].encode() + b"?"))
    assert background.entries() == ()
    assert background.close_all() == 0
    assert running(child.pid)


def test_another_program_ends_what_this_one_started(start: Start) -> None:
    children = [start(SLEEPER), start(DEAF)]
    for child in children:
        background.register(child.pid, "from here")
    program = "from samantha.code import background; print(background.close_all())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2\n", "")
    assert not any(running(child.pid) for child in children)
    assert background.entries() == ()


@posix
def test_what_a_program_left_behind_when_it_was_killed_can_be_ended() -> None:
    program = f"""
import subprocess, sys, time
from samantha.code import background
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}], stdout=subprocess.DEVNULL, start_new_session=True)
background.register(child.pid, "left behind")
print(child.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        left = int(owner.stdout.readline())
        owner.kill()
    assert running(left)
    assert background.close_all() == 1
    assert gone(left)


def test_only_those_of_a_run_are_closed_when_it_is_named(start: Start) -> None:
    mine, other = start(SLEEPER), start(SLEEPER)
    background.register(mine.pid, "mine", run="r1")
    kept = background.register(other.pid, "other", run="r2")
    assert background.close_all(run="r1") == 1
    assert background.entries() == (kept,)
    assert running(other.pid)


def test_a_process_that_has_ended_cannot_be_registered() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with pytest.raises(CodeError, match="D-Tale has already ended"):
        background.register(child.pid, "D-Tale")


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "x"}', b"\xff\xfe", b"[]"])
def test_a_damaged_file_hides_no_other(start: Start, samantha_home: Path, content: bytes) -> None:
    entry = background.register(start(SLEEPER).pid, "whole")
    (samantha_home / "work" / "processes" / "damaged.json").write_bytes(content)
    assert background.entries() == (entry,)


def test_a_register_that_cannot_be_written_is_told(start: Start, samantha_home: Path) -> None:
    samantha_home.mkdir()
    (samantha_home / "work").write_text("a file where the folder should be")
    with pytest.raises(CodeError, match="D-Tale cannot be noted in"):
        background.register(start(SLEEPER).pid, "D-Tale")


@posix
def test_the_register_is_read_by_nobody_else(start: Start, samantha_home: Path) -> None:
    entry = background.register(start(SLEEPER).pid, "JupyterLab", "http://127.0.0.1:1/?token=secret")
    folder = samantha_home / "work" / "processes"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / f"{entry.id}.json").stat().st_mode & 0o077 == 0
