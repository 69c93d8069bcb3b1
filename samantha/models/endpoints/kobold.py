"""KoboldCpp's own API: generate/stream, abort, perf. Its OpenAI-compatible side is spoken to as such (`…:5001/v1`).

It continues raw text. Messages are written with its own placeholders, in whose place it puts the texts of the chat
template that it has loaded. While it streams it tells no probabilities: a traced answer comes whole.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from samantha.errors import EndpointError
from samantha.models.endpoints import faults, logprobs, sampling
from samantha.models.endpoints.connection import Call
from samantha.models.endpoints.logprobs import Chosen
from samantha.models.endpoints.openai import aligned
from samantha.models.endpoints.parts import Asked, Ended, Part, Usage
from samantha.models.endpoints.server import Facts, Server
from samantha.models.model import Message

PLACEHOLDERS = {
    "system": ("{{[SYSTEM]}}", "{{[SYSTEM_END]}}"),
    "user": ("{{[INPUT]}}", "{{[INPUT_END]}}"),
    "assistant": ("{{[OUTPUT]}}", "{{[OUTPUT_END]}}"),
}
_STOP_REASONS: dict[int, Literal["limit", "end", "stop_string"]] = {0: "limit", 1: "end", 2: "stop_string"}
"""`stop_reason` of /api/extra/perf."""


def with_placeholders(messages: Sequence[Message]) -> str:
    """The messages as KoboldCpp's template is put around them."""
    turns = [PLACEHOLDERS[turn.role][0] + turn.content + PLACEHOLDERS[turn.role][1] for turn in messages]
    return "".join(turns) + PLACEHOLDERS["assistant"][0]


def seed(number: int | None) -> int:
    """A seed that fits into its 31 bits and is not 0, which means a random one there."""
    return ((number or 0) & 0x7FFFFFFF) or 1


class Kobold:
    """Asks one KoboldCpp for answers."""

    def __init__(self, server: Server, facts: Facts, window: int) -> None:
        self._server, self._facts, self._window = server, facts, window

    @property
    def token_by_token(self) -> bool:
        """See `parts.Dialect`."""
        return False

    def call(self, asked: Asked, declined: set[str], mark: str) -> Call:  # noqa: ARG002 - it overlooks what it does not know
        """See `parts.Dialect`."""
        body: dict[str, Any] = {
            "prompt": asked.prompt.text, "max_length": asked.most, "max_context_length": self._window,
            "sampler_seed": seed(asked.values.seed), "stop_sequence": list(asked.stops), "trim_stop": True,
            "genkey": mark, "quiet": True, "use_default_badwordsids": False,
            "replace_instruct_placeholders": asked.prompt.placeholders,
        }  # fmt: skip
        body |= sampling.fields(asked.values, "kobold", self._window).fields
        where = "/api/v1/generate" if asked.trace else "/api/extra/generate/stream"
        body |= {"logprobs": True} if asked.trace else {}
        return self._server.call(self._server.at.base + where, body, stream=not asked.trace)

    def reader(self, asked: Asked) -> "Reader":  # noqa: ARG002
        """See `parts.Dialect`."""
        return Reader(self._server.at.host)

    def abort(self, mark: str) -> Call | None:
        """See `parts.Dialect`: without it, it generates on when the connection is closed."""
        return self._server.call(f"{self._server.at.base}/api/extra/abort", {"genkey": mark})

    def perf(self) -> dict[str, Any]:
        """What it measured of its last answer, whoever asked for it."""
        told = self._server.ask_once(f"{self._server.at.base}/api/extra/perf")
        return told if isinstance(told, dict) else {}

    def afterwards(self, asked: Asked) -> list[Part]:
        """See `parts.Dialect`: counts and reason, if its last answer is this one."""
        told = self.perf()
        if told.get("last_seed") != seed(asked.values.seed):
            return []
        seconds = told.get("last_process")
        usage = Usage(
            _number(told.get("last_input_count")), _number(told.get("last_token_count")), None,
            float(seconds) if isinstance(seconds, int | float) else None,
        )  # fmt: skip
        why = _STOP_REASONS.get(told.get("stop_reason", -1))
        return [usage, Ended(why)] if why else [usage]


class Reader:
    """Reads one answer."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._over = False

    @property
    def over(self) -> bool:
        """Whether the end was told."""
        return self._over

    def read(self, name: str, data: str) -> list[Part]:
        """See `parts.Reader`."""
        try:
            told = msgspec.json.decode(data)
        except msgspec.DecodeError:
            told = None
        if not isinstance(told, dict) or name not in ("", "message") or not isinstance(told.get("token", ""), str):
            said = faults.quoted(data.encode())
            raise EndpointError(f"{self._host} sends something that is no part of an answer{said}")
        text = told.get("token", "")
        parts: list[Part] = [Chosen(text, text.encode())] if text else []
        return [*parts, *self._end(told.get("finish_reason"))]

    def whole(self, answer: Any) -> list[Part]:
        """See `parts.Reader`."""
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or not results or not isinstance(results[0], dict):
            said = faults.quoted(msgspec.json.encode(answer))
            raise EndpointError(f"{self._host} answers with something else than text{said}")
        told = results[0]
        text = told.get("text")
        tokens = logprobs.chosen(told.get("logprobs"))
        usage = Usage(_number(told.get("prompt_tokens")), _number(told.get("completion_tokens")))
        end = self._end(told.get("finish_reason")) or [Ended("end")]
        self._over = True
        return [*aligned(text if isinstance(text, str) else "", tokens), usage, *end]

    def _end(self, why: Any) -> list[Part]:
        if why in (None, "", "null"):
            return []
        self._over = True
        return [Ended("limit" if why == "length" else "end")]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
