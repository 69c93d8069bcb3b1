"""A warm interpreter of the code environment, seen from outside: it gets jobs and tells how they ended.

`Serving` is one process for many jobs, forked for each (Linux, isolated), `Once` one process for one job (everywhere).
What they may touch was decided by `sandbox`; which limits end them, by the runner.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any, Protocol

import msgspec

from samantha.sandbox.confined import Confined

PACKET = 1 << 16

LOOK, SETTLED, IDLE = 0.25, 1.5, 0.3
"""Seconds between two looks whether a process serves; how long it must listen; the share of a processor below which it
counts as waiting for visitors."""


class Ended(msgspec.Struct, frozen=True):
    """How a job ended: exit status (negative: signal; None: the interpreter died with it), peak memory in bytes."""

    status: int | None
    memory: int = 0
    background: tuple[int, ...] = ()
    """Ports that processes of the job go on serving."""


class Job(msgspec.Struct, frozen=True):
    """What the code environment is told, under the names that it sees."""

    source: str
    name: str
    box: str
    shown: str
    html: str = ""
    links: tuple[str, ...] = ()
    """Granted files, which get a link of their name in the box."""


class Output(Protocol):
    """What a job writes: `fileno()` is a descriptor to read from until its end."""

    def fileno(self) -> int:
        """The descriptor."""

    def close(self) -> None:
        """Read no more."""


class Interpreter(Protocol):
    """One sandbox with an interpreter that is ready, or becomes so while nobody waits."""

    pid: int

    def begin(self, job: Job, started: Callable[[], None], ended: Callable[[Ended], None]) -> tuple[Output, Output]:
        """Start a job: its standard output and errors. Both are called once, from another thread."""

    def usable(self) -> bool:
        """Whether another job may begin here."""

    def kill(self) -> None:
        """End everything in it, at once."""

    def complaint(self) -> str:
        """The last line it wrote to its own standard error: why it did not start."""


class Serving:
    """One process that forks for each job."""

    def __init__(self, confined: Confined) -> None:
        """Start it; it warms up by itself.

        Raises:
            OSError: it cannot be started.
        """
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = confined.start(theirs, subprocess.DEVNULL, subprocess.PIPE)
        self._confined = confined
        self.pid = self._process.pid
        self._errors = _Tail(self._process.stderr)
        self._lock = threading.Lock()
        self._started: Callable[[], None] | None = None
        self._ended: Callable[[Ended], None] | None = None
        self._connections: dict[int, queue.SimpleQueue[socket.socket | None]] = {}
        self._asked = 0
        self._dead = False
        threading.Thread(target=self._listen, name="code environment", daemon=True).start()

    def begin(self, job: Job, started: Callable[[], None], ended: Callable[[Ended], None]) -> tuple[Output, Output]:
        """See `Interpreter`."""
        pipes = [os.pipe(), os.pipe()]
        readers = [os.fdopen(reader, "rb", buffering=0) for reader, _ in pipes]
        with self._lock:
            self._started, self._ended = started, ended
            dead = self._dead
        try:
            message = msgspec.json.encode({"job": job})
            socket.send_fds(self._control, [message], [writer for _, writer in pipes])
        except OSError:
            dead = True
        for _, writer in pipes:
            os.close(writer)
        if dead:
            self._tell_end(Ended(None))
        return readers[0], readers[1]

    def usable(self) -> bool:
        """See `Interpreter`."""
        return not self._dead and self._process.poll() is None

    def kill(self) -> None:
        """See `Interpreter`."""
        _kill_group(self._process)
        self._confined.close()
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def complaint(self) -> str:
        """See `Interpreter`."""
        return self._errors.last()

    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        """A connection to a port that listens inside.

        Raises:
            OSError: nothing listens there, or the sandbox is gone.
        """
        answer: queue.SimpleQueue[socket.socket | None] = queue.SimpleQueue()
        with self._lock:
            self._asked += 1
            number = self._asked
            self._connections[number] = answer
        try:
            self._control.send(json.dumps({"connect": port, "id": number}).encode())
            connection = answer.get(timeout=timeout)
        except queue.Empty:
            connection = None
        finally:
            with self._lock:
                self._connections.pop(number, None)
        if connection is None:
            raise ConnectionRefusedError(f"nothing answers at port {port} of the sandbox")
        return connection

    def _listen(self) -> None:
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._control, PACKET, 1)
            except OSError:
                data = b""
            if not data:
                break
            self._take(json.loads(data), descriptors)
        with self._lock:
            self._dead = True
            waiting = list(self._connections.values())
        for answer in waiting:
            answer.put(None)
        self._tell_end(Ended(None))

    def _take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        if "started" in message and self._started:
            self._started()
        if "ended" in message:
            self._tell_end(Ended(message["ended"], message["memory"], tuple(message["background"])))
        answer = self._connections.get(message.get("connected") or message.get("failed") or 0)
        if answer is not None and descriptors:
            answer.put(socket.socket(fileno=descriptors[0]))
        elif answer is not None:
            answer.put(None)
        else:
            for descriptor in descriptors:
                os.close(descriptor)

    def _tell_end(self, end: Ended) -> None:
        with self._lock:
            ended, self._ended = self._ended, None
        if ended:
            ended(end)


class Once:
    """One process for one job, waiting for it on standard input."""

    def __init__(self, confined: Confined) -> None:
        """Start it; it warms up by itself.

        Raises:
            OSError: it cannot be started.
        """
        self._process = confined.start(subprocess.PIPE, subprocess.PIPE, subprocess.PIPE)
        self._confined = confined
        self.pid = self._process.pid
        self._used = False

    def begin(self, job: Job, started: Callable[[], None], ended: Callable[[Ended], None]) -> tuple[Output, Output]:
        """See `Interpreter`; when it is warm is not known here, so the warm-up counts."""
        self._used = True
        started()
        process = self._process
        assert process.stdin
        assert process.stdout
        assert process.stderr
        with contextlib.suppress(OSError), process.stdin as entrance:
            entrance.write(msgspec.json.encode(job) + b"\n")
        threading.Thread(target=self._wait, args=(ended,), name="code", daemon=True).start()
        return process.stdout, process.stderr

    def _wait(self, ended: Callable[[Ended], None]) -> None:
        """Until the process ends, or serves and goes on in the background."""
        serving = _Serving(self.pid)
        while True:
            try:
                ended(Ended(_status(self._process.wait(LOOK))))
                return
            except subprocess.TimeoutExpired:
                ports = serving.ports()
            if ports:
                ended(Ended(0, background=ports))
                return

    def usable(self) -> bool:
        """See `Interpreter`."""
        return not self._used and self._process.poll() is None

    def kill(self) -> None:
        """See `Interpreter`."""
        _kill_group(self._process)
        self._confined.close()

    def complaint(self) -> str:
        """See `Interpreter`: its errors are the job's."""
        return ""


class _Serving:
    """Looks whether a process and all below it listen and wait for visitors, as the warm server does inside."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._since = 0.0
        self._spent = 0.0
        self._checked = 0.0

    def ports(self) -> tuple[int, ...]:
        """The ports, once they have listened for a while and take little processor time; none before."""
        ports, spent = self._state()
        now = time.monotonic()
        self._since = (self._since or now) if ports else 0.0
        if not ports or now - self._since < SETTLED or now - self._checked < 1:
            return ()
        idle = self._checked > self._since and (spent - self._spent) / (now - self._checked) < IDLE
        self._spent, self._checked = spent, now
        return tuple(sorted(ports)) if idle else ()

    def _state(self) -> tuple[set[int], float]:
        import psutil

        ports: set[int] = set()
        spent = 0.0
        try:
            root = psutil.Process(self._pid)
            for member in (root, *root.children(recursive=True)):
                found = member.net_connections("tcp")
                ports |= {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}
                times = member.cpu_times()
                spent += times.user + times.system
        except psutil.Error:
            return set(), 0.0
        return ports, spent


class _Tail:
    """The last line of a stream, read by a thread so that it never fills."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._stream = stream
        self._last = b""
        self._thread = threading.Thread(target=self._read, name="errors", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream or ():
            self._last = line.strip()[:500] or self._last

    def last(self) -> str:
        self._thread.join(0.5)
        return self._last.decode("utf-8", "replace")


def _status(status: int) -> int:
    """An exit status as Python has it; bubblewrap reports its child's signal as 128 + number."""
    return 128 - status if 128 < status < 160 else status


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
