"""Proof that the sandbox holds: real attacks, run in it, before any code is. Proof decides, not presence.

The attacks stand in `attacks.py`. Any that succeeds, or a canary that does not sing, means `none`. Only when bubblewrap
cannot start at all is the next best sandbox tried, with a proof of its own.
"""

import contextlib
import hashlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from samantha import settings
from samantha.errors import SandboxError
from samantha.sandbox.access import KIB, MIB, Folders, Limits, Mode
from samantha.sandbox.code import available, confine_code, lacking
from samantha.sandbox.confined import VARIABLES, Confined
from samantha.sandbox.linux import began, is_root, running_threads, spaces

LIMITS = Limits(cpu_seconds=30, memory=64 * MIB, file_size=64 * KIB, disk=4 * MIB, processes=12, open_files=32)
"""Small, so that exceeding them takes no time; set by the same means as any others."""

PATIENCE = 10.0
"""Seconds for all attacks: a hundred times what they take."""

LARGEST_REPORT = 64 * KIB
_ATTACKS = Path(__file__).with_name("attacks.py")

SENTENCES = {
    "read": "code in the sandbox could read a file outside its folders",
    "write": "code in the sandbox could write outside its folders",
    "connect": "code in the sandbox could connect to a port or socket of the program",
    "look": "code in the sandbox could see the program's variables, open files or processes, or devices",
    "gain_rights": "code in the sandbox could gain rights or make namespaces",
    "enter_process": "code in the sandbox could read another process's memory",
    "enter_kernel": "code in the sandbox could use io_uring, the keyring or similar parts of the kernel",
    "exceed": "code in the sandbox could use more memory, files or processes than allowed",
    "survive": "code in the sandbox went on after it was killed",
}


class Proof(msgspec.Struct, frozen=True):
    """What holds on this computer, why not more (in words, none when `isolated`), and how long the attacks took."""

    mode: Mode
    failures: tuple[str, ...]
    seconds: float


class _Unable(Exception):
    """This sandbox cannot be started here."""


def prove(environment: Path | None = None) -> Proof:
    """Attack the best sandbox there is, as the Python of `environment`, or the program's own when there is none yet."""
    begun = time.perf_counter()
    failures = list(lacking())
    for mode in available():
        if mode == "none":
            break
        try:
            harm = _attacked(mode, environment)
        except (_Unable, SandboxError, OSError) as error:
            failures.append(f"the {mode} sandbox does not start ({str(error).rstrip('.')})")
            continue
        failures += harm
        return Proof("none" if harm else mode, tuple(failures), time.perf_counter() - begun)
    return Proof("none", tuple(failures), time.perf_counter() - begun)


def _attacked(mode: Mode, environment: Path | None) -> list[str]:
    """What went wrong, in words.

    Raises:
        _Unable: it ended with an error before anything was tried.
    """
    nonce = secrets.token_hex(16)
    with _bait() as (folders, job):
        job |= {"nonce": nonce, "mode": mode, "spaces": spaces(mode), **_excesses(mode)}
        code = _ATTACKS.read_text("utf-8")
        command = (_python(environment), "-I", "-S", "-B", "-c", code, json.dumps(job))
        confined = confine_code(command, folders=folders, environment=environment, limits=LIMITS, mode=mode)
        try:
            report, survived = _sung(confined)
        finally:
            confined.close()
        return _failures(report, survived, folders, nonce, [Path(name) for name in job["secrets"]])


def _python(environment: Path | None) -> str:
    if environment is None:
        return str(getattr(sys, "_base_executable", sys.executable))
    return str(environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


def _excesses(mode: Mode) -> dict[str, int]:
    """What is just too much."""
    already = running_threads() if mode == "reduced" and not is_root() else 0
    return {
        "address_space": LIMITS.address_space, "file_size": LIMITS.file_size, "open_files": LIMITS.open_files,
        "processes": LIMITS.processes + already, "temporary": LIMITS.temporary,
    }  # fmt: skip


@contextlib.contextmanager
def _bait() -> Iterator[tuple[Folders, dict[str, Any]]]:
    """Folders for the canary, and what it must not reach: secrets, a port, two sockets, this very process."""
    top = Path(tempfile.mkdtemp(prefix="canary-", dir=_made(settings.data_folder() / "work")))
    elsewhere = Path(tempfile.mkdtemp(prefix="canary-"))
    with contextlib.ExitStack() as stack:
        for folder in (top, elsewhere):
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folders = Folders(*(_made(top / name) for name in Folders.__struct_fields__))
        hidden = [_made(folder / "outside") / "secret" for folder in (top, elsewhere)]
        for path in hidden:
            path.write_text("a secret")
            for place, mode in ((path, 0o644), (path.parent, 0o777), (path.parent.parent, 0o755)):
                place.chmod(mode)  # it is the sandbox that must keep them, not their modes
        folders.code.chmod(0o777)
        job = {"secrets": [str(path) for path in hidden], "code": [str(folders.code), "/code", "/sandbox/code"]}
        yield folders, {**job, **_doors(stack, elsewhere), **_ourselves()}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _doors(stack: contextlib.ExitStack, folder: Path) -> dict[str, Any]:
    """A port and sockets of the program that answer whoever connects. Nothing is accepted: the kernel answers."""
    port = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    doors: dict[str, Any] = {"port": port.getsockname()[1], "socket": "", "abstract": ""}
    if sys.platform == "win32":
        return doors
    addresses = {"socket": str(folder / "door")}
    if sys.platform == "linux":
        addresses["abstract"] = f"\0canary-{secrets.token_hex(8)}"
    for name, address in addresses.items():
        door = stack.enter_context(socket.socket(socket.AF_UNIX))
        door.bind(address)
        door.listen()
        if name == "socket":
            Path(address).chmod(0o777)
        doors[name] = address.removeprefix("\0")
    return doors


def _ourselves() -> dict[str, Any]:
    """How the program is recognised among processes, and the variables that code may have."""
    known = sorted({*VARIABLES, "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"})
    return {"program": os.getpid(), "began": began(os.getpid()), "root": is_root(), "variables": known}


def _sung(confined: Confined) -> tuple[dict[str, Any], bool]:
    """The canary's report, and whether anything of it outlived its being killed.

    Raises:
        _Unable: it ended with an error before it began.
    """
    process = confined.start(subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    with process.stdout as output, process.stderr as errors:
        lines = _lines(output.fileno(), 2, PATIENCE)
        if not lines and (status := _status(process)):
            raise _Unable(_last_line(errors.fileno()) or f"it ended with status {status}")
        _kill(process)
        survived = bool(_lines(output.fileno(), 1, 2.0) is None)
    try:
        report = json.loads(lines[1]) if lines and len(lines) == 2 else {}
    except ValueError:
        report = {}
    return report if isinstance(report, dict) else {}, survived


def _status(process: "subprocess.Popen[bytes]") -> int:
    """How it ended by itself; 0 when it has not."""
    try:
        return process.wait(1.0)
    except subprocess.TimeoutExpired:
        return 0


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _lines(descriptor: int, count: int, patience: float) -> list[bytes] | None:
    """The next lines, fewer at the end of the stream; None when neither came in time."""
    until, content = time.monotonic() + patience, b""
    while content.count(b"\n") < count and len(content) < LARGEST_REPORT:
        if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
            return None
        part = os.read(descriptor, LARGEST_REPORT)
        if not part:
            break
        content += part
    return content.splitlines()


def _last_line(descriptor: int) -> str:
    lines = [line for line in _lines(descriptor, 50, 0.2) or [] if line.strip()]
    return lines[-1].decode(errors="replace")[:300] if lines else ""


def _failures(report: dict[str, Any], survived: bool, folders: Folders, nonce: str, hidden: list[Path]) -> list[str]:
    """Fails closed: what is not shown to be well counts as wrong."""
    expected = hashlib.sha256(nonce.encode()).hexdigest()
    harm = report.get("succeeded")
    named = isinstance(harm, list) and all(name in SENTENCES for name in harm)
    if report.get("answer") != expected or not isinstance(harm, list) or not named:
        return ["the canary in the sandbox did not report what it found"]
    found = dict.fromkeys(harm)
    written = [path.with_name(f"{path.name}.written") for path in hidden]
    if any(path.exists() for path in written) or any(folders.code.iterdir()):
        found["write"] = None
    if survived:
        found["survive"] = None
    failures = [SENTENCES[name] for name in found]
    if _plain_text(folders.box / "answer") != expected:
        failures.append("code in the sandbox could not write in its own folder")
    return failures


def _plain_text(path: Path) -> str:
    """What a plain file holds, if it is one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(KIB).decode(errors="replace")
