"""A chain as TOML that people like to edit: long texts over several lines, short tables in one line, a fixed order.

tomlkit writes the document; texts over several lines are spelled here, because its own do not come back when they hold
a carriage return or begin with a line break. What is not here: reading, and whether the chain makes sense (files.py).
"""

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from samantha.chain.chain import FORMAT, Chain

if TYPE_CHECKING:
    from tomlkit.items import AoT, Array, InlineTable, Item, String, Table

TABLES = ("variables", "hyperparameters", "random_ranges", "template", "examples")
"""They come after everything else, because TOML has no way back to the top."""

LONGEST_LINE = 100

T = TypeVar("T", "InlineTable", "Table")

_DEFAULTS = Chain()
_ESCAPE = re.compile(r"\\(.)")
_NEEDS_ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|'''|'\Z")


def document(chain: Chain) -> str:
    """The text of the chain's file: the format, then what differs from the defaults."""
    import tomlkit

    names = [name for name in Chain.__struct_fields__ if name != "format" and name not in TABLES]
    file = tomlkit.document()
    file.append("format", tomlkit.item(FORMAT))
    for name in (*names, *TABLES):
        value = getattr(chain, name)
        if value != getattr(_DEFAULTS, name):
            file.append(name, _item(msgspec.to_builtins(value)))
    return tomlkit.dumps(file)


def _item(value: Any) -> "Item | AoT":
    import tomlkit

    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _table(value)
    if isinstance(value, list):
        return _sections(value) if isinstance(value[0], dict) else _list(value)
    number: Item = tomlkit.item(value)
    return number


def _table(values: dict[str, Any]) -> "InlineTable | Table":
    """A table in one line, else a section of its own."""
    import tomlkit

    line = _filled(tomlkit.inline_table(), values)
    written = line.as_string()
    return line if "\n" not in written and len(written) <= LONGEST_LINE else _filled(tomlkit.table(), values)


def _sections(tables: list[dict[str, Any]]) -> "AoT":
    import tomlkit

    sections = tomlkit.aot()
    for values in tables:
        sections.append(_filled(tomlkit.table(), values))
    return sections


def _filled(table: T, values: dict[str, Any]) -> T:
    for key, value in values.items():
        table.append(key, _item(value))
    return table


def _list(values: list[Any]) -> "Array":
    """A list in one line, or one value a line where that would be long. Texts stay in one line each."""
    import tomlkit

    array = tomlkit.array()
    array.extend(values)
    return array.multiline(len(array.as_string()) > LONGEST_LINE)


def _text(text: str) -> "String":
    import tomlkit
    from tomlkit.items import String, StringType, Trivia

    if "\n" not in text:
        return tomlkit.string(text)
    if "\\" in text and not _NEEDS_ESCAPES.search(text):
        return String(StringType.MLL, text, "\n" + text, Trivia())
    one_line = tomlkit.string(text).as_string()[1:-1]
    return String(StringType.MLB, text, "\n" + _ESCAPE.sub(_readable, one_line), Trivia())


def _readable(escape: re.Match[str]) -> str:
    """An escape of a text in one line as it may stand in one over several: line breaks and most quotes as they are."""
    following = escape.string[escape.end() :]
    if escape[1] == "n":
        return "\n"
    plain_quote = escape[1] == '"' and following and not following.startswith('\\"')
    return '"' if plain_quote else escape[0]
