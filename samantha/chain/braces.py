r"""The braces of a prompt, `{temperature=0.8, stop=["END"]}`: where they end and what they set.

    braces = "{" key "=" value { "," key "=" value } [ "," ] "}" ;
    value  = TOML string | TOML list of plain values | TOML number, true or false | bare word ;

Line breaks and spaces may stand between all of these; a decimal may lack its zero (`.5`). `$$$` in a value is written
`\$$$`, because the prompt list is split before its braces are read. What is not here: which entry has braces.
"""

import re
import tomllib
from typing import Any

import msgspec

from samantha.errors import ChainError, HyperparameterError
from samantha.hyperparameters import KNOBS, check

OPENING = r"\{\s*[^\W\d]\w*\s*=(?![=>])"
"""A regular expression for what makes a brace count: `{x == y}` and `{x => y}` are code."""

_STRING = r'"""(?:\\.|[^\\])*?"""|' r"'''.*?'''|" r'"(?:\\.|[^"\\\n])*+"|' r"'[^'\n]*+'"
_PAIR = re.compile(
    r"\s*(?P<key>[^\s=,{}\[\]\"']+)\s*=\s*"
    rf"(?P<value>{_STRING}|\[(?:{_STRING}|[^\]\"'])*+\]|[^\s,{{}}\[\]\"'][^,}}\n]*)?",
    re.DOTALL,
)
_AFTER_PAIR = re.compile(r"\s*(?:,|(?=\}))")
_CLOSING = re.compile(r"\s*\}")
_SHORT_DECIMAL = re.compile(r"[+-]?\.\d+")


class Braces(msgspec.Struct, frozen=True):
    """Braces as they stand: where they end, their pairs of key and raw value, and what is wrong with them."""

    end: int
    source: str
    pairs: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def read(text: str, start: int, end: int) -> Braces:
    """The braces that open at `start` of `text`; they must close before `end`."""
    pairs: list[tuple[str, str]] = []
    position, problem = start + 1, ""
    while not problem and not (closed := _CLOSING.match(text, position, end)):
        pair = _PAIR.match(text, position, end)
        after = _AFTER_PAIR.match(text, pair.end(), end) if pair and pair["value"] else None
        if pair and after:
            pairs.append((pair["key"], pair["value"].strip()))
            position = after.end()
        else:
            problem = _problem(pair, text[pair.end() if pair and pair["value"] else position : end])
    if problem:
        return Braces(end, text[start:end].strip(), problem=problem)
    assert closed
    return Braces(closed.end(), text[start : closed.end()], tuple(pairs))


def overrides(braces: Braces, item: str) -> dict[str, Any]:
    """The checked hyperparameters of `braces`; `item` names the item in messages.

    Raises:
        ChainError: they cannot be read.
        HyperparameterError: an unknown key or a value out of range.
    """
    if braces.problem:
        raise ChainError(f"{item} {braces.problem}, or write \\{{ where a plain {{ is meant.")
    values: dict[str, Any] = {}
    for key, raw in braces.pairs:
        if key in values:
            raise ChainError(f"{item} sets {key} twice: keep one.")
        try:
            values[key] = check(key, _value(raw.replace(r"\$$$", "$$$")))
        except HyperparameterError as error:
            hint = "" if key in KNOBS else r" Write \{ where a plain { is meant."
            raise HyperparameterError(f"{item}: {error}{hint}") from None
    return values


def _problem(pair: re.Match[str] | None, rest: str) -> str:
    if pair and not pair["value"]:
        return f"has braces without a readable value for {pair['key']}: write one"
    if rest.strip():
        return f"has braces that cannot be read at {excerpt(rest)}: write them as {{key=value, key=value}}"
    return "has braces that never close: put } after the last value"


def _value(raw: str) -> Any:
    """A value as TOML reads it, else the word itself."""
    if _SHORT_DECIMAL.fullmatch(raw):
        return float(raw)
    if raw[0] not in "\"'[" and "#" in raw:
        return raw
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        return raw


def excerpt(text: str) -> str:
    """The beginning of `text` in one line and in quotes, for a message."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= 40 else f'"{line[:39]}…"'
