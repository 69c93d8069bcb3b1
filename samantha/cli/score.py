"""`samantha score`: how likely a model finds a text, token by token; and where two models differ on it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samantha.chain.text_files import read_text
from samantha.cli import options, rows, running
from samantha.cli.interruption import INTERRUPTED, stopped_by_interrupt
from samantha.cli.loading import progress
from samantha.cli.parsing import whole_number
from samantha.cli.reading import standard_input
from samantha.cli.token_table import SELECTED, UNLIKELY, Paint, columns, fit, number, share
from samantha.errors import ChainError, ScoreError
from samantha.hyperparameters import DEFAULTS, LOADING, changed
from samantha.learning import export
from samantha.learning.score import Comparison, Score, compare, surprisal
from samantha.learning.scoring import Progress, score_text
from samantha.learning.vocabulary import visible
from samantha.models.model import Loading, ModelSource, PromptProgress, Scored, load_options
from samantha.traces import ScoredToken

DESCRIPTION = """\
How likely a model finds a text: the surprisal of each token after what stands before it (bits: 1 for a coin, 10 for one
in 1024), its rank among all candidates, and what was likelier. At the end all bits, perplexity, and bits per byte,
which compare between models.

TEXT is the text itself, the name of a file that holds it, or - (standard input). With --against a second model scores
the same text; their differences stand piece by piece where both cut the text, above 0 where the second is more
surprised: of two quantizations of one model, what the smaller one has lost.

  samantha score "The fox went to the river."
  samantha score story.txt --model big.gguf --against small.gguf"""
USAGE = "samantha score TEXT | FILE | - [--model MODEL] [--against MODEL] [OPTIONS]"

MOST = 100
TOP = 3
LONGEST_NAME = 255
"""A longer text is no name of a file, and asking the system for one so long fails."""

BIGGEST = 10
"""Differences that are named at the end."""


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="A text, the name of a file, or - (standard input).")
    parser.add_argument("--model", default="tiny", metavar="MODEL", help="Its name or path (default: tiny).")
    parser.add_argument("--against", metavar="MODEL", help="A second model that scores the same text.")
    parser.add_argument(
        "--top", type=whole_number, default=TOP, metavar="N",
        help=f"Likeliest candidates named of each token, 0 to {MOST} (default {TOP}).",
    )  # fmt: skip
    rows.add(parser)
    options.add_knobs(parser, LOADING)


def execute(arguments: Any) -> int:
    """Score the text and print it."""
    if not 0 <= arguments.top <= MOST:
        raise ChainError(f"--top is {arguments.top}, but must be a whole number from 0 to {MOST}.")
    form = rows.form(arguments)
    text = _text(arguments)
    table = rows.table_too(arguments, form)
    with rows.Lines(arguments.output, sys.stdout) as lines, running.model_source() as models:
        first = _scored(models, arguments.model, text, arguments, table and arguments.against is None)
        if arguments.against is None or not first.complete:
            _write(first, form, lines, table)
            return 0 if first.complete else INTERRUPTED
        second = _scored(models, arguments.against, text, arguments, False)
        if not second.complete:
            return INTERRUPTED
        return _write_comparison(first, second, form, lines, table)


def _text(arguments: Any) -> str:
    given = arguments.text
    if given == "-" or (given is None and not sys.stdin.isatty()):
        text = standard_input()
    elif given and len(given.encode()) <= LONGEST_NAME and "\n" not in given and "\0" not in given:
        text = read_text(Path(given)) if Path(given).is_file() else given
    else:
        text = given or ""
    if not text:
        raise ChainError("There is no text to score: give TEXT or the name of a file, or pipe a text in.")
    return text


def _scored(models: ModelSource, name: str, text: str, arguments: Any, table: bool) -> Score:
    """The score; its tokens are printed as they come when `table` says so."""
    knobs = changed(DEFAULTS, options.given_knobs(arguments))
    load = load_options(knobs)
    scoring = score_text(models, name, text, load, arguments.top)
    show = _TokenLines(arguments.top) if table else None
    score: Score | None = None
    with stopped_by_interrupt(scoring.stop):
        for output in scoring:
            score = output if isinstance(output, Score) else score
            _progress(name, output)
            if show and isinstance(output, Scored):
                show(output)
    progress("")
    return score or Score(name, text, (), complete=False)


def _progress(name: str, output: Progress) -> None:
    if isinstance(output, Loading):
        progress(f"loading {name} {output.progress:.0%}")
    elif isinstance(output, PromptProgress):
        progress(f"scoring: {output.done} of {output.total} tokens")


class _TokenLines:
    """Prints scored tokens as they come."""

    def __init__(self, top: int) -> None:
        self._paint = Paint(sys.stdout)
        self._space = columns(sys.stdout)
        self._top = top
        self._position = 0

    def __call__(self, scored: Scored) -> None:
        progress("")
        if not self._position:
            head = _row("pos", "id", "token", ("bits", "rank", "entropy"), "likeliest" if self._top else "")
            print(self._paint(head, "2"))
        for token in scored.tokens:
            print(self._line(token))
            self._position += 1
        sys.stdout.flush()

    def _line(self, token: ScoredToken) -> str:
        unlikely = token.rank is not None and token.rank > 1
        numbers = (number(surprisal(token)), str(token.rank or "–"), number(token.entropy))
        position = f"{self._position}{'!' if unlikely else ''}"
        best = " · ".join(f"{visible(piece)} {share(probability)}" for _, piece, probability in token.best)
        line = _row(position, str(token.id), visible(token.piece), numbers, "")
        room = self._space - len(line) - 2
        shown = f"{line}  {fit(best, room).rstrip()}" if best and room > 12 else line
        return self._paint(shown, UNLIKELY if unlikely else "")


def _row(position: str, number: str, text: str, cells: tuple[str, str, str], last: str) -> str:
    bits, rank, entropy = cells
    line = f"{position:>6}{number:>8}  {fit(text, 18)}{bits:>8}{rank:>7}{entropy:>9}"
    return f"{line}  {last}" if last else line


def _write(score: Score, form: str | None, lines: rows.Lines, table: bool) -> None:
    if form:
        made = export.score_rows(score, _spans(score))
        lines.all(map(export.json_line, made) if form == "jsonl" else export.csv_lines(export.ScoreRow, made))
    if score.tokens:
        print(f"\n{_totals(score)}" if table else _totals(score), file=sys.stdout if table else sys.stderr)


def _spans(score: Score) -> Any:
    try:
        return score.spans
    except ScoreError:
        return None


def _totals(score: Score) -> str:
    """All of a score in a line."""
    told = [f"{len(score.scored)} tokens scored", f"{number(score.bits)} bits"]
    if score.mean is not None:
        told += [f"{number(score.mean)} bits per token", f"perplexity {number(score.perplexity)}"]
    if score.bits_per_byte is not None:
        told += [f"{number(score.bits_per_byte, 3)} bits per byte"]
    stopped = "" if score.complete else " (stopped before the end)"
    return f"{score.model}: {', '.join(told)}{stopped}"


def _write_comparison(first: Score, second: Score, form: str | None, lines: rows.Lines, table: bool) -> int:
    out: Callable[[str], None] = print if table else (lambda line: print(line, file=sys.stderr))
    compared = _compared(first, second)
    if compared and form:
        made = export.piece_rows(compared)
        lines.all(map(export.json_line, made) if form == "jsonl" else export.csv_lines(export.PieceRow, made))
    if compared and table:
        for line in _pieces(compared):
            print(line)
    out(f"{_totals(first)}\n{_totals(second)}")
    if compared is None:
        print(
            "samantha: The tokens of one model do not spell the text, so that the two cannot be laid side by side:"
            " compare the bits per byte.", file=sys.stderr,
        )  # fmt: skip
        return 1
    for line in _biggest(compared):
        out(line)
    return 0


def _compared(first: Score, second: Score) -> Comparison | None:
    try:
        return compare(first, second)
    except ScoreError:
        return None


def _pieces(compared: Comparison) -> Iterator[str]:
    paint = Paint(sys.stdout)
    names = (fit(compared.a.model, 12).rstrip(), fit(compared.b.model, 12).rstrip())
    yield paint(f"{'byte':>7}  {fit('text', 24)}{names[0]:>13}{names[1]:>13}{'difference':>12}", "2")
    for piece in compared.pieces:
        cells = f"{number(piece.a):>13}{number(piece.b):>13}{_signed(piece.difference):>12}"
        far = abs(piece.difference or 0.0) >= 1
        yield paint(f"{piece.begin:>7}  {fit(visible(piece.text), 24)}{cells}{' *' if far else ''}", SELECTED * far)
    yield ""


def _biggest(compared: Comparison) -> Iterator[str]:
    biggest = compared.biggest(BIGGEST)
    if not biggest:
        yield "They agree on every piece that both scored."
        return
    a, b = compared.bits
    yield f"{compared.b.model} needs {_signed(b - a)} bits on the {compared.bytes} bytes that both scored. Most at:"
    for piece in biggest:
        yield f"  {_signed(piece.difference):>8} bits  byte {piece.begin:<6} {visible(piece.text)}"


def _signed(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{'+' if value > 0 else ''}{number(value)}" if value != -float("inf") else "-∞"
