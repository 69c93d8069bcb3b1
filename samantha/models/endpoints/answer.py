"""One answer of a server while it comes: asked for, tried again before its first token, read, ended. No thread is here.

The reader of the port drives it: `step` when nothing happens, `take` with what has arrived.
"""

import queue
import secrets
import threading
import time
from typing import Any

from samantha.errors import EndpointError, SamanthaError
from samantha.events import StepReason
from samantha.models.endpoints import connection, server
from samantha.models.endpoints.connection import Closed, Line, Opened
from samantha.models.endpoints.faults import Declined, TemporaryFault
from samantha.models.endpoints.logprobs import NO_ID, Chosen
from samantha.models.endpoints.parts import Asked, Dialect, Ended, Part, Processed, Usage
from samantha.models.endpoints.server import Server
from samantha.models.endpoints.stream import EventStream
from samantha.models.llama.text import TextStream
from samantha.models.model import PromptProgress, SampleFinished, Token

SETTLE = 2.0
"""Seconds for the counts that come after the end of an answer."""

MOST_OF_AN_ANSWER = 1 << 26
_STREAMED = ("text/event-stream", "text/plain", "application/octet-stream", "application/x-ndjson", "")

Arrived = queue.Queue[tuple[Line, Any]]


class Answer:
    """Sample number `number` of a request. `reason` is set when it is over, `error` when it failed."""

    def __init__(
        self, number: int, asked: Asked, at: Server, dialect: Dialect, slot: threading.Semaphore, declined: set[str],
        arrived: Arrived, total: int,
    ) -> None:  # fmt: skip
        """`slot` limits how many answers are asked of the server at a time; `total` is the prompt's tokens."""
        self.number = number
        self.reason: StepReason | None = None
        self.error: SamanthaError | None = None
        self.line: Line | None = None
        self._asked, self._at, self._dialect = asked, at, dialect
        self._slot, self._declined, self._arrived = slot, declined, arrived
        self._mark = f"samantha-{secrets.token_hex(6)}"
        self._text = TextStream(asked.stops)
        self._shown: list[str] = []
        self._tokens = self._faults = 0
        self._usage = Usage()
        self._total = total
        self._host = at.at.host
        self._outputs: list[Token | PromptProgress] = []
        self._begun = self._heard = self._next_try = time.monotonic()
        self._first: float | None = None
        self._ended: Ended | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.reason is not None or self.error is not None

    def step(self) -> list[Token | PromptProgress]:
        """Ask when it is time and a slot is free; end what takes too long."""
        now = time.monotonic()
        if self.line is None:
            if not self.over and now >= self._next_try and self._slot.acquire(blocking=False):
                self._ask()
        elif now - self._heard > (limit := self._limit()):
            if self._ended:
                self._complete()
            else:
                what = "its first token" if self._first is None else "the next token"
                self._fail(EndpointError(f"{self._host} has not sent {what} within {limit:.0f} s: it was given up."))
        return self._drained()

    def take(self, item: Any) -> list[Token | PromptProgress]:
        """What has arrived on its line."""
        try:
            self._took(item)
        except Declined as error:
            self._leave()
            if error.field in self._declined:
                self._fail(EndpointError(str(error)))
            self._declined.add(error.field)
        except TemporaryFault as error:
            self._again(error)
        except SamanthaError as error:
            self._fail(error)
        return self._drained()

    def interrupt(self, reason: StepReason) -> None:
        """End here; what was held back becomes part of the text."""
        abort = self.line is not None
        self.reason = reason
        self._shown.append(self._text.finish())
        self._leave(abort)

    def leave(self) -> None:
        """Nobody reads on."""
        self._leave(abort=self.line is not None and not self.over)

    def finished(self) -> SampleFinished:
        """How it ended; what the server counted goes before what was counted here."""
        counted = self._usage
        waited = counted.prompt_seconds
        if waited is None:
            waited = (self._first or time.monotonic()) - self._begun
        return SampleFinished(
            sample=self.number, text="".join(self._shown), reason=self.reason or "stopped",
            prompt_tokens=self._total if counted.prompt is None else counted.prompt, reused=counted.reused or 0,
            tokens=self._tokens if counted.generated is None else counted.generated, prompt_seconds=waited,
            seconds=time.monotonic() - self._begun,
        )  # fmt: skip

    def _drained(self) -> list[Token | PromptProgress]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _limit(self) -> float:
        """Seconds of silence that are borne now."""
        if self._ended:
            return SETTLE
        return self._at.patience.first_token if self._first is None else self._at.patience.between

    def _ask(self) -> None:
        self._reader = self._dialect.reader(self._asked)
        self._events, self._body, self._head = EventStream(), bytearray(), Opened(0, {})
        self._heard = time.monotonic()
        call = self._dialect.call(self._asked, self._declined, self._mark)
        self.line = Line(call, self._at.patience, self._arrived)

    def _took(self, item: Any) -> None:
        if isinstance(item, Opened):
            self._head = item
            self._check_media()
        elif isinstance(item, Closed):
            self._closed(item)
        elif self._streams:
            self._read(self._events.feed(item))
        else:
            self._collect(item)

    def _collect(self, item: bytes) -> None:
        """The bytes of an answer that comes whole, or of an error."""
        self._body += item
        if self._head.status >= 300:
            del self._body[connection.MOST_OF_AN_ERROR :]
        elif len(self._body) > MOST_OF_AN_ANSWER:
            raise EndpointError(f"{self._host} answers without end: it was given up.")

    @property
    def _streams(self) -> bool:
        return self._head.status < 300 and self._head.media in _STREAMED

    def _check_media(self) -> None:
        if self._head.status < 300 and not self._streams and self._head.media != "application/json":
            raise EndpointError(
                f"{self._host} answers with {self._head.media} instead of text of a model: is {self._at.at.base} the"
                " address of its API?"
            )

    def _read(self, events: list[tuple[str, str]]) -> None:
        for name, data in events:
            if not self.over:
                self._parts(self._reader.read(name, data))
        if self._reader.over and not self.over:
            self._complete()

    def _closed(self, end: Closed) -> None:
        if end.error is not None:
            if self._ended:  # only the counts after the end are missing
                self._complete()
                return
            raise end.error
        if self._head.status >= 300:
            raise self._at.refusal(self._head, bytes(self._body))
        if self._streams:
            self._read(self._events.finish())
        else:
            self._parts(self._reader.whole(connection.reading(self._head, bytes(self._body), self._at.at)))
        if not self.over:
            self._check_complete()

    def _check_complete(self) -> None:
        """The connection was closed in order: whether the answer is complete."""
        if self._ended:
            self._complete()
        elif self._tokens:
            raise EndpointError(f"{self._host} ended the connection in the middle of its answer.")
        else:
            raise TemporaryFault(
                f"{self._host} ended the connection before the first token: its own log says why; often the prompt is"
                " too long for its context window."
            )

    def _parts(self, parts: list[Part]) -> None:
        for part in parts:
            if self.over:
                return
            if isinstance(part, Chosen):
                self._token(part)
            elif isinstance(part, Usage):
                self._usage = part
            elif isinstance(part, Ended):
                self._ended, self._heard = part, time.monotonic()
            elif isinstance(part, Processed) and self.number == 0 and self._first is None:
                self._outputs.append(PromptProgress(part.done, part.total, part.reused))

    def _token(self, part: Chosen) -> None:
        self._heard = time.monotonic()
        if self._first is None:
            self._first = self._heard
            if self.number == 0:
                self._outputs.append(PromptProgress(self._total, self._total, 0))
        self._tokens += 1
        shown = self._text.feed(part.text.encode(errors="replace"))
        self._shown.append(shown)
        self._outputs.append(Token(self.number, part.id, part.piece, shown, part.trace))
        if self._text.stopped:
            self._cut("stop_string")
        elif self._tokens > self._asked.most:
            self._cut("max_tokens")

    def _cut(self, reason: StepReason) -> None:
        """End an answer that the server would go on with."""
        self.reason = reason
        self._show_held()
        self._leave(abort=self._ended is None)

    def _show_held(self) -> None:
        """What could have become a stop string is text after all."""
        held = self._text.finish()
        if held:
            self._shown.append(held)
            self._outputs.append(Token(self.number, NO_ID, b"", held))

    def _complete(self) -> None:
        """The server is done: what was held back is shown, and what it tells only now is asked."""
        self._show_held()
        self._leave()
        for part in self._dialect.afterwards(self._asked):
            if isinstance(part, Usage):
                self._usage = part
            elif isinstance(part, Ended):
                self._ended = part
        end = self._ended or Ended("end")
        if end.why == "filter":
            self._fail(EndpointError(f"{self._host} withheld the rest of the answer (content filter)."))
        else:
            self.reason = self._limit_reason() if end.why == "limit" else end.why

    def _limit_reason(self) -> StepReason:
        """Which limit: the context window where fewer tokens came than the user wanted. Text may come in larger pieces
        than tokens, so that it is `max_tokens` where nobody counted.
        """
        wanted, counted = self._asked.values.max_tokens, self._usage.generated
        if counted is None and self._dialect.token_by_token:
            counted = self._tokens
        if wanted and (self._asked.most >= wanted if counted is None else counted >= wanted):
            return "max_tokens"
        return "context_full"

    def _again(self, fault: TemporaryFault) -> None:
        """Another try before the first token; afterwards what has come stands."""
        if self._first is not None:
            self._fail(fault)
            return
        self._faults += 1
        self._leave()
        now = time.monotonic()
        try:
            self._next_try = now + server.pause(fault, self._faults, now - self._begun, self._at.patience)
        except EndpointError as error:
            self._fail(error)

    def _fail(self, error: SamanthaError) -> None:
        self._at.hidden(error)
        if self._tokens and isinstance(error, EndpointError):
            error.args = (f"{error} The {self._tokens} tokens that had come stand.",)
        self.error = error
        self._leave(abort=self.line is not None)

    def _leave(self, abort: bool = False) -> None:
        """Close the connection, if there is one, and make room for another; `abort` tells the server to stop too."""
        if self.line is None:
            return
        self.line.leave()
        self.line = None
        self._slot.release()
        if abort and (call := self._dialect.abort(self._mark)) is not None:
            Line(call, self._at.patience, queue.Queue(8))
