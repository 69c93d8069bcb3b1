"""`samantha vocab`: the vocabulary of a model, searched; and what a text is cut into."""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from samantha.cli import rows, running
from samantha.cli.loading import loaded
from samantha.cli.reading import standard_input
from samantha.cli.token_table import fit, width
from samantha.errors import ChainError, SearchError
from samantha.learning import export
from samantha.learning.vocabulary import KINDS, search, visible
from samantha.models.model import LoadOptions
from samantha.traces import VocabularyToken

DESCRIPTION = """\
Show a model's vocabulary, or a part of it: tokens that hold a text, a range of ids, a type. All that is given must fit.
White space is shown as ␣ ↵ ⇥, bytes that are no character as \\xE2.

  samantha vocab --search "river"
  samantha vocab --range 2000-2100
  samantha vocab --type control
  samantha vocab --tokenize "How is this cut?"    the tokens of a text, special tokens recognised"""
USAGE = "samantha vocab [--search TEXT] [--range FIRST-LAST] [--type TYPE] [--tokenize TEXT] [OPTIONS]"

SMALL = LoadOptions(n_ctx=256)
"""Nothing is generated, so that the context window need not be large."""


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("--model", default="tiny", metavar="MODEL", help="Its name or path (default: tiny).")
    parser.add_argument(
        "--search", metavar="TEXT", help="Tokens that hold TEXT; \\n, \\t, \\r, \\\\ and bytes as \\xE2 are understood."
    )
    parser.add_argument("--range", metavar="FIRST-LAST", help="Tokens of these ids, or of one.")
    parser.add_argument("--type", action="append", metavar="TYPE", help=f"One of {', '.join(KINDS)}; may be repeated.")
    parser.add_argument("--ends_answer", action="store_true", help="Only tokens with which an answer ends.")
    parser.add_argument("--tokenize", metavar="TEXT", help="Cut TEXT into tokens; - reads it from standard input.")
    rows.add(parser)


def execute(arguments: Any) -> int:
    """Print the tokens that fit."""
    form = rows.form(arguments)
    filters = [name for name in ("search", "range", "type", "ends_answer") if getattr(arguments, name)]
    text = standard_input() if arguments.tokenize == "-" else arguments.tokenize
    if text is not None and filters:
        raise ChainError(f"--tokenize shows all tokens of a text: leave --{filters[0]} out.")
    if text == "":
        raise ChainError("There is no text to cut into tokens: give --tokenize TEXT.")
    if arguments.search == "":
        raise ChainError("There is no text to search for: give --search TEXT.")
    with running.model_source() as models, loaded(models, arguments.model, SMALL) as model:
        vocabulary = model.vocabulary()
        cut = model.tokenize(text) if text else []
    found = pieces(vocabulary, cut) if text else fitting(vocabulary, arguments)
    with rows.Lines(arguments.output, sys.stdout) as lines:
        lines.all(_lines(found, form))
    if rows.table_too(arguments, form) and found:
        print(_table(found))
    _say_how_many(len(found), len(vocabulary), text)
    return 0


def fitting(vocabulary: Sequence[VocabularyToken], arguments: Any) -> list[VocabularyToken]:
    """The tokens that the command line asks for, by id.

    Raises:
        SearchError: a range, a type or a text that cannot be.
    """
    by_id = arguments.range or ""
    if arguments.range is not None and not re.fullmatch(r"\s*\d+\s*(?:(-|–|\.\.)\s*\d+\s*)?", by_id):
        raise SearchError(f"--range is {by_id!r}, but must be ids such as 2000-2100 or 42.")
    found = search(vocabulary, by_id, arguments.type or (), arguments.ends_answer)
    return search(found, f'"{arguments.search}"') if arguments.search else found


def pieces(vocabulary: Sequence[VocabularyToken], cut: Sequence[tuple[int, bytes]]) -> list[VocabularyToken]:
    """The tokens of a text, with the bytes that they have in it."""
    return [msgspec.structs.replace(vocabulary[number], piece=piece) for number, piece in cut]


def _lines(found: Sequence[VocabularyToken], form: str | None) -> Iterator[str]:
    made = map(export.vocabulary_row, found)
    if form == "jsonl":
        yield from map(export.json_line, made)
    elif form:
        yield from export.csv_lines(export.VocabularyRow, made)


def _table(found: Sequence[VocabularyToken]) -> str:
    texts = [visible(token.piece) for token in found]
    room = min(40, max(6, *map(width, texts)))
    lines = [f"{'id':>7}  {fit('token', room)}  type"]
    for token, text in zip(found, texts, strict=True):
        end = ", ends an answer" if token.ends_answer else ""
        lines.append(f"{token.id:>7}  {fit(text, room)}  {token.kind}{end}")
    return "\n".join(lines)


def _say_how_many(found: int, size: int, text: str | None) -> None:
    if text:
        print(f"{found} tokens for {len(text)} characters, {len(text.encode())} bytes.", file=sys.stderr)
    else:
        print(f"{found} of {size:,} tokens.", file=sys.stderr)
