"""Choices of tokens as lines for a terminal: each token, and below it what each sampler did to its candidates.

The lines fit the width that is given. Colour repeats what a sign says already. It does not know where tokens come from.
"""

import math
import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from samantha.chain.record import Answer
from samantha.learning.vocabulary import visible
from samantha.traces import Candidate, TokenTrace

UNLIKELY, FORCED, SELECTED, REMOVED, HEAD = "33", "35", "1", "2", "2"
"""Colours as terminals know them: SGR parameters."""

NARROWEST = 40
WITHOUT_TERMINAL = 120
"""Columns, where nobody looks: a file, a pipe."""

LEGEND = "! a likelier token was there   * forced   ▶ chosen   out: removed by a sampler"


IN_SHORT = {"before": 9, "after": 9, "removed by": 14, "logit": 8}
"""Columns of candidates where there is no room for every sampler, and their widths; the last ones give way first."""


class Paint:
    """Colours a text, or leaves it as it is."""

    def __init__(self, out: TextIO) -> None:
        self._on = colours(out)

    def __call__(self, text: str, colour: str) -> str:
        """`text` in that colour; an empty one is none."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._on and colour else text


def colours(out: TextIO) -> bool:
    """Whether `out` is a terminal that shows colours and nobody asked for none (https://no-color.org)."""
    if not out.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" or any(os.environ.get(name) for name in ("WT_SESSION", "ANSICON", "ConEmuANSI"))


def columns(out: TextIO) -> int:
    """How wide lines may be."""
    return shutil.get_terminal_size((WITHOUT_TERMINAL, 24)).columns if out.isatty() else WITHOUT_TERMINAL


def width(text: str) -> int:
    """How many columns a terminal gives it: Chinese, Japanese and Korean characters take two, marks none."""
    return sum(_character_width(one) for one in text)


def fit(text: str, space: int) -> str:
    """`text` in exactly `space` columns, padded or shortened."""
    used = width(text)
    if used > space:
        while text and used > space - 1:
            used -= _character_width(text[-1])
            text = text[:-1]
        text, used = text + "…", used + 1
    return text + " " * (space - used)


def share(value: float | None) -> str:
    """A probability in percent."""
    return "out" if value is None else "<0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"


def number(value: float | None, digits: int = 2) -> str:
    """A number; what is unknown is a dash, minus infinity and infinity are told."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if math.isfinite(value) else "∞"


class TokenTable:
    """Draws the choices of an answer's tokens, for lines of `space` columns. `top` is how many candidates are shown."""

    def __init__(self, space: int, paint: Paint, top: int) -> None:
        self._space = max(NARROWEST, space)
        self._paint = paint
        self._top = top

    def head(self) -> str:
        """What stands above the first token."""
        legend = LEGEND if width(LEGEND) <= self._space else LEGEND.replace("   ", "\n")
        head = "" if self._top else self._line("pos", "id", "token", ("logit", "prob", "rank", "bits", "entropy"))
        return "".join(self._paint(line, HEAD) + "\n" for line in (*legend.splitlines(), head) if line)

    def token(self, answer: Answer, position: int) -> str:
        """The line of a token and those of its candidates, each with its line break."""
        seen = answer.tokens[position]
        if seen.trace is None:
            return self._line(str(position), str(seen.id), visible(seen.piece), ("–",) * 5) + "\n"
        line = self._first_line(position, seen.id, seen.piece, seen.trace)
        return line + (self._candidates(seen.id, seen.trace) if self._top else "")

    def _first_line(self, position: int, chosen: int, piece: bytes, trace: TokenTrace) -> str:
        text = visible(piece)
        sign = "*" if trace.forced else "!" if trace.unlikely else ""
        colour = FORCED if trace.forced else UNLIKELY if trace.unlikely else ""
        numbers = (
            number(trace.logit), share(trace.probability), str(trace.rank), number(trace.surprisal),
            number(trace.entropy),
        )  # fmt: skip
        if not self._top:
            return self._paint(self._line(f"{position}{sign}", str(chosen), text, numbers), colour) + "\n"
        logit, probability, rank, bits, entropy = numbers
        title = f"{position}{sign} {fit(text, min(width(text), self._space // 2))}"
        told = (
            f"id {chosen}", f"logit {logit}", probability, f"rank {rank}", f"{bits} bits", f"entropy {entropy} bits"
        )
        return "\n" + self._wrapped(title, told, colour)

    def _wrapped(self, title: str, told: Sequence[str], colour: str) -> str:
        """The facts behind the title, and below it what does not fit."""
        lines = [self._paint(title, f"{SELECTED};{colour}" if colour else SELECTED)]
        used = width(title)
        for part in told:
            fits = used + 3 + len(part) <= self._space
            lines[-1] += " ·" if fits else ""
            lines += [] if fits else ["   "]
            lines[-1] += f" {part}"
            used = (used if fits else 2) + 3 + len(part)
        return "\n".join(lines) + "\n"

    def _line(self, position: str, number: str, text: str, cells: Sequence[str]) -> str:
        """A row of the table without candidates; the columns at the right give way where there is no room."""
        widths = (7, 9, 6, 7, 8)
        kept = len(cells)
        while kept > 1 and 6 + 8 + 10 + sum(widths[:kept]) + kept > self._space:
            kept -= 1
        room = min(24, self._space - 6 - 8 - 2 - sum(widths[:kept]) - kept)
        numbers = "".join(" " + cell.rjust(space) for cell, space in zip(cells[:kept], widths[:kept], strict=True))
        return f"{position:>6}{number:>8}  {fit(text, room)}{numbers}".rstrip()

    def _candidates(self, chosen: int, trace: TokenTrace) -> str:
        shown = [one for one in trace.candidates if one.rank <= self._top or one.id == chosen]
        names = [stage.name for stage in trace.stages]
        spaces = [max(8, len(name) + 2) for name in names]
        room = self._space - (2 + 7 + 2 + 8 + 9)
        if room - sum(spaces) >= 10:
            text = min(20, room - sum(spaces))
            rows = [self._all_stages(one, chosen, text, spaces) for one in shown]
            head = _joined("", "id", "candidate", text, ("logit", "before", *names), (8, 9, *spaces))
            first = len(trace.ids) // 4 + trace.rest.count
            left = (f"{first:,}" if first else "", *(f"{stage.survivors:,}" for stage in trace.stages))
            rows.append(self._paint(_joined("", "", "are left", text, ("", *left), (8, 9, *spaces)), REMOVED))
        else:
            spaces = list(IN_SHORT.values())
            while sum(spaces) > room + 17 - 8:
                spaces.pop()
            text = max(6, min(20, room + 17 - sum(spaces)))
            rows = [self._in_short(one, chosen, text, names, spaces) for one in shown]
            head = _joined("", "id", "candidate", text, tuple(IN_SHORT)[: len(spaces)], spaces)
        return "".join(row + "\n" for row in (self._paint(head, HEAD), *rows))

    def _all_stages(self, one: Candidate, chosen: int, text: int, spaces: Sequence[int]) -> str:
        """A candidate with its probability after every sampler."""
        cells = (number(one.logit), share(one.probability), *map(share, one.after))
        return self._row(one, chosen, _candidate(one, chosen, text, cells, (8, 9, *spaces)))

    def _in_short(
        self, one: Candidate, chosen: int, text: int, names: Sequence[str], spaces: Sequence[int]
    ) -> str:
        """A candidate with its last probability and the sampler that removed it, where the columns have no room."""
        removed = next((name for name, value in zip(names, one.after, strict=True) if value is None), "")
        after = share(one.after[-1]) if one.after else share(one.probability)
        cells = (share(one.probability), after, removed, number(one.logit))
        return self._row(one, chosen, _candidate(one, chosen, text, cells[: len(spaces)], spaces))

    def _row(self, one: Candidate, chosen: int, row: str) -> str:
        out = bool(one.after) and one.after[-1] is None
        return self._paint(row, SELECTED if one.id == chosen else REMOVED if out else "")


def _candidate(one: Candidate, chosen: int, text: int, cells: Sequence[str], spaces: Sequence[int]) -> str:
    return _joined("▶" if one.id == chosen else "", str(one.id), visible(one.piece), text, cells, spaces)


def _joined(sign: str, number: str, text: str, room: int, cells: Sequence[str], spaces: Sequence[int]) -> str:
    numbers = "".join(cell.rjust(space) for cell, space in zip(cells, spaces, strict=True))
    return f"{sign:2}{number:>7}  {fit(text, room)}{numbers}".rstrip()


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
