"""Keeps one server that a user opened, JupyterLab or D-Tale: `python -m samantha.code.keeper`, a process of its own.

It starts the server in the sandbox, waits until it answers, tells its address and passes visitors on to it until either
ends. It lives apart from the program, so that the page may be closed and the command line may return; whoever started
it puts it into the register, and ending it ends everything. What is served, and why, stands in `tools.py`.
"""

import collections
import contextlib
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, NoReturn

import msgspec

from samantha.code.forwarding import Forwarder
from samantha.code.watch import Watch
from samantha.errors import SandboxError
from samantha.sandbox.access import Access, Folders, Limits
from samantha.sandbox.code import confine_code
from samantha.sandbox.confined import Confined

PATIENCE = 180.0
"""Seconds that a server may take until it answers: a cold disk and a virus scanner can take long."""

PATIENCE_AT_END = 0.5
"""Less than `background.PATIENCE`: there must be time left to tidy up."""

LOOK = 0.05
KEPT_LINES = 50


class Service(msgspec.Struct, frozen=True):
    """A server to start.

    Args:
        command: what is run. In it and in `at_socket` and `at_port`, `{box}`, `{socket}` and `{port}` stand for what
            the server sees under these names; `{inside}` is `confine_code`'s to fill in.
        at_socket: arguments that make it listen at a Unix socket, for a server in a network of its own.
        at_port: arguments that make it listen at a port of this computer, for one that shares its network.
        token: given to it as the first line of its standard input.
    """

    command: tuple[str, ...]
    at_socket: tuple[str, ...]
    at_port: tuple[str, ...]
    folders: Folders
    environment: Path
    inside: Path
    access: Access
    limits: Limits
    variables: dict[str, str] = {}
    token: str = ""

    def told(self) -> bytes:
        """As the keeper reads it."""
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def heard(cls, told: bytes) -> "Service":
        """What `told` told."""
        return msgspec.json.decode(told, type=cls, dec_hook=lambda _kind, text: Path(text))


class Answer(msgspec.Struct, frozen=True):
    """What the keeper says on its standard output, once: the address of the server, or why there is none.

    `pid` is the process whose end is the end of all: the keeper, or the server where no sandbox dies with its keeper.
    """

    url: str = ""
    pid: int = 0
    problem: str = ""


def main() -> NoReturn:
    """Keep the server that standard input describes; the exit status is the server's."""
    service = Service.heard(sys.stdin.buffer.read())
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        kept = _Kept(service)
    except (OSError, SandboxError) as error:
        _say(Answer(problem=str(error)))
        sys.exit(1)
    try:
        sys.exit(kept.keep())
    finally:
        kept.end()


def _say(answer: Answer) -> None:
    """The one answer; afterwards nobody reads here."""
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


class _Kept:
    """The server's process and the way to it."""

    def __init__(self, service: Service) -> None:
        """Start it.

        Raises:
            OSError, SandboxError: it cannot be started.
        """
        self._service = service
        self._socket = service.folders.relay / f"tool-{secrets.token_hex(4)}"
        self._shares_network = service.access.full or service.access.network
        self._port = _free_port() if self._shares_network else 0
        self._lines: collections.deque[bytes] = collections.deque(maxlen=KEPT_LINES)
        self._confined = self._made_ready()
        try:
            self._process = self._confined.start(subprocess.PIPE, subprocess.PIPE, subprocess.STDOUT)
        except OSError:
            self._confined.close()
            raise
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError), self._process.stdin as entrance:
            entrance.write(service.token.encode() + b"\n")
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def keep(self) -> int:
        """Until the server ends; its exit status."""
        if not self._answers():
            _say(Answer(problem=self._problem()))
            return 1
        if self._service.access.full:
            _say(Answer(f"http://127.0.0.1:{self._port}/", self._process.pid))
            return self._process.wait()
        forwarder = Forwarder(lambda _port: self._connected(), 0)
        watched = (self._service.folders.box, self._service.folders.relay)
        watch = Watch(self._process.pid, watched, self._service.limits, self._process.kill)
        _say(Answer(forwarder.url, os.getpid()))
        status = self._process.wait()
        watch.finish()
        return status

    def end(self) -> None:
        """End the server if it has not ended, and take back what was lent for it."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_AT_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._confined.close()
        with contextlib.suppress(OSError):
            self._socket.unlink()

    def _made_ready(self) -> Confined:
        service = self._service
        listening = service.at_port if self._shares_network else service.at_socket
        confined = confine_code(
            (*service.command, *listening), folders=service.folders, environment=service.environment,
            inside=service.inside, access=service.access, limits=service.limits, variables=service.variables,
            mode="isolated",
        )  # fmt: skip
        names = {"box": confined.seen.box, "socket": confined.seen.relay / self._socket.name, "port": self._port}
        for name, value in names.items():
            confined.command = tuple(part.replace("{" + name + "}", str(value)) for part in confined.command)
        return confined

    def _answers(self) -> bool:
        """Wait until it takes connections; False when it ends or takes too long."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                self._connected().close()
                return True
            time.sleep(LOOK)
        return False

    def _connected(self) -> socket.socket:
        if self._shares_network:
            return socket.create_connection(("127.0.0.1", self._port), 1)
        return _connected(self._socket)

    def _problem(self) -> str:
        """The last thing it wrote, or how it ended."""
        status = self._process.poll()
        if status is None:
            return f"it did not answer within {PATIENCE:.0f} s"
        time.sleep(LOOK)  # what it wrote last may still be on its way
        lines = [line.decode("utf-8", "replace").strip() for line in self._lines]
        return next((line for line in reversed(lines) if line), f"it ended with status {status}")[:500]

    def _read(self, stream: IO[bytes]) -> None:
        """Read what it writes, so that it never waits, and keep the end."""
        while data := stream.read(1 << 12):
            self._lines.extend(data.splitlines())


def _connected(path: Path) -> socket.socket:
    """A connection to the server's socket.

    The folder is the sandbox's to write, so a link there is not followed: it could lead to a socket of this computer.

    Raises:
        OSError: nothing listens there, or it is no socket.
    """
    place = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if not stat.S_ISSOCK(os.fstat(place).st_mode):
            raise ConnectionRefusedError(f"{path} is no socket")
        connection.connect(f"/proc/self/fd/{place}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(place)
    return connection


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
