"""How many tokens a text has: asked of the server where it tells, estimated where it does not.

An estimate is meant to be too high rather than too low, so that what is said to fit does fit.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from samantha.models.endpoints.logprobs import NO_ID
from samantha.models.endpoints.server import Facts, Server
from samantha.models.model import Message

PER_MESSAGE = 8
"""Tokens that a chat template puts around a turn, estimated."""

MOST_LOOKED_UP = 512
"""How many tokens' texts are asked for one by one."""

_ESTIMATED = re.compile(r"\s?[A-Za-z]{1,6}|\s?\d{1,3}|\s?[^\W\d_]|\s+|.", re.DOTALL)


class Count(msgspec.Struct, frozen=True):
    """Tokens of a prompt, and its text where the server shows what it makes of messages."""

    tokens: int
    exact: bool
    text: str | None = None
    ids: tuple[int, ...] = ()


def estimated(text: str) -> list[bytes]:
    """Pieces of about a token each; joined they are the text."""
    return [piece.encode(errors="replace") for piece in _ESTIMATED.findall(text)]


class Counter:
    """Counts and splits text with the server's own tokenizer, where it has one."""

    def __init__(self, server: Server, facts: Facts) -> None:
        self._server = server
        self._facts = facts
        self._texts: dict[int, bytes] = {}

    @property
    def has_tokenizer(self) -> bool:
        """Whether the server can be asked."""
        return self._facts.kind in ("llama-server", "llama-cpp-python", "vllm", "kobold", "koboldcpp")

    def text(self, text: str) -> Count:
        """Tokens of a raw prompt."""
        ids = self._ids(text, begin=True)
        return Count(len(estimated(text)), False, text) if ids is None else Count(len(ids), True, text, tuple(ids))

    def messages(self, messages: Sequence[Message]) -> Count:
        """Tokens of a conversation in the server's own template."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        if self._facts.kind == "llama-server":
            told = self._ask(f"{self._server.at.root}/apply-template", {"messages": turns})
            if isinstance(told.get("prompt"), str):
                return self.text(told["prompt"])
        if self._facts.kind == "vllm":
            told = self._ask(self._vllm("tokenize"), {"model": self._facts.model, "messages": turns})
            ids = _ids(told.get("tokens"))
            if ids is not None:
                return Count(len(ids), True, self._joined(ids), tuple(ids))
        inside = [self.text(message.content) for message in messages]
        return Count(sum(count.tokens + PER_MESSAGE for count in inside), False)

    def pieces(self, text: str) -> list[tuple[int, bytes]]:
        """Ids and bytes of the tokens of `text`; joined they are the text. Without a tokenizer: estimated, no ids."""
        if self._facts.kind == "llama-server":
            pieces = self._llama_server_pieces(text)
        else:
            ids = self._ids(text, begin=False)
            pieces = None if ids is None else self._looked_up(ids)
        if pieces is None or b"".join(piece for _, piece in pieces).decode(errors="replace") != text:
            return [(NO_ID, piece) for piece in estimated(text)]
        return pieces

    def _ids(self, text: str, begin: bool) -> list[int] | None:
        """`begin`: with the token that begins a text, where the model has one."""
        kind, root, base = self._facts.kind, self._server.at.root, self._server.at.base
        if kind == "llama-server":
            return _ids(self._ask(f"{root}/tokenize", {"content": text, "add_special": begin}).get("tokens"))
        if kind == "llama-cpp-python":
            asked = {"model": self._facts.model, "input": text}
            return _ids(self._ask(f"{root}/extras/tokenize", asked).get("tokens"))
        if kind == "vllm":
            asked = {"model": self._facts.model, "prompt": text}
            return _ids(self._ask(self._vllm("tokenize"), asked | {"add_special_tokens": begin}).get("tokens"))
        if kind in ("kobold", "koboldcpp"):
            where = base if kind == "kobold" else root
            return _ids(self._ask(f"{where}/api/extra/tokencount", {"prompt": text, "special": begin}).get("ids"))
        return None

    def _llama_server_pieces(self, text: str) -> list[tuple[int, bytes]] | None:
        told = self._ask(f"{self._server.at.root}/tokenize", {"content": text, "with_pieces": True}).get("tokens")
        if not isinstance(told, list) or not all(isinstance(entry, dict) for entry in told):
            return None
        return [(entry.get("id", NO_ID), _bytes(entry.get("piece"))) for entry in told]

    def _looked_up(self, ids: list[int]) -> list[tuple[int, bytes]] | None:
        """Each token's text asked for once; None where one has none of its own, as parts of a character."""
        missing = [number for number in dict.fromkeys(ids) if number not in self._texts]
        if len(missing) > MOST_LOOKED_UP:
            return None
        for number in missing:
            text = self._text_of([number])
            if text is None:
                return None
            self._texts[number] = text.encode()
        return [(number, self._texts[number]) for number in ids]

    def _joined(self, ids: list[int]) -> str | None:
        return self._text_of(ids)

    def _text_of(self, ids: list[int]) -> str | None:
        kind, root, base = self._facts.kind, self._server.at.root, self._server.at.base
        if kind == "llama-cpp-python":
            told = self._ask(f"{root}/extras/detokenize", {"model": self._facts.model, "tokens": ids}).get("text")
        elif kind == "vllm":
            told = self._ask(self._vllm("detokenize"), {"model": self._facts.model, "tokens": ids}).get("prompt")
        else:
            where = base if kind == "kobold" else root
            told = self._ask(f"{where}/api/extra/detokenize", {"ids": ids}).get("result")
        return told if isinstance(told, str) else None

    def _vllm(self, call: str) -> str:
        return f"{self._server.at.root}/{call}"

    def _ask(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        told = self._server.ask_once(url, body)
        return told if isinstance(told, dict) else {}


def _ids(value: Any) -> list[int] | None:
    return value if isinstance(value, list) and all(isinstance(number, int) for number in value) else None


def _bytes(piece: Any) -> bytes:
    if isinstance(piece, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in piece):
        return bytes(piece)
    return piece.encode() if isinstance(piece, str) else b""
