"""What servers say of how tokens were chosen, as traces: the chosen token's probability, and those of the likeliest.

What is missing in such a trace: logits, all but the likeliest candidates, every sampler's stage. `rank` is one below
the candidates given where the chosen token is not among them, and `entropy` a lower bound, which takes all the others
for one. `ids` is empty, which tells such a trace from one that was measured here.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from samantha.traces import Candidate, TokenTrace

NO_ID = -1
"""The vocabulary id of a token of which the server says none. Below it are candidates of which it says none."""

MOST = {"standard": 20, "vllm": 20, "lm-studio": 10, "kobold": 10, "koboldcpp": 10}
"""How many candidates a kind of server may be asked for; where nothing is said, up to 100."""


class Chosen(msgspec.Struct, frozen=True):
    """A token as the server tells of it. `text` is its visible form, `piece` its bytes."""

    text: str
    piece: bytes
    id: int = NO_ID
    trace: TokenTrace | None = None


def chosen(logprobs: Any) -> list[Chosen]:
    """The tokens of a chunk's `logprobs`, in the form of chat (`content`) or of completions (`tokens`).

    What is not of these forms is left out: a trace is never a reason for an answer to fail.
    """
    if not isinstance(logprobs, dict):
        return []
    content = logprobs.get("content")
    if isinstance(content, list):
        return [_of_content(entry) for entry in content if isinstance(entry, dict)]
    return _of_lists(logprobs)


def _of_content(entry: dict[str, Any]) -> Chosen:
    top = [
        (_id(other), _piece(other), float(other["logprob"]))
        for other in _list(entry.get("top_logprobs"))
        if isinstance(other, dict) and _is_number(other.get("logprob"))
    ]
    return _chosen(str(entry.get("token", "")), _piece(entry), _id(entry), entry.get("logprob"), top)


def _of_lists(logprobs: dict[str, Any]) -> list[Chosen]:
    """The older form: parallel lists, and of each token a dictionary of the likeliest."""
    tokens, numbers, tops = (_list(logprobs.get(name)) for name in ("tokens", "token_logprobs", "top_logprobs"))
    found = []
    for place, token in enumerate(tokens):
        given = tops[place] if place < len(tops) and isinstance(tops[place], dict) else {}
        top = [(NO_ID, text.encode(), float(number)) for text, number in given.items() if _is_number(number)]
        number = numbers[place] if place < len(numbers) else None
        found.append(_chosen(str(token), str(token).encode(), NO_ID, number, top))
    return found


def _chosen(text: str, piece: bytes, number: int, logprob: Any, top: list[tuple[int, bytes, float]]) -> Chosen:
    if not _is_number(logprob):
        return Chosen(text, piece, number)
    return Chosen(text, piece, number, _trace(piece, number, float(logprob), top))


def _trace(piece: bytes, number: int, logprob: float, top: list[tuple[int, bytes, float]]) -> TokenTrace:
    """The trace of a token with that natural logarithm of its probability, before any sampler."""
    top = sorted(top, key=lambda entry: -entry[2])
    rank = next((place for place, entry in enumerate(top, 1) if _same(entry, piece, number)), len(top) + 1)
    listed = top if rank <= len(top) else [*top, (number, piece, logprob)]
    shares = [_share(entry[2]) for entry in listed]
    candidates = tuple(
        Candidate(_apart(entry[0], place, rank), entry[1], None, share, place)
        for place, (entry, share) in enumerate(zip(listed, shares, strict=True), 1)
    )
    return TokenTrace(rank, None, _share(logprob), _entropy(shares), (), candidates)


def _apart(number: int, place: int, rank: int) -> int:
    """The id of a candidate: `NO_ID` of the chosen one, other negative ones of the others, to tell them apart."""
    return number if number != NO_ID or place == rank else NO_ID - place


def _same(entry: tuple[int, bytes, float], piece: bytes, number: int) -> bool:
    return entry[0] == number if number != NO_ID and entry[0] != NO_ID else entry[1] == piece


def _entropy(shares: Sequence[float]) -> float:
    rest = max(0.0, 1.0 - sum(shares))
    return -sum(share * math.log2(share) for share in (*shares, rest) if share > 0)


def _share(logprob: float) -> float:
    return min(1.0, math.exp(min(0.0, logprob)))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _id(entry: dict[str, Any]) -> int:
    number = entry.get("id")
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else NO_ID


def _piece(entry: dict[str, Any]) -> bytes:
    given = entry.get("bytes")
    if isinstance(given, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in given):
        return bytes(given)
    return str(entry.get("token", "")).encode()
