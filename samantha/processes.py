"""Child processes: start them from a thread that lives as long as the program, talk in frames, end them.

A frame is a 4-byte little-endian length and that many bytes. What the bytes mean is the caller's affair; what a child
may touch is the sandbox's.
"""

import collections
import contextlib
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

LARGEST_FRAME = 1 << 28
"""A longer frame is a broken stream, not a message."""

LONGEST_LINE = 500
"""Bytes of a line of standard error that are remembered; what a stranger's file says may be in it."""

GRACE = 2.0
"""Seconds that the pipes of a child that has ended may take to end."""

_LENGTH = struct.Struct("<I")


def write_frame(stream: BinaryIO, payload: bytes) -> None:
    """Write one frame and flush it."""
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame, or None when the stream has ended or is broken."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    if length > LARGEST_FRAME:
        return None
    payload = stream.read(length)
    return payload if len(payload) == length else None


class _Starter:
    """Starts every child on one thread that never ends.

    `bwrap --die-with-parent` follows the thread that started it: started from a web server's worker thread, which comes
    and goes, the child would be killed with that thread.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], queue.SimpleQueue[object]]]
        self._orders = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self, work: Callable[[], "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="process starter", daemon=True)
                self._thread.start()
        answer: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._orders.put((work, answer))
        result = answer.get()
        if isinstance(result, Exception):
            raise result
        assert isinstance(result, subprocess.Popen)
        return result

    def _serve(self) -> None:
        while True:
            work, answer = self._orders.get()
            try:
                answer.put(work())
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                answer.put(error)


_starter = _Starter()


def start(work: Callable[[], "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    """Call `work`, which starts a process, on the thread that lives as long as the program.

    Raises:
        OSError: the program is missing or cannot be started.
    """
    return _starter.start(work)


class Child:
    """A child process with frames on its standard input and output; its standard error is remembered, not shown."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it.

        Raises:
            OSError: the program is missing or cannot be started.
        """
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
        self._process = _starter.start(
            lambda: subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=dict(environment), creationflags=flags, start_new_session=sys.platform != "win32",
            )
        )  # fmt: skip
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._frames: queue.Queue[bytes | None] = queue.Queue()
        self._errors: collections.deque[str] = collections.deque(maxlen=20)
        work = (self._write_frames, self._read_frames, self._read_errors)
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process id (of the sandbox around it, where there is one)."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def memory(self) -> int:
        """Bytes that it and its children hold in memory now (resident set); 0 when it has ended."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            return sum(int(member.memory_info().rss) for member in (process, *process.children(recursive=True)))
        except psutil.Error:
            return 0

    @property
    def waiting(self) -> int:
        """Frames that have arrived and wait to be read."""
        return self._frames.qsize()

    def send(self, payload: bytes) -> None:
        """Send one frame, without waiting for a child that does not read: it must stay possible to stop it.

        Thread-safe. A child that has ended is noticed by the reader, not here.
        """
        self._outgoing.put(payload)

    def receive(self, timeout: float) -> bytes | None:
        """The next frame; None when the child's output has ended.

        Raises:
            TimeoutError: none came within `timeout` seconds.
        """
        try:
            frame = self._frames.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if frame is None:
            self._frames.put(None)  # the end stays the end for whoever asks again
        return frame

    def kill(self) -> None:
        """End it and everything it started, at once. Its memory is free when this returns."""
        if self._process.poll() is None:
            if sys.platform == "win32":
                self._process.kill()
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._join()

    def close(self, timeout: float = 1.0) -> None:
        """Close its input, which asks it to end, and kill it when it does not within `timeout` seconds."""
        self._outgoing.put(None)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._join()

    def cause_of_death(self) -> str:
        """How it ended, in words: the signal or exit status, and the last line of its standard error."""
        try:
            status = self._process.wait(2)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        self._threads[-1].join(1)
        last = self._errors[-1][:LONGEST_LINE] if self._errors else ""
        return f"{_status_in_words(status)}{f': {last}' if last else ''}"

    @property
    def signal(self) -> str:
        """The name of the signal that ended it, "" where none did or it has not ended."""
        return _signal_of(self._process.poll() or 0)

    def _join(self) -> None:
        """Wait for the ends of its pipes: they come when the last process that held them is gone."""
        for thread in self._threads:
            thread.join(GRACE)

    def _write_frames(self) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError), self._process.stdin as stream:
            while (payload := self._outgoing.get()) is not None:
                write_frame(stream, payload)  # type: ignore[arg-type]

    def _read_frames(self) -> None:
        assert self._process.stdout
        with self._process.stdout as stream:
            while (frame := read_frame(stream)) is not None:  # type: ignore[arg-type]
                self._frames.put(frame)
        self._frames.put(None)
        self._outgoing.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr
        with self._process.stderr as stream:
            while line := stream.readline(LONGEST_LINE):
                if line.strip():
                    self._errors.append(line.decode(errors="replace").strip())


def _signal_of(status: int) -> str:
    """A negative status is a signal; bubblewrap reports its child's signal as 128 + number."""
    number = -status if status < 0 else status - 128 if status > 128 else 0
    if not number or sys.platform == "win32":
        return ""
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _status_in_words(status: int) -> str:
    name = _signal_of(status)
    if name == "SIGKILL":
        return "it was killed"
    return f"it crashed with {name}" if name else f"it ended with status {status}"
