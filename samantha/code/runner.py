"""Runs generated code: a fresh state for each step, in the best sandbox there is, under limits, its output as it comes.

What the sandbox holds is `samantha.sandbox`'s, what an interpreter does inside is `inside/`'s. Whether code may run by
itself at all is `proof`'s to say; here it is asked before each job.
"""

import codecs
import contextlib
import os
import queue
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from samantha.code import background, blocks, left_behind, proof
from samantha.code.code import (
    CodeError,
    CodeOutcome,
    Finished,
    Found,
    Isolation,
    Printed,
    Reason,
    Serving,
)
from samantha.code.environment import CodeEnvironment
from samantha.code.forwarding import Forwarder
from samantha.code.interpreter import Ended, Interpreter, Job, Once, Output
from samantha.code.interpreter import Serving as ServingInterpreter
from samantha.code.watch import Watch
from samantha.code.workplace import workplace
from samantha.errors import SandboxError
from samantha.events import CodeFile
from samantha.sandbox.access import MIB, Access, Folders, Limits
from samantha.sandbox.code import confine_code
from samantha.sandbox.confined import Confined

INSIDE = Path(__file__).with_name("inside")
LOOK = 0.05
"""Seconds between two looks at what the code showed."""

COMPLAINT = 2000
"""Characters of the end of standard error that are fed back when code ends with a status and without a traceback."""

DRAIN = 0.3
"""Seconds that output may still arrive after the end."""

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
Happening = tuple[Stream, bytes] | Ended
"""Bytes that a stream brought (none: it has ended), or the job's end."""


class SandboxRunner:
    """Runs the code of one run at a time; what is warm and what serves belongs to it until `close`.

    `run`, `execute`, `prepare` and `finish` belong to one thread; `stop` may be called from any.
    """

    def __init__(self, access: Access = Access(), limits: Limits = Limits(), root: Path | None = None) -> None:
        self._access = access
        self._limits = limits
        self._root = root
        self._lock = threading.Lock()
        self._run = ""
        self._warm: tuple[Interpreter, Confined] | None = None
        self._watch: Watch | None = None
        self._stopping = False
        self._servers: list[tuple[Interpreter, Forwarder]] = []

    def prepare(self, run: str) -> None:
        """See `CodeRunner`. What is wrong is told when code is to be run."""
        if proof.refusal(self._access):
            return
        with contextlib.suppress(CodeError):
            self._interpreter(run)

    def run(self, response: str, run: str, step: int) -> Iterator[CodeOutcome]:
        """See `CodeRunner`."""
        found = blocks.extract(response)
        if found.python.strip() or found.html.strip():
            yield from self.execute(found.python, run, step, found.html)

    def execute(self, code: str, run: str, step: int, html: str = "") -> Iterator[CodeOutcome]:
        """Run `code` as it is, as step `step` of `run`.

        Raises:
            CodeError: it may not or cannot be started.
        """
        refused = proof.refusal(self._access)
        if refused:
            raise CodeError(refused)
        yield Found(code, html)
        folders = workplace(run, self._root)
        self._write(folders, step, code)
        interpreter, confined = self._interpreter(run)
        job = _Running(interpreter, folders, self._limits, f"step-{step}", _told(confined, step, html, self._access))
        with self._lock:
            self._watch = job.watch
            if self._stopping:
                self._stopping = False
                job.watch.stop("stopped")
        try:
            yield from job.outcomes()
            yield from self._serve(job, run)
            yield job.finished(self._isolation(confined))
        finally:
            self._after(job)

    def stop(self) -> None:
        """See `CodeRunner`."""
        with self._lock:
            watch = self._watch
            self._stopping = watch is None
        if watch:
            watch.stop("stopped")

    def finish(self, run: str) -> None:
        """See `CodeRunner`."""
        if run != self._run:
            return
        with self._lock:
            self._stopping = False
        if self._warm and not self._serves(self._warm[0]):
            self._warm[0].kill()
        self._warm = None

    def close(self) -> None:
        """End everything, what serves too."""
        self.finish(self._run)
        for interpreter, forwarder in self._servers:
            forwarder.close()
            interpreter.kill()
        self._servers = []

    def _serves(self, interpreter: Interpreter) -> bool:
        return any(serving is interpreter for serving, _ in self._servers)

    def _isolation(self, confined: Confined) -> Isolation:
        return "full access" if self._access.full else confined.mode

    def _write(self, folders: Folders, step: int, code: str) -> None:
        """The code as the program keeps it, where no code can change it."""
        try:
            for name in (f"step-{step}.py", "temp.py"):
                (folders.code / name).write_text(code, "utf-8", errors="replace")
        except OSError as error:
            raise CodeError(
                f"The code cannot be saved in {folders.code} ({error.strerror}): free some disk."
            ) from error

    def _interpreter(self, run: str) -> tuple[Interpreter, Confined]:
        """The warm one of this run, or a new one."""
        if self._warm and self._run == run and self._warm[0].usable():
            return self._warm
        if self._warm and not self._serves(self._warm[0]):
            self._warm[0].kill()
        self._run = run
        self._warm = self._started(run)
        return self._warm

    def _started(self, run: str) -> tuple[Interpreter, Confined]:
        environment = CodeEnvironment()
        if not environment.ready:
            raise CodeError(environment.sentence)
        folders = workplace(run, self._root)
        mode = None if self._access.full else proof.proof().mode
        serving = sys.platform == "linux" and mode == "isolated"
        script = ("{inside}/start.py", "serve" if serving else "once")
        command = (str(environment.python), "-I", "-B", "-X", "utf8", *script)
        try:
            confined = confine_code(
                command, folders=folders, environment=environment.folder, inside=INSIDE, access=self._access,
                limits=self._limits, variables=VARIABLES, mode=mode,
            )  # fmt: skip
            return (ServingInterpreter if serving else Once)(confined), confined
        except SandboxError as error:
            raise CodeError(str(error)) from error
        except OSError as error:
            raise CodeError(f"The code environment cannot be started ({error}): see samantha doctor.") from error

    def _serve(self, job: "_Running", run: str) -> Iterator[Serving]:
        """Make the servers that the job left reachable."""
        interpreter = job.interpreter
        for port in job.ports:
            if not isinstance(interpreter, ServingInterpreter):
                url = f"http://127.0.0.1:{port}/"
            else:
                forwarder = Forwarder(interpreter.connect, port)
                self._servers.append((interpreter, forwarder))
                url = forwarder.url
            with contextlib.suppress(CodeError):  # it may have ended by now; its address then answers nothing
                background.register(interpreter.pid, f"port {port} of {job.name}", url, run)
            yield Serving(url, port)

    def _after(self, job: "_Running") -> None:
        with self._lock:
            self._watch = None
        job.close()
        if job.died:
            proof.forget()
        if isinstance(job.interpreter, Once) and not job.ports:
            job.interpreter.kill()
        if self._warm and not self._warm[0].usable():
            self._warm = None
            with contextlib.suppress(CodeError):  # told when code is to be run again
                self._interpreter(self._run)


VARIABLES = {
    "MPLBACKEND": "module://samantha_inside.figures",
    "BOKEH_RESOURCES": "inline",
    "STREAMLIT_SERVER_HEADLESS": "true",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "STREAMLIT_SERVER_ENABLE_CORS": "false",  # it is visited under an address it does not know
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
    "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none",
    "PYTHONWARNINGS": "default::DeprecationWarning:__main__",
}
"""What the code environment's libraries are told."""


def _told(confined: Confined, step: int, html: str, access: Access) -> Job:
    """The job under the names that the code sees."""
    seen = confined.seen
    name = f"step-{step}"
    granted = tuple(str(place) for place in (*access.readable, *access.writable))
    return Job(
        str(seen.code / f"{name}.py"),
        f"{name}.py",
        str(seen.box),
        str(seen.shown / f"{name}-{secrets.token_hex(3)}"),
        html,
        granted,
    )


class _Running:
    """One job from its beginning to its end."""

    def __init__(self, interpreter: Interpreter, folders: Folders, limits: Limits, name: str, job: Job) -> None:
        self.interpreter = interpreter
        self.name = name
        self.ports: tuple[int, ...] = ()
        self._folders = folders
        self._limits = limits
        self._copy = job.name
        self._before = left_behind.files_in(folders.box)
        self._shown = folders.shown / Path(job.shown).name
        self._known: set[str] = set()
        self._printed: list[str] = []
        self._complaint = ""
        self._bytes = 0
        self._open = 2
        self._end: Ended | None = None
        self._discarding = False
        self._happenings: queue.Queue[Happening] = queue.Queue(maxsize=64)
        self.watch = Watch(interpreter.pid, (folders.box, folders.shown), limits, interpreter.kill)
        self._outputs = interpreter.begin(job, self.watch.begins, self._put)
        for stream, output in zip(STREAMS, self._outputs, strict=True):
            threading.Thread(target=self._pump, args=(stream, output), name=stream, daemon=True).start()

    def outcomes(self) -> Iterator[CodeOutcome]:
        """What the job prints and shows until it has ended and its output is read."""
        decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in STREAMS}
        until: float | None = None
        while self._open or not self._end:
            happening = self._next()
            if isinstance(happening, Ended):
                self._end, self.ports = happening, happening.background
                self.watch.finish()
                until = time.monotonic() + DRAIN
            elif happening:
                stream, data = happening
                self._open -= not data
                yield from self._print(stream, decoders[stream].decode(data))
            yield from left_behind.shown_so_far(self._shown, self._known)
            if until is not None and time.monotonic() > until and self._happenings.empty():
                break
        self._discarding = True
        for stream, decoder in decoders.items():
            yield from self._print(stream, decoder.decode(b"", final=True))
        yield from left_behind.shown_so_far(self._shown, self._known)

    def _next(self) -> Happening | None:
        try:
            return self._happenings.get(timeout=LOOK)
        except queue.Empty:
            return None

    def _print(self, stream: Stream, text: str) -> Iterator[Printed]:
        if text:
            if stream == "stdout":
                self._printed.append(text)
            else:
                self._complaint = (self._complaint + text)[-COMPLAINT:]
            yield Printed(stream, text)

    def finished(self, isolation: Isolation) -> Finished:
        """The end, in the words that are fed back."""
        end = self._end or Ended(None)
        frames = left_behind.last_frames(self._shown)
        reason = self.watch.exceeded or _reason(end, frames)
        if reason == "disk":
            self.interpreter.kill()
            left_behind.remove_new(self._folders.box, self._before)
        memory = max(end.memory, self.watch.memory)
        output = self._output(reason, end, frames)
        return Finished(output, reason, self.watch.seconds, memory, isolation, self._produced())

    def _produced(self) -> tuple[CodeFile, ...]:
        after = left_behind.files_in(self._folders.box)
        after.pop(self._copy, None)
        return left_behind.produced(self._before, after)

    def _output(self, reason: Reason, end: Ended, frames: str) -> str:
        if reason == "ok":
            printed = "".join(self._printed)
            # The first line keeps its indent: the head of a table stands above its columns.
            return "" if printed.strip() in ("", "None") else printed.strip("\r\n").rstrip()
        if reason == "raised":
            sentence = f"The code ended with exit status {end.status}."
            return frames or f"{self._complaint.strip()}\n\n{sentence}".lstrip()
        sentence = limit_sentence(reason, self._limits, end, self.interpreter.complaint() if end.status is None else "")
        return f"{frames}\n\n{sentence}" if frames else sentence

    @property
    def died(self) -> bool:
        """Whether the sandbox ended under the job and nobody ended it: then what holds is to be proven anew."""
        return self._end is not None and self._end.status is None and not self.watch.exceeded

    def close(self) -> None:
        """Let go of the job; output of what goes on is read and dropped."""
        self.watch.finish()
        self._discarding = True

    def _put(self, happening: Happening) -> None:
        """Hand something to the reader; nobody reads any more once it is being discarded."""
        while not self._discarding:
            with contextlib.suppress(queue.Full):
                self._happenings.put(happening, timeout=0.2)
                return

    def _pump(self, stream: Stream, output: Output) -> None:
        with contextlib.closing(output), contextlib.suppress(OSError, ValueError):
            while chunk := os.read(output.fileno(), 1 << 16):
                if self._discarding:
                    continue
                room = self._limits.output - self._bytes
                self._bytes += len(chunk)
                if room > 0:
                    self._put((stream, chunk[:room]))
                if self._bytes > self._limits.output:
                    self.watch.stop("output")
        self._put((stream, b""))


def _reason(end: Ended, frames: str) -> Reason:
    """How a job ended that nobody ended. The kernel's limits are seen by what they made of the code."""
    if end.status == 0:
        return "ok"
    if end.status is not None and end.status > 0:
        last = frames.rstrip().rpartition("\n")[2]
        if last.startswith("MemoryError") or "Unable to allocate" in last:
            return "memory"
        if "Resource temporarily unavailable" in last or "can't start new thread" in last:
            return "processes"
        if "File too large" in last or "No space left on device" in last:
            return "disk"
        return "raised"
    return _SIGNALS.get(-(end.status or 0), "crashed")


_SIGNALS: dict[int, Reason] = {24: "time", 25: "disk"}
"""SIGXCPU and SIGXFSZ, as Linux and macOS number them: limits of the kernel."""


def limit_sentence(reason: Reason, limits: Limits, end: Ended, complaint: str) -> str:
    """What ended the code, for the user and for the model that reads it."""
    sizes = {
        "time": f"longer than {limits.seconds:g} seconds",
        "memory": f"more than {limits.memory // MIB:,} MiB of memory",
        "processes": f"more than {limits.processes} processes and threads",
        "disk": f"more than {limits.disk // MIB:,} MiB of disk or {limits.files:,} files, and what it made was deleted",
        "output": f"more than {limits.output // 1024:,} KiB of output",
    }
    if reason in sizes:
        return f"The code was ended: it took {sizes[reason]}."
    if reason == "stopped":
        return "The code was stopped."
    if end.status is None:
        return f"The code ended with its sandbox{f': {complaint}' if complaint else ''}."
    return f"The Python interpreter crashed (signal {-end.status})."
