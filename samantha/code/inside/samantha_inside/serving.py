"""The warm server of one sandbox: imports once, forks a fresh process for each job, tells of servers that jobs leave.

Messages are JSON on a socket pair that is its standard input, one message a packet. In: `{"job": …}` with the
descriptors of the job's output and errors; `{"connect": port, "id": n}`. Out: `{"ready"}`, `{"started"}`, `{"ended":
status, "memory": bytes, "background": [ports]}`, `{"connected": id}` with the descriptor of a connection, `{"failed":
id}`. Linux only: it lives in a process namespace of its own, where killing everything means everything of this sandbox.
"""

import ctypes
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn, TextIO

from . import job, listening

PACKET = 1 << 16

SETTLED = 1.5
"""Seconds that a job listens before it may be called a server."""

IDLE = 0.3
"""Share of a processor below which a listening job counts as waiting for visitors."""

GRACE, SHORT_GRACE = 20.0, 0.3
"""Seconds that processes left by a job may take until they listen: what looks like a server, and anything else."""

SERVERS = (
    "streamlit",
    "dash",
    "dtale",
    "http.server",
    "flask",
    "uvicorn",
    "gunicorn",
    "bokeh",
    "panel",
    "voila",
    "gradio",
)
"""Words in a command line that announce a server."""

_SET_DUMPABLE = 4


def serve() -> NoReturn:
    """Serve jobs until the other end is gone.

    It ends what jobs leave by killing every process it can see, so it works only where all are the sandbox's own.
    """
    if Path("/proc/1/comm").read_text("utf-8").strip() != "bwrap":
        sys.exit("serve works in a process namespace of bubblewrap only")
    Server(socket.socket(fileno=os.dup(0))).serve()


class Server:
    """One sandbox's server. `background` are processes of earlier jobs that serve something."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.background: set[int] = set()
        self.served: set[int] = set()
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)

    def serve(self) -> NoReturn:
        """Take messages one after the other."""
        job.preload()
        _set_dumpable(False)  # code that runs as the same user must not look into this process
        self._say({"ready": True})
        while True:
            self._take_message()

    def _take_message(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self.control, PACKET, 2)
        if not data:
            os._exit(0)
        message = json.loads(data)
        if "job" in message:
            self._work(message["job"], descriptors)
        elif "connect" in message:
            self._connect(message)

    def _say(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        socket.send_fds(self.control, [json.dumps(message).encode()], list(descriptors))

    def _connect(self, message: dict[str, Any]) -> None:
        """Lend a connection to a port of this sandbox to the program outside."""
        for host in ("127.0.0.1", "::1"):
            try:
                with socket.create_connection((host, message["connect"]), timeout=2) as connection:
                    connection.setblocking(True)
                    self._say({"connected": message["id"]}, (connection.fileno(),))
                return
            except OSError:
                continue
        self._say({"failed": message["id"]})

    def _work(self, task: dict[str, Any], descriptors: list[int]) -> None:
        self._say({"started": True})
        child = os.fork()
        if child == 0:
            self.control.close()
            _become_job(descriptors)
            job.run(task)
        for descriptor in descriptors:
            os.close(descriptor)
        ended = self._watch(child)
        status, memory = ended if ended else (0, 0)
        ports = self._settle(None if ended else child)
        self._say({"ended": status, "memory": memory, "background": ports})

    def _watch(self, child: int) -> tuple[int, int] | None:
        """Wait for the job's end: its exit status (negative: signal) and peak memory. None when it serves and waits."""
        ending = os.pidfd_open(child)
        poll = select.poll()
        poll.register(ending, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        since, spent, checked = 0.0, 0.0, 0.0
        try:
            while True:
                ready = {descriptor for descriptor, _ in poll.poll(200)}
                if ending in ready:
                    return _reaped(child)
                if self.control.fileno() in ready:
                    self._take_message()
                if not self._new_ports():
                    since = 0.0
                    continue
                now, used = time.monotonic(), listening.processor_seconds(self._strangers())
                since = since or now
                if now - since > SETTLED and now - checked > 1.0:
                    if checked and (used - spent) / (now - checked) < IDLE:
                        return None
                    spent, checked = used, now
        finally:
            os.close(ending)

    def _strangers(self) -> set[int]:
        """Processes of the job: all but the first of the namespace, this one, and earlier servers."""
        return set(listening.processes()) - {1, os.getpid()} - self.background

    def _settle(self, serving: int | None) -> list[int]:
        """End what the job left behind, except servers, and give their ports."""
        left = self._strangers()
        until = time.monotonic() + (GRACE if listening.mentioned(SERVERS, left) else SHORT_GRACE)
        while left and serving is None and time.monotonic() < until and not self._new_ports() and _waits(left):
            time.sleep(0.05)
            _reap()
            left = self._strangers()
        new = self._new_ports()
        keep = listening.families(listening.owners(new.values(), left), listening.parents(left)) if new else set()
        self.background |= keep & left
        self.served |= set(new)
        self._end_strangers()
        return sorted(new)

    def _new_ports(self) -> dict[int, str]:
        """Those of the job alone: with the network granted, the ports of the whole computer are seen here."""
        found = {port: inode for port, inode in listening.ports().items() if port not in self.served}
        jobs = self._strangers() if found else set()
        return {port: inode for port, inode in found.items() if listening.owners([inode], jobs)}

    def _end_strangers(self) -> None:
        """Kill what is left, again and again while more appears. What outruns this is ended with the sandbox."""
        for _ in range(200):
            _reap()
            left = self._strangers()
            if not left:
                return
            if not self.background:
                os.kill(-1, signal.SIGKILL)
            for process in left if self.background else ():
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.002)
        os._exit(3)


def _waits(left: set[int]) -> bool:
    """Whether anything of `left` is alive."""
    return any(listening.parents(left))


def _reaped(child: int) -> tuple[int, int]:
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024


def _reap() -> None:
    """Take leave of children that ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _become_job(descriptors: list[int]) -> None:
    """In the fork: the job's own output, no way to the server, a session of its own."""
    os.setsid()
    for place, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, place)
        os.close(descriptor)
    for name in ("stdin", "stdout", "stderr"):
        stream = _stream(getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    _set_dumpable(True)


def _stream(old: Any) -> TextIO:
    """A stream of Python made anew: the old one remembers what its descriptor was when this server began."""
    descriptor = old.fileno()
    stream: Any = open(  # noqa: SIM115 (it lives as long as the process)
        descriptor, old.mode, encoding=old.encoding, errors=old.errors, newline="\n", closefd=False
    )
    stream.buffer.raw.name = old.name
    stream.reconfigure(line_buffering=descriptor > 0)
    return stream  # type: ignore[no-any-return]


def _set_dumpable(value: bool) -> None:
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, int(value), 0, 0, 0)
