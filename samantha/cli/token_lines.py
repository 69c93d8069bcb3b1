"""Which tokens a command line wants to see, and in what form: a table for people, lines for programs, or both."""

from collections.abc import Callable
from typing import TextIO

import msgspec

from samantha.chain.record import Answer, Seen
from samantha.cli import token_table
from samantha.learning import export

Show = Callable[[Answer, int], None]
"""Takes an answer and the position of one of its tokens."""

Write = Callable[[str], None]

SHOWN = 10
"""Candidates in the table where no number is given."""


class Wanted(msgspec.Struct, frozen=True):
    """`top` None: all candidates that were recorded, `SHOWN` of them in a table. `form` None: a table alone."""

    top: int | None = None
    unlikely: bool = False
    at: int | None = None
    form: str | None = None

    def fits(self, answer: Answer, position: int) -> bool:
        """Whether this token is wanted."""
        trace = answer.tokens[position].trace
        if self.at is not None and position != self.at:
            return False
        return not self.unlikely or (trace is not None and trace.unlikely)


def shown_as(out: TextIO, wanted: Wanted, write_line: Write, write_table: Write | None) -> Show:
    """What shows a token. `write_table` None: no table is printed. A head comes with the first token."""
    shows = [_rows(wanted, write_line)] if wanted.form else []
    if write_table:
        shows.append(_table(out, wanted, write_table))

    def show(answer: Answer, position: int) -> None:
        if wanted.fits(answer, position):
            for each in shows:
                each(answer, position)

    return show


def _table(out: TextIO, wanted: Wanted, write: Write) -> Show:
    top = SHOWN if wanted.top is None else wanted.top
    table = token_table.TokenTable(token_table.columns(out), token_table.Paint(out), top)
    head = [table.head()]

    def show(answer: Answer, position: int) -> None:
        write((head.pop() if head else "") + table.token(answer, position))

    return show


def _rows(wanted: Wanted, write: Write) -> Show:
    if wanted.form == "jsonl":
        return lambda answer, position: write(export.json_line(_cut(export.token_row(answer, position), wanted.top)))
    if wanted.form == "csv":
        return _csv(export.TokenRow, lambda answer, position: [export.token_row(answer, position)], write)
    return _csv(export.CandidateStageRow, lambda answer, position: _long(answer, position, wanted.top), write)


def _csv(kind: type[export.Row], made: Callable[[Answer, int], list[export.Row]], write: Write) -> Show:
    begun: list[bool] = []

    def show(answer: Answer, position: int) -> None:
        lines = export.csv_lines(kind, made(answer, position))
        head = next(lines)
        write(("" if begun else head) + "".join(lines))
        begun.append(True)

    return show


def _cut(row: export.TokenRow, top: int | None) -> export.TokenRow:
    """The best `top` candidates and the chosen one."""
    if top is None:
        return row
    kept = tuple(one for one in row.candidates if (one.rank <= top or one.selected) and top)
    return msgspec.structs.replace(row, candidates=kept)


def _long(answer: Answer, position: int, top: int | None) -> list[export.Row]:
    seen: Seen = answer.tokens[position]
    if seen.trace is None:
        return []
    rows = export.candidate_stage_rows(answer, position, seen, seen.trace)
    return [row for row in rows if top is None or row.rank <= top or row.selected]
