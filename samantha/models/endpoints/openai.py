"""The OpenAI-compatible API: chat completions and completions, streamed. Which server is spoken to is in the `Facts`.

https://platform.openai.com/docs/api-reference, and what llama-server, vLLM and others add to it.
"""

from typing import Any

import msgspec

from samantha.errors import EndpointError
from samantha.models.endpoints import faults, logprobs, sampling
from samantha.models.endpoints.connection import Call
from samantha.models.endpoints.logprobs import Chosen
from samantha.models.endpoints.parts import Asked, Ended, Part, Processed, Usage
from samantha.models.endpoints.server import Facts, Server

MOST_STOPS = 4
"""What OpenAI takes; further ones are looked for here."""

_ENDS: dict[str, Ended] = {
    "stop": Ended("end"), "length": Ended("limit"), "content_filter": Ended("filter"), "eos": Ended("end"),
}  # fmt: skip


class OpenAI:
    """Asks one server for answers."""

    def __init__(self, server: Server, facts: Facts, window: int) -> None:
        self._server, self._facts, self._window = server, facts, window

    @property
    def token_by_token(self) -> bool:
        """See `parts.Dialect`."""
        return self._facts.kind in ("llama-cpp-python", "llama-server")

    def call(self, asked: Asked, declined: set[str], mark: str) -> Call:  # noqa: ARG002 - closing the stream aborts
        """See `parts.Dialect`."""
        chat = asked.prompt.text is None
        body: dict[str, Any] = {"model": self._facts.model, "stream": True, "stream_options": {"include_usage": True}}
        if chat:
            turns = [{"role": message.role, "content": message.content} for message in asked.prompt.messages]
            body["messages"] = turns
        else:
            body["prompt"] = asked.prompt.text
        body |= sampling.fields(asked.values, self._facts.kind, self._window).fields
        body["max_tokens"] = asked.most
        body["seed"] = asked.values.seed
        stops = asked.stops[:MOST_STOPS] if self._facts.kind == "standard" else asked.stops
        body |= {"stop": list(stops)} if stops else {}
        body |= self._traced(asked.trace, chat) if asked.trace else {}
        body |= self._extras(asked)
        return self._server.call(self._url(chat), _accepted(body, declined), stream=True)

    def reader(self, asked: Asked) -> "Reader":
        """See `parts.Dialect`."""
        return Reader(self._server.at.host, self._facts.kind, bool(asked.trace))

    def abort(self, mark: str) -> Call | None:  # noqa: ARG002
        """See `parts.Dialect`."""
        return None

    def afterwards(self, asked: Asked) -> list[Part]:  # noqa: ARG002
        """See `parts.Dialect`."""
        return []

    def _url(self, chat: bool) -> str:
        return f"{self._server.at.base}/{'chat/completions' if chat else 'completions'}"

    def _traced(self, wanted: int, chat: bool) -> dict[str, Any]:
        top = min(wanted, logprobs.MOST.get(self._facts.kind, 100))
        if chat:
            return {"logprobs": True, "top_logprobs": top}
        return {"logprobs": min(top, 5) if self._facts.kind == "standard" else top}

    def _extras(self, asked: Asked) -> dict[str, Any]:
        """What only some programs know."""
        if self._facts.kind == "llama-server":
            return {"cache_prompt": asked.reuse, "return_progress": True}
        if self._facts.kind == "vllm":
            return {"return_token_ids": True}
        return {}


def _accepted(body: dict[str, Any], declined: set[str]) -> dict[str, Any]:
    """The body without the fields that the server does not take; `max_tokens` has a newer name."""
    kept = {name: value for name, value in body.items() if name not in declined and value is not None}
    if "max_tokens" in declined:
        kept["max_completion_tokens"] = body["max_tokens"]
    if "logprobs" in declined:
        kept.pop("top_logprobs", None)
    return kept


class Reader:
    """Reads the chunks of one answer. Thoughts that come in a field of their own are put between `<think>` tags."""

    def __init__(self, host: str, kind: str, traced: bool) -> None:
        self._host, self._kind, self._traced = host, kind, traced
        self._thinking = False
        self._done = False
        self._ended = False

    @property
    def over(self) -> bool:
        """Whether nothing more is to come: the stream said so."""
        return self._done

    def read(self, name: str, data: str) -> list[Part]:
        """See `parts.Reader`."""
        if data.strip() == "[DONE]":
            return self._finish()
        try:
            chunk = msgspec.json.decode(data)
        except msgspec.DecodeError:
            raise EndpointError(f"{self._host} sends something that is no JSON in the middle of its answer.") from None
        if not isinstance(chunk, dict):
            raise EndpointError(f"{self._host} sends something that is no part of an answer.")
        if name == "error" or chunk.get("error"):
            raise EndpointError(f"{self._host} failed in the middle of its answer{faults.quoted(data.encode())}")
        return self._chunk(chunk)

    def whole(self, answer: Any) -> list[Part]:
        """See `parts.Reader`: of a server that does not stream."""
        if not isinstance(answer, dict) or not isinstance(answer.get("choices"), list):
            said = faults.quoted(msgspec.json.encode(answer))
            raise EndpointError(f"{self._host} answers with something else than text{said}")
        self._done = True
        parts = self._chunk(answer)
        return parts if any(isinstance(part, Ended) for part in parts) else [*parts, Ended("end")]

    def _chunk(self, chunk: dict[str, Any]) -> list[Part]:
        parts: list[Part] = []
        if progress := _progress(chunk.get("prompt_progress")):
            parts.append(progress)
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            parts += self._choice(choices[0])
        if usage := _usage(chunk):
            parts.append(usage)
        return parts

    def _choice(self, choice: dict[str, Any]) -> list[Part]:
        told = choice.get("delta") or choice.get("message")
        told = told if isinstance(told, dict) else {}
        text = choice["text"] if isinstance(choice.get("text"), str) else told.get("content")
        parts: list[Part] = []
        thought = told.get("reasoning_content") or told.get("reasoning")
        if isinstance(thought, str) and thought:
            parts += [Chosen(self._open_thought() + thought, thought.encode())]
        if isinstance(text, str) and (text or choice.get("logprobs")):
            parts += aligned(self._close_thought() + text, _tokens(choice, self._traced))
        why = choice.get("finish_reason")
        if isinstance(why, str) and why:
            if closing := self._close_thought():
                parts.append(Chosen(closing, b""))
            self._ended = True
            by_text = isinstance(choice.get("stop_reason"), str)  # vLLM names the stop string here
            parts.append(Ended("stop_string") if by_text else _ENDS.get(why, Ended("end")))
        return parts

    def _open_thought(self) -> str:
        opened, self._thinking = self._thinking, True
        return "" if opened else "<think>"

    def _close_thought(self) -> str:
        opened, self._thinking = self._thinking, False
        return "</think>" if opened else ""

    def _finish(self) -> list[Part]:
        self._done = True
        if self._ended:
            return []
        if self._kind == "llama-cpp-python":
            raise EndpointError(
                f"{self._host} broke the answer off, as llama-cpp-python does when another request comes in: start it"
                " with --interrupt_requests false, or let one program at a time use it."
            )
        self._ended = True
        return [Ended("end")]


def _tokens(choice: dict[str, Any], traced: bool) -> list[Chosen]:
    """The tokens of a chunk, with the ids that vLLM gives beside them."""
    tokens = logprobs.chosen(choice.get("logprobs")) if traced else []
    ids = choice.get("token_ids")
    if isinstance(ids, list) and all(isinstance(number, int) for number in ids):
        if len(ids) == len(tokens):
            return [msgspec.structs.replace(token, id=number) for token, number in zip(tokens, ids, strict=True)]
        if len(ids) == 1 and not tokens:
            return [Chosen("", b"", ids[0])]
    return tokens


def aligned(text: str, tokens: list[Chosen]) -> list[Part]:
    """The tokens, showing together exactly `text`: each its own where that is so, else the last one everything.

    Text is what the server made of the tokens; stop strings and characters that span tokens make the two differ.
    """
    if not tokens:
        return [Chosen(text, text.encode())] if text else []
    if len(tokens) == 1:
        piece = tokens[0].piece or text.encode()
        return [msgspec.structs.replace(tokens[0], text=text, piece=piece)]
    if "".join(token.text for token in tokens) == text:
        return list(tokens)
    silent: list[Part] = [msgspec.structs.replace(token, text="") for token in tokens[:-1]]
    return [*silent, msgspec.structs.replace(tokens[-1], text=text)]


def _usage(chunk: dict[str, Any]) -> Usage | None:
    usage, timings = chunk.get("usage"), chunk.get("timings")
    if isinstance(timings, dict):
        seconds = timings.get("prompt_ms")
        prompt, reused = _number(timings.get("prompt_n")), _number(timings.get("cache_n"))
        total = None if prompt is None else prompt + (reused or 0)
        waited = seconds / 1000 if isinstance(seconds, int | float) else None
        return Usage(total, _number(timings.get("predicted_n")), reused, waited)
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    reused = _number(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Usage(_number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens")), reused)


def _progress(told: Any) -> Processed | None:
    if not isinstance(told, dict):
        return None
    done, total = _number(told.get("processed")), _number(told.get("total"))
    if done is None or total is None:
        return None
    return Processed(done, total, _number(told.get("cache")) or 0)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
