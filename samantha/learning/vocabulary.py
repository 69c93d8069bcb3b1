"""A model's vocabulary, searched: by text, id, range of ids, bytes, type. Tokens as text in which everything is seen.

What is not here: where a vocabulary comes from, and pages of results.
"""

import re
from collections.abc import Callable, Collection, Sequence

from samantha.errors import SearchError
from samantha.traces import VocabularyToken

KINDS = ("normal", "control", "byte", "user_defined", "unused", "unknown")
"""The types of tokens, as the tokenizers of GGUF files name them."""

_SEEN = {" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|x.{0,2}|[ntr\\]|.?)", re.DOTALL)
_PLAIN = {"n": b"\n", "t": b"\t", "r": b"\r", "\\": b"\\"}

Fits = Callable[[VocabularyToken], bool]


def visible(piece: bytes) -> str:
    r"""A token's bytes as text in which white space is seen; bytes that are no whole character appear as \xNN."""
    shown = []
    for character in piece.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            shown.append(f"\\x{code - 0xDC00:02X}")
        elif character in _SEEN:
            shown.append(_SEEN[character])
        else:
            shown.append(character if character.isprintable() else _named(character))
    return "".join(shown)


def _named(character: str) -> str:
    r"""A character that shows nothing or moves what stands around it, by its number: \x07, \u202E."""
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x80 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def search(
    vocabulary: Sequence[VocabularyToken], query: str = "", kinds: Collection[str] = (), ends_answer: bool = False
) -> list[VocabularyToken]:
    r"""The tokens that fit, by id. An empty query fits all.

    Args:
        query: `42` an id; `2000-2100` a range of ids; anything else is text within the token, upper and lower case
            told apart, with \n, \t, \r, \\ and bytes as \xNN; in double quotes it is text whatever it looks like.
        kinds: of `KINDS`; empty: all.
        ends_answer: only tokens with which an answer ends.

    Raises:
        SearchError: a range that is reversed or not whole, an id beyond the vocabulary, bytes or a kind that are none.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise SearchError(f"There is no type {unknown[0]!r} of tokens: choose of {', '.join(KINDS)}.")
    fits = _condition(query, len(vocabulary))
    return [
        token for token in vocabulary
        if fits(token) and (not kinds or token.kind in kinds) and (not ends_answer or token.ends_answer)
    ]  # fmt: skip


def _condition(query: str, size: int) -> Fits:
    if not query:
        return lambda _: True
    ids = re.fullmatch(r"\s*([+-]?\d{1,18})?\s*(?:(-|–|\.\.)\s*([+-]?\d{1,18})?)?\s*", query)
    if ids and (ids[1] or ids[3]):
        return _within(ids[1], ids[3], bool(ids[2]), size)
    if len(query) > 2 and query[0] == query[-1] == '"':
        query = query[1:-1]
    wanted = unescaped(query)
    return lambda token: wanted in token.piece


def _within(first: str | None, last: str | None, ranged: bool, size: int) -> Fits:
    if ranged and (first is None or last is None):
        raise SearchError("A range of ids needs two numbers, such as 2000-2100; put it in double quotes to find text.")
    low, high = int(first or 0), int(last if last is not None else first or 0)
    if low < 0 or high < 0:
        raise SearchError("Ids begin with 0: give a number from 0 on, or put it in double quotes to find text.")
    if low > high:
        raise SearchError(f"The range {low}-{high} is reversed: write {high}-{low}.")
    if high >= size:
        raise SearchError(f"The vocabulary has the ids 0 to {size - 1}, and {high} is beyond it.")
    return lambda token: low <= token.id <= high


def unescaped(text: str) -> bytes:
    r"""Typed text as bytes: \xNN, \n, \t, \r, \\ mean what they do in Python.

    Raises:
        SearchError: a backslash before anything else.
    """

    def replaced(found: re.Match[str]) -> bytes:
        name = found[1]
        if name in _PLAIN:
            return _PLAIN[name]
        if re.fullmatch("x[0-9a-fA-F]{2}", name):
            return bytes.fromhex(name[1:])
        raise SearchError(
            f"{found[0]} is no byte: write \\x and two digits from 0 to F, such as \\xE2; \\\\ is a backslash."
        )

    parts, at = [], 0
    for found in _ESCAPE.finditer(text):
        parts += [text[at : found.start()].encode("utf-8", "surrogatepass"), replaced(found)]
        at = found.end()
    return b"".join([*parts, text[at:].encode("utf-8", "surrogatepass")])
