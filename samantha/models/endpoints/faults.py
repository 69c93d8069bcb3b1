"""What can go wrong with a server, how patient the program is, and what a server's refusals mean, in sentences."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import msgspec

from samantha.errors import EndpointError, ModelNotFound, SamanthaError

TEMPORARY = (408, 425, 429, 500, 502, 503, 504, 529)
"""Statuses after which asking again makes sense."""

BUSY = (429, 503, 529)
"""Statuses that say: not now."""


class Patience(msgspec.Struct, frozen=True):
    """How long to wait, in seconds, and how often to try.

    `attempts` is how often a request is sent, waits between double from `first_wait` up to `longest_wait`; a server
    that is busy is asked on for `busy` seconds, and one that asks for more than `longest_request` is not waited for.
    `first_token` holds from the request on, `between` from token to token, `answer` for everything but generation.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 15.0
    longest_request: float = 60.0
    busy: float = 120.0
    connect: float = 10.0
    first_token: float = 600.0
    between: float = 120.0
    answer: float = 20.0

    def wait(self, fault: int, asked: float | None) -> float:
        """Seconds to wait after fault number `fault` (from 1), where the server `asked` for so many."""
        return max(min(self.first_wait * 2.0 ** (fault - 1), self.longest_wait), asked or 0.0)


class TemporaryFault(EndpointError):
    """Something that may be over in a moment. `retry_after` is what the server asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None, busy: bool = False) -> None:
        self.retry_after = retry_after
        self.busy = busy
        super().__init__(message)


class Declined(EndpointError):
    """The server does not take the field `field` of the request."""

    def __init__(self, message: str, field: str) -> None:
        self.field = field
        super().__init__(message)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number or a date; None where it says nothing that can be read."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time()) if value else None
    except (ValueError, OverflowError):
        return None


def quoted(body: bytes) -> str:
    """What a server says of an error, put behind a sentence: `: '…'.`, or `.` where it says nothing."""
    words = said(body)
    return f": {words!r}." if words else "."


def said(body: bytes) -> str:
    """What a server says of an error, at most 300 characters of one line; "" where it is no sentence."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        text = body.decode(errors="replace")
        return "" if "<" in text[:200] else _one_line(text)
    return _one_line(_message(answer))


def _message(answer: Any) -> str:
    """OpenAI's `error.message`, and what others write instead (`detail`, `message`, `msg`, a bare text)."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list):
        return _message(answer[0]) if answer else ""
    if isinstance(answer, dict):
        parts = (_message(answer[name]) for name in ("error", "message", "detail", "msg") if name in answer)
        return next((part for part in parts if part), "")
    return ""


def _one_line(text: str) -> str:
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
    return plain if len(plain) <= 300 else f"{plain[:297]}..."


def refusal(status: int, headers: Mapping[str, str], body: bytes, host: str, model: str, keyed: bool) -> SamanthaError:
    """What a status other than success means, with what to do next."""
    words = said(body)
    quoted = f": {words!r}" if words else ""
    if status in (401, 403):
        return EndpointError(_about_the_key(status, host, quoted, keyed))
    if field := _declined(status, words):
        return Declined(f"{host} refused the request ({status}){quoted}.", field)
    if status in (400, 404, 413, 422) and re.search(r"context|too long|too many tokens|maximum.*length", words, re.I):
        return EndpointError(
            f"{host} refused the prompt as too long for its context window{quoted}. Shorten the prompt or the previous"
            " response, lower max_tokens, or start the server with a larger context."
        )
    if model and status in (400, 404) and "model" in words.lower():
        return ModelNotFound(f"{host} has no model {model!r}{quoted}. `samantha endpoints check` lists what it has.")
    if status == 404:
        return EndpointError(f"{host} has nothing at that address ({status}){quoted}: usually it ends in /v1.")
    if status in TEMPORARY:
        what = "is busy" if status in BUSY else "failed"
        sentence = f"{host} {what} ({status}){quoted}: try again later."
        return TemporaryFault(sentence, retry_after(headers), status in BUSY)
    return EndpointError(f"{host} refused the request ({status}){quoted}.")


_OPTIONAL = ("stream_options", "max_tokens", "seed", "top_logprobs", "logprobs", "return_progress")


def _declined(status: int, words: str) -> str:
    """The optional field that a refusal is about."""
    unknown = re.search(r"support|unknown|unrecogni|extra|not permitted|unexpected", words, re.IGNORECASE)
    if status not in (400, 422) or not unknown:
        return ""
    return next((field for field in _OPTIONAL if re.search(rf"\b{field}\b", words)), "")


def _about_the_key(status: int, host: str, quoted: str, keyed: bool) -> str:
    if not keyed:
        return f"{host} wants a key ({status}){quoted}: give it with `samantha endpoints key`."
    verb = "does not accept the key" if status == 401 else "does not allow this with the key"
    return f"{host} {verb} ({status}){quoted}: check it, and give the right one with `samantha endpoints key`."
