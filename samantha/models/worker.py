"""A model in a process of its own: `python -m samantha.models.worker`, frames on standard input and output.

A native abort or an out-of-memory kill costs one step, not the program. The main thread owns the model; a second one
reads requests, so that a stop is heard in every phase, and ends the process when the program is gone.
"""

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from samantha.errors import ModelError
from samantha.models import messages
from samantha.models.messages import Reply, Request
from samantha.models.model import Loading, Output, Rendered, ScoreRequest, StopReason, Token
from samantha.models.rendering import confined
from samantha.processes import read_frame, write_frame

if TYPE_CHECKING:
    from samantha.models.llama.model import LlamaModel

FLUSH_SECONDS = 0.01
"""Tokens that are generated within this time travel in one frame."""

PROGRESS_SECONDS = 0.05

PR_SET_PDEATHSIG = 1
"""Of Linux's `prctl`."""


class Worker:
    """Serves the requests of one program."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        self._requests = requests
        self._replies = replies
        self._queue: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._granted = 0
        self._sent = 0
        self._stopped: StopReason | None = None
        """Why the request that came last shall end."""
        self._changed = threading.Condition()
        self._model: LlamaModel | None = None

    def serve(self) -> None:
        """Answer requests until the program closes the pipe."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            request = self._queue.get()
            try:
                self._answer(request)
            except ModelError as error:
                self._send([messages.failed(error)])

    def _listen(self) -> None:
        """Stops and credit take effect at once, everything else waits its turn."""
        while (frame := read_frame(self._requests)) is not None:
            request = messages.request_decoder.decode(frame)
            if isinstance(request, messages.Stop):
                self._stop(request)
            elif isinstance(request, messages.Adjust):
                if self._model:
                    self._model.adjust(request.values)
            elif isinstance(request, messages.Credit):
                with self._changed:
                    self._granted += request.tokens
                    self._changed.notify()
            else:
                self._stopped = None
                self._queue.put(request)
        os._exit(0)  # the program is gone; the main thread may be deep in native code

    def _stop(self, request: messages.Stop) -> None:
        self._stopped = request.reason
        if self._model:
            self._model.stop(request.reason)
        with self._changed:
            self._changed.notify()

    def _answer(self, request: Request) -> None:
        match request:
            case messages.Open():
                self._open(request)
            case messages.Generate():
                self._stream(self._loaded().generate(request.request), request.request.window)
            case messages.Score():
                self._scores(request.request)
            case messages.Vocabulary():
                self._send([messages.Words(self._loaded().vocabulary())])
            case messages.Count():
                self._send([messages.Counted(self._loaded().count(request.request))])
            case messages.Tokenize():
                self._send([messages.Tokenized(self._loaded().tokenize(request.text))])
            case messages.Reset():
                self._loaded().reset()
                self._send([messages.Done()])

    def _loaded(self) -> "LlamaModel":
        if self._model is None:
            raise ModelError("No model is loaded in this worker.")
        return self._model

    def _open(self, request: messages.Open) -> None:
        if self._model is None:
            from samantha.models.llama.model import LlamaModel  # the listener is there by now: it takes half a second

            self._model = LlamaModel(
                Path(request.path), request.name, request.options.n_gpu_layers, self._progress(), confined
            )
        self._model.prepare(request.options)
        self._send([self._model.describe()])

    def _progress(self) -> "Progress":
        return Progress(lambda fraction: self._send([Loading(fraction)]), lambda: self._stopped is not None)

    def _stream(self, outputs: Iterator[Output], window: int) -> None:
        """Send outputs in frames, never more tokens than there is credit for.

        The listener alone adds to what is granted and this thread alone to what is sent, so that neither loses the
        other's count.
        """
        with self._changed:
            self._granted, self._sent = window, 0
        pending: list[Reply] = []
        sent = time.monotonic()
        for output in outputs:
            pending.append(output)
            if isinstance(output, Rendered) and self._stopped and self._model:
                self._model.stop(self._stopped)  # it came before the model had begun
            token = isinstance(output, Token)
            self._sent += token
            if not token or self._sent >= self._granted or time.monotonic() - sent >= FLUSH_SECONDS:
                self._send(pending)
                pending, sent = [], time.monotonic()
            if self._sent >= self._granted:
                self._wait_for_credit()
        self._send([*pending, messages.Done()])

    def _scores(self, request: ScoreRequest) -> None:
        for part in self._loaded().score(request):
            self._send([part])
        self._send([messages.Done()])

    def _wait_for_credit(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._granted > self._sent or self._stopped is not None)

    def _send(self, replies: list[Reply]) -> None:
        write_frame(self._replies, messages.encoder.encode(replies))


class Progress:
    """llama.cpp's progress callback: reports 20 times a second at most, and aborts a load that was cancelled."""

    def __init__(self, report: Callable[[float], None], cancelled: Callable[[], bool]) -> None:
        self._report = report
        self._cancelled = cancelled
        self._reported = 0.0

    def __call__(self, fraction: float) -> bool:
        """Whether to go on loading."""
        now = time.monotonic()
        if fraction >= 1 or now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            self._report(fraction)
        return not self._cancelled()


def private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, moved away so that a library that prints cannot break the frames."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return requests, replies


def offer_to_be_killed_first() -> None:
    """When memory runs out, Linux shall choose this process and not the program."""
    if sys.platform == "linux":
        try:
            Path("/proc/self/oom_score_adj").write_text("1000")
        except OSError as error:
            print(f"cannot raise oom_score_adj: {error}", file=sys.stderr)


def end_with_the_program() -> None:
    """Linux shall kill this process when the program is gone, also in native code that holds Python's lock.

    It follows the thread that started this process, which lives as long as the program (`processes.py`).
    """
    if sys.platform == "linux":
        before = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != before:
            os._exit(0)


def main() -> None:
    """Serve until the program closes the pipe."""
    end_with_the_program()
    requests, replies = private_pipes()
    offer_to_be_killed_first()
    Worker(requests, replies).serve()


if __name__ == "__main__":
    main()
