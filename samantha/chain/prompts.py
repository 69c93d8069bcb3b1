r"""The prompt list: the text of the *User prompt* field becomes items.

    list      = entry { separator entry } ;
    separator = "$$$" wherever it stands outside bracket texts; a line break where no "$$$" stands ;
    entry     = "---" anything                            (left out)
              | [ braces ] { bracket } [ braces ] [ text ] ;
    bracket   = "[[" final prompt "]]"                    (at the start of an entry, once in a list)
              | "[" shared instruction "]" ;              (at the start of the list, once)
    braces    = see braces.py; they belong to what follows them, a final prompt or the text ;

A bracket text may hold line breaks, "$$$" and balanced brackets. It is plain text when it holds nothing, one character
or only numbers, when "(" or ":" follows, when one "[" follows a single one, and when "[[" does not close with "]]", as
in `[[1, 2], [3, 4]]`. A bracket that would count and never closes is an error.

One `\` makes plain characters of the "---", "[" or braces that begin an entry (any entry, so that entries can be
moved), of "$$$" and `{{name}}` anywhere, and of "[" and "]" in a bracket text. Elsewhere it is a character like others.

What is not here: the order of steps. `fill` is given the texts that placeholders stand for.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import msgspec

from samantha.chain import braces
from samantha.chain.braces import Braces, excerpt
from samantha.errors import ChainError

SEPARATOR = "$$$"
EXAMPLE = "Who are you?\n$$$"
"""What the *User prompt* field starts with: what is typed before the separator is one item, line breaks included."""

RESERVED = ("responses", "last")
"""Placeholders that are known in every chain: all responses so far, and the last one."""

_NOTHING: Mapping[str, str] = MappingProxyType({})

_SEPARATOR = re.compile(r"\\?\$\$\$")
_BRACKET = re.compile(r"\\[\[\]]|[\[\]]")
_BRACES = re.compile(braces.OPENING)
_STARTS = rf"(?:---|\[|{braces.OPENING})"
_ESCAPED_START = re.compile(rf"\\(?=\\*{_STARTS})")
_ESCAPED_DASHES = re.compile(r"\\(?=\\*---)")
_PLACEHOLDER = re.compile(r"(\\?)\{\{([^\W\d]\w*)\}\}")
_NUMBERS = re.compile(r"[\d\s.,;:+\-–/]*")


class PromptItem(msgspec.Struct, frozen=True):
    """One prompt of the list.

    `text` is what is sent, with the shared instruction before it (not before a final prompt) and the placeholders
    still in it: `fill` replaces them. `overrides` are checked hyperparameters. `number` counts from 1, without the
    entries that are left out. `source` is the entry as typed, for showing.
    """

    text: str
    overrides: dict[str, Any]
    final: bool
    number: int
    source: str


class PromptList(msgspec.Struct, frozen=True):
    """The items in the order they are sent, the final prompt last; `ignored` counts the entries left out by `---`."""

    items: tuple[PromptItem, ...]
    ignored: int
    shared: str
    final: str | None


def parse(text: str, variables: Mapping[str, str] = _NOTHING) -> PromptList:
    """The prompt list that `text` holds. An empty list is no error here.

    Args:
        variables: what the chain declares; where it declares any, a placeholder with another name is an error.

    Raises:
        ChainError: an item that cannot be read, or an undeclared variable; says which.
        HyperparameterError: an unknown key in braces or a value out of range; says in which item and what is allowed.
    """
    text = _line_breaks(text)
    partners = _partners(text)
    scan = _Scan(text, partners, by_line=True)
    if scan.meets_separator():
        scan = _Scan(text, partners, by_line=False)
    if scan.problem:
        raise ChainError(scan.problem)
    entries = [*scan.entries, *scan.finals]
    items = tuple(_item(number, entry, scan.shared or "") for number, entry in enumerate(entries, 1))
    if variables:
        _check_variables(items, variables)
    return PromptList(items, scan.ignored, scan.shared or "", items[-1].text if scan.finals else None)


def fill(text: str, variables: Mapping[str, str], responses: str, last: str) -> str:
    r"""`text` with its placeholders replaced, in one pass: what comes in is never looked at again.

    `{{responses}}` and `{{last}}` are always known, other names are those of `variables`; an unknown one stays as it
    is. `\{{name}}` becomes `{{name}}`.
    """
    known = {**variables, "responses": responses, "last": last}

    def replacement(found: re.Match[str]) -> str:
        plain = found[0].removeprefix("\\")
        return plain if found[1] else known.get(found[2], plain)

    return _PLACEHOLDER.sub(replacement, text)


def placeholders(text: str) -> list[str]:
    """The names in `text` that `fill` would look up, in order."""
    return [found[2] for found in _PLACEHOLDER.finditer(text) if not found[1]]


def uses_responses(item: PromptItem) -> bool:
    """Whether what is sent for `item` depends on earlier responses."""
    return item.final or any(name in RESERVED for name in placeholders(item.text))


def parts(text: str) -> str:
    r"""The rule of *System prompt* and *Assistant previous response*.

    `$$$` separates parts, those that begin with `---` are left out, the others are stripped and joined with a blank
    line. `\$$$`, and `\---` at the start of a part, are plain characters.
    """
    pieces = [piece.strip() for piece in _split(_line_breaks(text))]
    kept = [piece for piece in pieces if piece and not piece.startswith("---")]
    return "\n\n".join(_separators_plain(_unescaped(_ESCAPED_DASHES, piece)) for piece in kept)


def escape(text: str) -> str:
    r"""`text` as one entry of a prompt list in which none of its characters count; it ends with `$$$`.

    `parse` makes one item of it, which `fill` turns into `text` again (stripped, line breaks as `\n`); none if `text`
    is blank. Entries joined with line breaks stay one item each.
    """
    text = _line_breaks(text).strip()
    if re.match(rf"\\*{_STARTS}", text):
        text = "\\" + text
    text = text.replace(SEPARATOR, "\\" + SEPARATOR)
    return _PLACEHOLDER.sub(lambda found: f"{found[1]}\\{found[0].removeprefix(found[1])}", text) + "\n" + SEPARATOR


class _Entry(msgspec.Struct, frozen=True):
    """An entry that is sent, before its braces are checked."""

    text: str
    source: str
    braces: Braces | None
    final: bool = False


class _Scan:
    """One reading of a text with one kind of separator. Problems are kept, not raised: the other may fit better."""

    def __init__(self, text: str, partners: dict[int, int], *, by_line: bool) -> None:
        self.text, self.partners, self.by_line = text, partners, by_line
        self.entries: list[_Entry] = []
        self.finals: list[_Entry] = []
        self.shared: str | None = None
        self.ignored = 0
        self.problem = ""
        self._brackets: list[tuple[int, int]] = []
        self._braces: Braces | None = None
        position = 0
        while position < len(text) and not self.problem:
            position = self._read(position)
        self._end_entry()

    def meets_separator(self) -> bool:
        """Whether `$$$` stands anywhere outside the bracket texts."""
        outside, position = [], 0
        for start, end in self._brackets:
            outside.append(self.text[position:start])
            position = end
        return any(len(_split(piece)) > 1 for piece in [*outside, self.text[position:]])

    def _read(self, position: int) -> int:
        """Read one thing of an entry, its braces, a bracket text or the rest; the position after it."""
        end, after = self._entry_end(position)
        start = position + len(self.text[position:end]) - len(self.text[position:end].lstrip())
        if start == end:
            self._end_entry()
            return after
        if self._braces is None:
            if self.text.startswith("---", start):
                self.ignored += 1
                return after
            if _BRACES.match(self.text, start, end):
                self._braces = braces.read(self.text, start, end)
                return self._braces.end
        closed = self._read_bracket(start)
        if closed is None and not self.problem:
            source = self.text[start:end].strip()
            self._take(_separators_plain(_unescaped(_ESCAPED_START, source)), source)
            return after
        return closed or len(self.text)

    def _entry_end(self, position: int) -> tuple[int, int]:
        """Where the entry's text ends and where the next entry begins."""
        if self.by_line:
            end = self.text.find("\n", position)
            return (end, end + 1) if end >= 0 else (len(self.text), len(self.text))
        for found in _SEPARATOR.finditer(self.text, position):
            if found[0] == SEPARATOR:
                return found.start(), found.end()
        return len(self.text), len(self.text)

    def _read_bracket(self, start: int) -> int | None:
        """Take the bracket text at `start`, if there is one that counts; the position after it."""
        double = self.text.startswith("[[", start)
        if not double and not (self.text[start] == "[" and self.shared is None and not self.entries):
            return None
        close = self.partners.get(start)
        if close is None:
            self.problem = _never_closed(self.text[start:], double)
            return None
        inner = self.text[start + 1 + double : close - double].strip()
        if not self._counts(start, close, inner):
            return None
        self._brackets.append((start, close + 1))
        inner = _separators_plain(re.sub(r"\\([\[\]])", r"\1", inner))
        if double:
            self._take_final(inner, self.text[start : close + 1])
        else:
            self.shared = inner
        return close + 1

    def _counts(self, start: int, close: int, inner: str) -> bool:
        double = self.text.startswith("[[", start)
        if double and self.partners.get(start + 1) != close - 1:
            return False
        if len(inner) < 2 or _NUMBERS.fullmatch(inner):
            return False
        follows = self.text[close + 1 : close + 3]
        return not follows.startswith(("(", ":")) and (double or follows == "[[" or not follows.startswith("["))

    def _take(self, text: str, source: str) -> None:
        self.entries.append(_Entry(text, _with_braces(self._braces, source), self._braces))
        self._braces = None

    def _take_final(self, text: str, source: str) -> None:
        if self.finals:
            self.problem = (
                f"There are two final prompts, {excerpt(self.finals[0].source)} and {excerpt(source)}:"
                r" keep one, or write \[[ where plain brackets are meant."
            )
        self.finals.append(_Entry(text, _with_braces(self._braces, source), self._braces, final=True))
        self._braces = None

    def _end_entry(self) -> None:
        """Braces that nothing follows make an item without text, which is told when the items are made."""
        if self._braces is not None:
            self._take("", "")


def _item(number: int, entry: _Entry, shared: str) -> PromptItem:
    name = f"Item {number} ({excerpt(entry.source)})"
    overrides = braces.overrides(entry.braces, name) if entry.braces else {}
    if not entry.text:
        raise ChainError(
            f"{name} holds hyperparameters and no text: write the prompt behind them, in the same line where each line"
            " is an item."
        )
    text = entry.text if entry.final or not shared else f"{shared}\n{entry.text}"
    return PromptItem(text, overrides, entry.final, number, entry.source)


def _check_variables(items: tuple[PromptItem, ...], variables: Mapping[str, str]) -> None:
    known = [*variables, *RESERVED]
    for item in items:
        unknown = [name for name in placeholders(item.text) if name not in known]
        if unknown:
            near = get_close_matches(unknown[0], known, 1)
            hint = f"did you mean {{{{{near[0]}}}}}?" if near else f"declared: {', '.join(sorted(variables))}."
            place = f"Item {item.number} ({excerpt(item.source)})"
            raise ChainError(f"{place} uses {{{{{unknown[0]}}}}}, which the chain does not declare; {hint}")


def _partners(text: str) -> dict[int, int]:
    """For each opening bracket that closes, the position of its closing one."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for found in _BRACKET.finditer(text):
        if found[0] == "[":
            opened.append(found.start())
        elif found[0] == "]" and opened:
            partners[opened.pop()] = found.start()
    return partners


def _split(text: str) -> list[str]:
    r"""`text` cut at each `$$$` that has no `\` before it."""
    pieces, position = [], 0
    for found in _SEPARATOR.finditer(text):
        if found[0] == SEPARATOR:
            pieces.append(text[position : found.start()])
            position = found.end()
    return [*pieces, text[position:]]


def _separators_plain(text: str) -> str:
    return text.replace("\\" + SEPARATOR, SEPARATOR)


def _unescaped(start: re.Pattern[str], text: str) -> str:
    return text[1:] if start.match(text) else text


def _line_breaks(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _with_braces(found: Braces | None, source: str) -> str:
    return f"{found.source} {source}".strip() if found else source


def _never_closed(text: str, double: bool) -> str:
    opening, closing = ("[[", "]]") if double else ("[", "]")
    return (
        f"The {opening} at {excerpt(text)} is never closed: put {closing} after the bracket text, or write \\{opening}"
        " where plain brackets are meant."
    )
