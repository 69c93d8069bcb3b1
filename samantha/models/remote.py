"""A model in a worker process, seen from the program: the same port, over frames. It loads no native code.

Stopping is a ladder: the worker is asked; a second later it is killed, and what it had said stands.
"""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from samantha import sandbox
from samantha.errors import ModelError, TemplateError, WorkerDied
from samantha.hyperparameters import Hyperparameters
from samantha.models import gguf, memory, messages, rendering
from samantha.models.messages import Reply, Request
from samantha.models.model import (
    GenerateRequest,
    Loading,
    LoadOptions,
    ModelDescription,
    Output,
    PromptProgress,
    Rendered,
    SampleFinished,
    Scored,
    ScoreRequest,
    StopReason,
    Token,
)
from samantha.processes import Child
from samantha.traces import VocabularyToken

PATIENCE = 1.0
"""Seconds from a stop to the kill."""

RENDER_SECONDS = 10.0
"""Seconds a worker may take to render and tokenize 100 kB of prompt, before it counts as stuck."""

RESET_SECONDS = 3.0
"""Seconds it may take to forget; to be ended is to forget, too."""

OUT_OF_MEMORY = re.compile("bad_alloc|MemoryError|allocate|insufficient memory|mem_buffer != NULL")
"""What Python, C++ and llama.cpp say when they get no memory."""


Answer = TypeVar("Answer", bound=Reply)


class RemoteModel:
    """One model file in one worker. Used by one run at a time; `stop` may come from another thread."""

    def __init__(self, path: Path, name: str) -> None:
        """Start the worker; nothing is loaded yet.

        Raises:
            ModelError: the process cannot be started.
        """
        self.name = name
        self.path = path
        self._description: ModelDescription | None = None
        self._options: LoadOptions | None = None
        self._ready: list[Reply] = []
        self._lock = threading.Lock()
        """Keeps a stop from falling between the parts of a beginning."""
        self._ending: StopReason | None = None
        self._kill_at: float | None = None
        self._rendered = False
        confined = sandbox.confine_worker(["-m", "samantha.models.worker"], [path, *parts_of(path)])
        self.isolated = confined.isolated
        try:
            self._child = Child(confined.command, confined.environment)
        except OSError as error:
            raise ModelError(f"The worker for {name} cannot be started ({error}).") from error

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the worker has not ended."""
        return self._child.alive

    def memory(self) -> int:
        """Bytes of memory that the worker and what it runs in hold now; 0 when it has ended."""
        return self._child.memory()

    @property
    def buffered(self) -> int:
        """Outputs and frames that have arrived and wait to be read."""
        return len(self._ready) + self._child.waiting

    def describe(self) -> ModelDescription:
        """What the model says of itself, from the last load."""
        if self._description is None:
            raise ModelError(f"{self.name} is not loaded yet.")
        return self._description

    def open(self, options: LoadOptions, cancelled: Callable[[], bool]) -> Iterator[Loading]:
        """Load the file, or make another context of it; yields progress.

        Raises:
            ModelError: it cannot be loaded, or `cancelled` said so.
            WorkerDied: the worker crashed on the file.
        """
        self._options = options
        self._begin(messages.Open(str(self._place()), self.name, options))

        def give_up() -> None:
            if cancelled():
                self.kill()  # nothing of it is worth a second's wait: whoever cancels a load gets a fresh worker
                raise ModelError(f"Loading {self.name} was cancelled.")

        try:
            for reply in self._replies(give_up):
                if isinstance(reply, ModelDescription):
                    self._description = reply
                    return
                if isinstance(reply, Loading):
                    yield reply
        except ModelError as error:
            if isinstance(error, WorkerDied) or not OUT_OF_MEMORY.search(str(error)):
                raise
            raise ModelError(f"{error} {self._memory_in_words()}") from error
        raise ModelError(f"Loading {self.name} was cancelled.")

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        """See `models.model.Model.generate`. Credit is given back as tokens are read."""
        texts: dict[int, list[str]] = {sample: [] for sample in range(len(request.samples))}
        self._rendered = False
        self._begin(messages.Generate(request), _seconds(request))
        try:
            done = yield from self._outputs(texts, max(1, request.window // 2))
        except GeneratorExit:
            self._abandon()
            raise
        if not done:
            yield from self._cut_short(texts)

    def count(self, request: GenerateRequest) -> int:
        """Tokens of the rendered prompt."""
        return self._ask(messages.Count(request), messages.Counted, _seconds(request)).tokens

    def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Ids and bytes of the tokens of `text`."""
        return self._ask(messages.Tokenize(text), messages.Tokenized, _seconds_for(len(text))).tokens

    def adjust(self, values: Hyperparameters) -> None:
        """Other hyperparameters from the next token on. Thread-safe."""
        self._send(messages.Adjust(values))

    def score(self, request: ScoreRequest) -> Iterator[PromptProgress | Scored]:
        """See `models.model.Model.score`."""
        self._begin(messages.Score(request))
        done = False
        try:
            for reply in self._replies():
                if isinstance(reply, messages.Done):
                    done = True
                    return
                if not isinstance(reply, PromptProgress | Scored):
                    raise self._nonsense()
                yield reply
        finally:
            if not done and self.alive:
                self._abandon()

    def vocabulary(self) -> list[VocabularyToken]:
        """Every token, by id."""
        size = self.describe().n_vocab
        return self._ask(messages.Vocabulary(), messages.Words, _seconds_for(size)).tokens

    def reset(self) -> None:
        """Forget every evaluated token; one that is gone has forgotten them, and one that is stuck goes."""
        with contextlib.suppress(WorkerDied):
            self._ask(messages.Reset(), messages.Done, RESET_SECONDS)

    def stop(self, reason: StopReason = "stopped") -> None:
        """Ask the worker to end what it does; it is killed when it does not within PATIENCE. Thread-safe."""
        with self._lock:
            again = self._ending is not None and self._kill_at is not None
            self._ending = reason
            self._kill_at = self._kill_at if again else time.monotonic() + PATIENCE
            self._send(messages.Stop(reason))

    def close(self) -> None:
        """End the worker: its memory is free when this returns."""
        self._child.close()

    def kill(self) -> None:
        """End the worker at once."""
        self._child.kill()

    def _place(self) -> Path:
        """Where the worker finds the file: a part by its own name, by which llama.cpp finds the others."""
        return self.path.absolute() if len(parts_of(self.path)) > 1 else self.path.resolve()

    def _begin(self, request: Request, seconds: float | None = None) -> None:
        """Ask something, the answer to which must begin within so many seconds."""
        with self._lock:
            self._ending = None
            self._kill_at = time.monotonic() + seconds if seconds else None
            self._ready = []
            self._send(request)

    def _send(self, request: Request) -> None:
        self._child.send(messages.encoder.encode(request))

    def _outputs(self, texts: dict[int, list[str]], refill: int) -> Generator[Output, None, bool]:
        """Outputs up to Done, then True; False when the worker had to be killed. Every `refill` tokens give credit."""
        read = 0
        for reply in self._replies():
            if isinstance(reply, Token | SampleFinished) and reply.sample not in texts:
                raise self._nonsense()
            if isinstance(reply, Token):
                texts[reply.sample].append(reply.shown)
                yield reply
                read += 1
                if read >= refill:
                    self._send(messages.Credit(read))
                    read = 0
            elif isinstance(reply, messages.Done):
                return True
            else:
                self._note(reply, texts)
                yield reply  # type: ignore[misc]
        return False

    def _abandon(self) -> None:
        """Nobody reads on: end the generation, so that the next request does not meet its rest."""
        self.stop()
        with contextlib.suppress(ModelError):
            for reply in self._replies():
                if isinstance(reply, messages.Done):
                    return

    def _ask(self, request: Request, kind: type[Answer], seconds: float) -> Answer:
        """The one answer to a question, within so many seconds."""
        self._begin(request, seconds)
        for reply in self._replies():
            self._kill_at = None
            if not isinstance(reply, kind):
                raise self._nonsense()
            return reply
        raise WorkerDied(f"The process of {self.name} did not end what it did and was ended.")

    def _nonsense(self) -> WorkerDied:
        """A file that got hold of the native code could make a worker say anything."""
        self.kill()
        return WorkerDied(f"The process of {self.name} said what it was not asked and was ended: mistrust its file.")

    def _note(self, reply: Reply, texts: dict[int, list[str]]) -> None:
        if isinstance(reply, Rendered):
            self._rendered = True
            with self._lock:
                self._kill_at = None if self._ending is None else self._kill_at
        elif isinstance(reply, SampleFinished):
            del texts[reply.sample]

    def _replies(self, between: Callable[[], None] = lambda: None) -> Iterator[Reply]:
        """Replies as they come; ends when the worker had to be killed after a stop.

        Raises:
            ModelError: the worker reported one.
            WorkerDied: it ended by itself, or was stuck without anybody having stopped it.
        """
        while True:
            if not self._ready:
                frame = self._next_frame(between)
                if frame is None:
                    return
                try:
                    self._ready = messages.replies_decoder.decode(frame)[::-1]
                except msgspec.DecodeError:
                    raise self._nonsense() from None
                continue
            reply = self._ready.pop()
            if isinstance(reply, messages.Failed):
                raise reply.error()
            yield reply

    def _next_frame(self, between: Callable[[], None]) -> bytes | None:
        while True:
            between()
            try:
                frame = self._child.receive(timeout=0.05)
            except TimeoutError:
                if self._kill_at is not None and time.monotonic() > self._kill_at:
                    self._end_stuck_worker()
                    return None
                continue
            if frame is None:
                raise self._death()
            return frame

    def _death(self) -> ModelError:
        """What a worker died of that nobody ended."""
        cause = re.sub(r"/\S*/", "", self._child.cause_of_death())  # folders of whoever built llama.cpp
        self.kill()  # it may have closed its output only
        if self._child.signal == "SIGALRM":
            return TemplateError(rendering.too_slow())  # its own last deadline
        if self._child.signal == "SIGKILL" or OUT_OF_MEMORY.search(cause):
            return WorkerDied(f"The process of {self.name} ended: {cause}. {self._memory_in_words()}")
        return WorkerDied(f"The process of {self.name} ended: {cause}. The next step gets a new one.")

    def _memory_in_words(self) -> str:
        """What it needs and what there is: the system ends this process first when memory runs out."""
        if self._options is None:
            return "Memory may have run out: close other programs, or choose a smaller model."
        try:
            found = memory.verdict(gguf.read_model(self.path), self._options)
        except ModelError:
            return "Its file cannot be read any more."
        needed, free, total = (
            f"{count / 1e9:.1f} GB" for count in (found.estimate.needed, found.memory.available, found.memory.total)
        )
        return (
            f"Memory may have run out: with n_ctx {self._options.n_ctx} it needs about {needed}, and {free} of {total}"
            " are free without it. Lower n_ctx, close other programs or choose a smaller model."
        )

    def _end_stuck_worker(self) -> None:
        self.kill()
        if self._ending is None:
            raise WorkerDied(f"The process of {self.name} was stuck before its first token and was ended.")

    def _cut_short(self, texts: dict[int, list[str]]) -> Iterator[Rendered | SampleFinished]:
        """The ends of the samples whose worker had to be killed after a stop, and the beginning where none came."""
        if not self._rendered:
            yield Rendered("", 0)
        for sample, shown in texts.items():
            yield SampleFinished(sample, "".join(shown), self._ending or "stopped", 0, 0, len(shown), 0.0, 0.0)


def _seconds(request: GenerateRequest) -> float:
    """How long a worker may take to render and tokenize a prompt before it counts as stuck."""
    return _seconds_for(len(request.text or "") + sum(len(message.content) for message in request.messages))


def _seconds_for(characters: int) -> float:
    return RENDER_SECONDS * (1 + characters / 100_000)


def parts_of(path: Path) -> list[Path]:
    """All files of a split model (`-00001-of-0000N`), or none for a single file."""
    head, found, tail = path.name.rpartition("-of-")
    if not found or not head[-5:].isdigit() or not tail[:5].isdigit():
        return []
    return [path.with_name(f"{head[:-5]}{part:05d}-of-{tail}") for part in range(1, int(tail[:5]) + 1)]
