"""`samantha tokens`: how each token of an answer is chosen, while it is generated. Stored runs: stored_tokens.py."""

import sys
from pathlib import Path
from typing import Any, TextIO

import msgspec

from samantha.chain import files
from samantha.chain.chain import Chain
from samantha.chain.prompts import escape
from samantha.chain.record import Answer, Record
from samantha.cli import options, rows, running, stored_tokens
from samantha.cli.conversation import continuation
from samantha.cli.parsing import whole_number
from samantha.cli.printing import TextPrinter
from samantha.cli.reading import standard_input
from samantha.cli.token_lines import Wanted, shown_as
from samantha.errors import ChainError
from samantha.events import BranchStarted, Event, StepFinished, TokenGenerated
from samantha.learning import pictures

DESCRIPTION = """\
See how each token of an answer is chosen: its candidates, their logits and probabilities, and what each sampler did to
them.

PROMPT is one prompt, taken as it is; CHAIN.toml a chain file (.txt: a prompt list); - reads one prompt from standard
input. The run is traced and stored; afterwards it can be shown again, and continued otherwise:

  samantha tokens "Write about the sea." --temperature 0.8
  samantha tokens --run last --unlikely
  samantha tokens --run last --force "12= river"      a branch: another token there, and everything after it anew

In the table, ! marks a token that was chosen although a likelier one was there, * one that was forced, and `out` a
candidate that a sampler has removed. White space is shown as ␣ ↵ ⇥. Probabilities are of all candidates before the
samplers, and of those that are left after each."""
USAGE = "samantha tokens [PROMPT | CHAIN.toml | - | --run RUN] [OPTIONS]"

MOST = 100
"""Candidates that can be shown of a token; the chosen one is always among them."""

TOP = 10

NOT_FOR_TOKENS = frozenset(
    {"prompts", "run_code", "stop_condition", "feedback_code_output_only", "files", "parallel"}
)
"""Settings of code, and of answers that are generated together: traced ones are not."""


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="A prompt, a chain file, or - (standard input).")
    parser.add_argument(
        "--top", type=whole_number, metavar="N",
        help=f"Candidates of each token, 0 to {MOST} (default {TOP}); 0 prints one line for each token.",
    )  # fmt: skip
    parser.add_argument("--unlikely", action="store_true", help="Only tokens where a likelier one was there.")
    parser.add_argument("--at", type=whole_number, metavar="POSITION", help="Only this token; the first is 0.")
    rows.add(parser, candidates=True)
    parser.add_argument(
        "--png", type=Path, metavar="FILE",
        help="Draw surprisal and entropy over the answer; with --at the candidates of that token. Also .svg.",
    )  # fmt: skip
    parser.add_argument("--no-store", action="store_true", help="Do not keep this run in the run store.")
    stored_tokens.add(parser)
    options.add(parser, NOT_FOR_TOKENS)


def execute(arguments: Any) -> int:
    """Show the choices of a new run, of a stored one, or of a branch that is made of it."""
    if arguments.top is not None and not 0 <= arguments.top <= MOST:
        raise ChainError(f"--top is {arguments.top}, but must be a whole number from 0 to {MOST}.")
    wanted = Wanted(arguments.top, arguments.unlikely, arguments.at, rows.form(arguments))
    if arguments.png is not None:
        pictures.form_of(arguments.png)
        rows.check_place(arguments.png)
    if arguments.run is not None:
        return stored_tokens.execute(arguments, wanted, TokenPrinter, draw)
    stored_tokens.refuse_without_run(arguments)
    return _new_run(arguments, wanted)


def _new_run(arguments: Any, wanted: Wanted) -> int:
    chain = chosen(arguments)
    files.validate(chain)
    record = Record()
    with (
        rows.Lines(arguments.output, sys.stdout) as lines,
        running.run_store(not arguments.no_store) as store,
        running.model_source() as models,
    ):
        show = TokenPrinter(sys.stdout, sys.stderr, record, wanted, lines, table=rows.table_too(arguments, wanted.form))
        trace = TOP if arguments.top is None else max(1, arguments.top)
        outcome = running.carry_out(chain, models, store, show, trace=trace)
    draw(arguments, list(record.answers.values()))
    return outcome.status


def chosen(arguments: Any) -> Chain:
    """The chain that the command line describes.

    Raises:
        ChainError: the file cannot be read, or there is no prompt.
    """
    given = arguments.prompt
    if given is not None and Path(given).suffix in (".toml", ".txt") and "\n" not in given:
        chain = options.applied(files.read(Path(given)), arguments)
        if chain.run_code:
            print("The code of the answers is not run here: `samantha run` does that.", file=sys.stderr)
        return msgspec.structs.replace(chain, run_code=False, stop_condition=False)
    text = standard_input() if given == "-" or (given is None and not sys.stdin.isatty()) else given or ""
    if not text.strip():
        raise ChainError("There is no prompt: give PROMPT or a chain file, pipe a prompt in, or name a --run.")
    chain = options.applied(Chain(), arguments)
    if chain.raw:
        return continuation(chain, text)
    return msgspec.structs.replace(chain, prompts=escape(text))


class TokenPrinter(TextPrinter):
    """Prints the choice of each token in the place of its text; everything else as `samantha run` does."""

    def __init__(
        self, out: TextIO, err: TextIO, record: Record, wanted: Wanted, lines: rows.Lines, *, table: bool
    ) -> None:
        super().__init__(out, err, plain=not table)
        self._record = record
        self._show = shown_as(out, wanted, lines.write, self._write if table else None)

    def __call__(self, event: Event) -> None:
        """Print one event."""
        answer = self._record.add(event)
        if isinstance(event, TokenGenerated) and answer:
            self._show(answer, len(answer.tokens) - 1)
            return
        if isinstance(event, BranchStarted):
            self._say(stored_tokens.told(event))
        super().__call__(event)
        if isinstance(event, StepFinished) and self._err_is_terminal and answer:
            self._say(summary(answer))


def summary(answer: Answer) -> str:
    """`7 of 41 tokens unlikely, 88.2 bits (run 20261121-101500-ab12)`."""
    traces = [token.trace for token in answer.tokens if token.trace]
    bits = sum(trace.surprisal for trace in traces)
    unlikely = sum(trace.unlikely for trace in traces)
    return f"({unlikely} of {len(traces)} tokens unlikely, {bits:.1f} bits in all; run {answer.run})"


def draw(arguments: Any, answers: list[Answer]) -> None:
    """The pictures that `--png` asks for: one for each answer, numbered where there are several.

    Raises:
        ChainError: a picture cannot be drawn or written.
    """
    if arguments.png is None:
        return
    answers = [answer for answer in answers if _drawable(answer, arguments.at)]
    if not answers:
        raise ChainError("There is nothing to draw: no such token was generated.")
    form = pictures.form_of(arguments.png)
    for answer in answers:
        path = arguments.png
        if len(answers) > 1:
            number = f"-{answer.step}" + (f"-{answer.branch}" if answer.branch else "")
            path = path.with_stem(path.stem + number)
        at = arguments.at
        picture = pictures.answer(answer, form) if at is None else pictures.choice(answer.tokens[at], form)
        pictures.save(picture, path)
        print(f"Drawn: {path}", file=sys.stderr)


def _drawable(answer: Answer, at: int | None) -> bool:
    if at is None:
        return answer.traced
    return 0 <= at < len(answer.tokens) and answer.tokens[at].trace is not None
