"""Saying what is done, running commands, the log, and turning a command's failure into one sentence.

What is not here: any knowledge of what is installed.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "install.log"
WINDOWS = os.name == "nt"

ADVICE = (
    (r"No space left|not enough space|ENOSPC", "The disk is full: free about 5 GB and start again."),
    (r"DO NOT MATCH THE HASHES|[Hh]ash mismatch", "A package is not the one that was locked: check the mirror in use."),
    (r"Killed signal|out of memory", "Memory ran out: set CMAKE_BUILD_PARALLEL_LEVEL=1 and start again."),
    (
        r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer",
        "The package index shows a certificate not known here: set SSL_CERT_FILE and PIP_CERT to a file that has"
        " your network's own, and start again.",
    ),
    (
        r"name resolution|dns error|resolve host|sending request|unreachable|timed? ?out|Connection|No matching dist",
        "The package index cannot be reached: check the network and start again; what is done stays done.",
    ),
    (r"Permission denied|Access is denied", f"A file cannot be written: check that {ROOT} is yours and not in use."),
)
"""What a failed command printed, and what to do about it; the first that is found counts."""

MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONHOME", "PYTHONPATH", "UV_SYSTEM_PYTHON", "UV_TARGET")
"""Variables that would send packages elsewhere than into the environment they are meant for."""


class InstallError(Exception):
    """The installation cannot go on; the message says what to do."""


class Lock:
    """One installation at a time: holds its log open, and locked, while it works."""

    log: IO[str] | None = None
    path = LOG

    def __init__(self, path: Path = LOG) -> None:
        Lock.path = path

    def __enter__(self) -> Lock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            Lock.log = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            where = self.path.parent
            raise InstallError(f"{self.path} cannot be written ({error.strerror}): make {where} writable.") from error
        if not self._taken(Lock.log):
            print("Another installation is at work here; waiting for it ...", file=sys.stderr, flush=True)
            while not self._taken(Lock.log):
                time.sleep(0.5)
        Lock.log.truncate(0)
        return self

    @staticmethod
    def _taken(log: IO[str]) -> bool:
        try:
            if sys.platform == "win32":
                import msvcrt

                log.seek(1 << 30)
                msvcrt.locking(log.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        if Lock.log is not None:
            Lock.log.close()
            Lock.log = None


def say(text: str) -> None:
    """A line for the person, on standard error (standard output belongs to the program), and for the log."""
    print(text, file=sys.stderr, flush=True)
    log(text)


def log(text: str) -> None:
    """Text for the log, when there is one: a start that does nothing opens none."""
    if Lock.log is not None:
        Lock.log.write(text.rstrip("\n") + "\n")
        Lock.log.flush()


@contextlib.contextmanager
def timed(title: str) -> Iterator[None]:
    """Says what is done and, after it, how long it took."""
    say(f"- {title}")
    started = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - started:.1f} s")


def in_background(command: Sequence[object]) -> None:
    """Start a command that goes on after this program, at no terminal and as nobody's child."""
    words = [str(word) for word in command]
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    else:
        # The shell ends at once, so what it started is never a zombie of the program that takes this one's place.
        words = ["sh", "-c", 'nice "$@" &', "sh", *words]
    process = subprocess.Popen(
        words,
        cwd=ROOT,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=flags,
        start_new_session=True,
    )
    if sys.platform != "win32":
        process.wait()


def clock(seconds: float) -> str:
    """`0:07`, `12:31`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def child_environment(**variables: str) -> dict[str, str]:
    """The environment of every child: the user's own with its mirrors, less what would misdirect packages."""
    return {**{key: value for key, value in os.environ.items() if key not in MISLEADING}, **variables}


def run(command: Sequence[object], timeout: float | None = None, variables: Mapping[str, str] | None = None) -> None:
    """Run a command to its end; what it prints goes to the log.

    Raises:
        InstallError: it failed, could not be started or took longer than `timeout` seconds.
    """
    words = [str(word) for word in command]
    log("$ " + " ".join(words))
    try:
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=child_environment(**(variables or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{words[0]} could not run: {error}") from error
    log(done.stdout)
    if done.returncode:
        raise InstallError(advice(done.stdout, done.returncode))


def advice(output: str, status: int) -> str:
    """One sentence that says what to do about a command that failed with this output."""
    for pattern, sentence in ADVICE:
        if re.search(pattern, output):
            return f"{sentence} (Details: {Lock.path})"
    lines = [line.strip() for line in output.splitlines() if line.strip()] or [f"exit status {status}"]
    return f"{lines[-1][:300]} (Details: {Lock.path}; start again when that is mended.)"


def quiet(command: Sequence[object]) -> str:
    """What a command prints; empty when it fails or is not there."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
