"""`samantha tokens --run`: the choices of a stored run, and branches of it."""

import re
import sys
from collections.abc import Callable
from typing import Any, TextIO

from samantha.chain import branches
from samantha.chain.record import Answer, Record
from samantha.cli import options, rows, running
from samantha.cli.loading import loaded
from samantha.cli.parsing import whole_number
from samantha.cli.printing import TextPrinter
from samantha.cli.token_lines import Show, Wanted, shown_as
from samantha.errors import ChainError, SearchError
from samantha.events import BranchStarted, Event
from samantha.learning.vocabulary import unescaped, visible
from samantha.models.model import ModelSource, load_options
from samantha.runs.store import RunStore
from samantha.traces import VocabularyToken

Printer = Callable[..., TextPrinter]
Draw = Callable[[Any, list[Answer]], None]


def add(parser: Any) -> None:
    """The options that concern stored runs."""
    stored = parser.add_argument_group("a stored run")
    stored.add_argument("--run", metavar="RUN", help="Show a stored run: its id, a unique beginning of it, or `last`.")
    stored.add_argument("--step", type=whole_number, metavar="N", help="Only this step of it.")
    stored.add_argument("--branch", type=whole_number, metavar="N", help="Only this branch; 0 is the first answer.")
    stored.add_argument(
        "--force", metavar="POSITION=TOKEN",
        help="Make a branch: put another token there and generate what follows anew. TOKEN is an id or a token's text,"
        ' with white space as it is, as ␣, or as \\n; a text of digits in quotes: 12=\'"42"\'. Hyperparameters given'
        " beside it hold for the branch.",
    )  # fmt: skip


def refuse_without_run(arguments: Any) -> None:
    """Options of stored runs make no sense for a new one.

    Raises:
        ChainError: one of them is given.
    """
    for name in ("step", "branch", "force"):
        if getattr(arguments, name) is not None:
            raise ChainError(f"--{name} is for a stored run: name it with --run RUN (`samantha runs` lists them).")


def execute(arguments: Any, wanted: Wanted, printer: Printer, draw: Draw) -> int:
    """Show what is asked for, or make a branch and show it as it comes."""
    if arguments.prompt is not None:
        raise ChainError("Give a prompt for a new run, or --run for a stored one, not both.")
    with RunStore() as store:
        run_id = store.find(arguments.run)
        record = Record.of(store.events(run_id))
        if arguments.force is not None:
            return _branch(arguments, wanted, store, record, printer, draw)
        _refuse_settings(arguments)
        answers = chosen(record, arguments.step, arguments.branch)
        _say_untraced(run_id, answers)
        alone = arguments.branch is not None
        with rows.Lines(arguments.output, sys.stdout) as lines:
            table = rows.table_too(arguments, wanted.form)
            screen = rows.Lines(None, sys.stdout)
            show = shown_as(sys.stdout, wanted, lines.write, screen.write if table else None)
            _show_all(answers, show, wanted, sys.stdout if table else None, alone=alone)
        draw(arguments, answers)
    return 0


def chosen(record: Record, step: int | None, branch: int | None) -> list[Answer]:
    """The answers of a run that are asked for.

    Raises:
        ChainError: there is none.
    """
    found = [
        answer for answer in record.answers.values()
        if step in (None, answer.step) and branch in (None, answer.branch)
    ]  # fmt: skip
    if found:
        return found
    steps = sorted({answer.step for answer in record.answers.values()})
    if step is not None and step not in steps:
        raise ChainError(f"Run {record.run} has no step {step}{_those(steps)}.")
    if branch is not None:
        numbers = sorted({one.branch for one in record.answers.values() if step in (None, one.step)} - {0})
        raise ChainError(f"There is no branch {branch} in run {record.run}{_those(numbers)}.")
    raise ChainError(f"Run {record.run} has no answers: it ended before its first step.")


def told(event: BranchStarted) -> str:
    """`branch 2 of step 1, from token 12 of the first answer`."""
    parent = f"branch {event.parent}" if event.parent else "the first answer"
    changed = ", ".join(f"{name} {value}" for name, value in event.changed.items())
    return f"branch {event.branch} of step {event.step}, from token {event.position} of {parent}" + (
        f" ({changed})" if changed else ""
    )


def _show_all(
    answers: list[Answer], show: Show, wanted: Wanted, headed: TextIO | None, *, alone: bool
) -> None:
    """All tokens of the answers. A branch's table begins where it leaves its parent, unless it is asked for alone."""
    if not any(wanted.fits(answer, position) for answer in answers for position in range(len(answer.tokens))):
        raise ChainError(_nothing(answers, wanted))
    for answer in answers:
        if headed and len(answers) > 1:
            headed.write(f"{'' if answer is answers[0] else chr(10)}{_title(answer)}\n")
        begin = 0 if alone or headed is None or wanted.form else answer.position
        for position in range(begin, len(answer.tokens)):
            show(answer, position)
        if answer.message:
            print(f"step {answer.step} ({answer.model}): {answer.message}", file=sys.stderr)


def _nothing(answers: list[Answer], wanted: Wanted) -> str:
    if wanted.at is not None and not wanted.unlikely:
        most = max(len(answer.tokens) for answer in answers)
        return f"There is no token {wanted.at}: the positions are 0 to {most - 1}." if most else "There are no tokens."
    return "Nothing is shown: no such token was chosen while a likelier one was there."


def _title(answer: Answer) -> str:
    if not answer.branch:
        return f"## {answer.step} · {answer.model}"
    parent = answer.parent.branch if answer.parent else 0
    left = f"branch {parent}" if parent else "the first answer"
    return f"## {answer.step} · {answer.model} · branch {answer.branch}, from token {answer.position} of {left}"


def _say_untraced(run_id: str, answers: list[Answer]) -> None:
    failed = next((answer.message for answer in answers if answer.message), "")
    if failed and not any(answer.tokens for answer in answers):
        raise ChainError(f"Run {run_id} has no tokens: {failed}")
    if not any(answer.traced for answer in answers):
        raise ChainError(
            f"Run {run_id} was not traced, so there is nothing to see of its choices: `samantha runs chain {run_id} >"
            " again.toml` and `samantha tokens again.toml` run it again with a trace."
        )
    for answer in answers:
        if answer.tokens and not answer.traced:
            print(f"Step {answer.step} was not traced: only its tokens are shown.", file=sys.stderr)


def _refuse_settings(arguments: Any) -> None:
    given = [*options.given_settings(arguments), *options.given_knobs(arguments)]
    if given:
        raise ChainError(f"--{given[0]} changes nothing of a stored run: leave it out, or make a branch with --force.")


def _branch(
    arguments: Any, wanted: Wanted, store: RunStore, record: Record, printer: Printer, draw: Draw
) -> int:
    given = options.given_settings(arguments)
    if given:
        raise ChainError(f"--{given[0]} cannot be changed in a branch: only hyperparameters can.")
    if arguments.no_store:
        raise ChainError("A branch is kept in the record of its run: leave --no-store out.")
    answer = _parent(record, arguments)
    position, text = _forced(arguments.force)
    if position > len(answer.tokens):
        raise ChainError(f"There is no token {position}: the positions are 0 to {len(answer.tokens) - 1}.")
    trace = 10 if arguments.top is None else max(1, arguments.top)
    with running.model_source() as models, rows.Lines(arguments.output, sys.stdout) as lines:
        token = token_id(answer, position, text, models)
        branching = branches.branch(
            store.events(record.run), models, step=answer.step, parent=answer.branch, position=position, token=token,
            overrides=options.given_knobs(arguments), trace=trace,
        )  # fmt: skip
        table = rows.table_too(arguments, wanted.form)
        show = printer(sys.stdout, sys.stderr, record, wanted, lines, table=table)
        before, made = set(record.answers), list[Event]()
        outcome = running.follow(branching, store.extend(branching), _noting(show, made))
    draw(arguments, [one for key, one in record.answers.items() if key not in before])
    return outcome.status if made else 1


def _those(numbers: list[int]) -> str:
    return f": there are {', '.join(map(str, numbers))}" if numbers else ": there are none"


def _noting(show: Callable[[Event], None], made: list[Event]) -> Callable[[Event], None]:
    """`show`, and whether a branch began at all: where the model fails before it, a notice says so and nothing more."""

    def shown(event: Event) -> None:
        if isinstance(event, BranchStarted):
            made.append(event)
        show(event)

    return shown


def _parent(record: Record, arguments: Any) -> Answer:
    """The answer that the branch leaves: the first one of the only step, unless options say otherwise."""
    found = chosen(record, arguments.step, arguments.branch or 0)
    if len(found) > 1:
        raise ChainError(f"Run {record.run} has {len(found)} steps: say with --step which one gets the branch.")
    return found[0]


def _forced(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"\s*(\d{1,9})\s*=(.+)", text, re.DOTALL)
    if not found:
        raise ChainError(f'--force is {text!r}, but must be POSITION=TOKEN, such as 12=498 or "12= river".')
    return int(found[1]), found[2]


def token_id(answer: Answer, position: int, text: str, models: ModelSource) -> int:
    """The id that `text` means: a number, or the text of a token as it is or as it is shown.

    The recorded candidates of that position are looked at first, then the model's vocabulary.

    Raises:
        ChainError: no token, or several, have this text.
    """
    if re.fullmatch(r"\s*\d{1,9}\s*", text):
        return int(text)
    quoted = re.fullmatch(r'"(.+)"', text, re.DOTALL)
    text = quoted[1] if quoted else text
    trace = answer.tokens[position].trace if position < len(answer.tokens) else None
    for one in trace.candidates if trace else ():
        if text in (visible(one.piece), one.piece.decode(errors="replace")):
            return one.id
    wanted = {text.encode(), _unescaped(text)}
    found = [token for token in _vocabulary(answer, models) if token.piece in wanted or visible(token.piece) == text]
    if not found:
        raise ChainError(
            f"{text!r} is no token of {answer.model}: `samantha vocab --tokenize` shows what a text is cut into, and"
            " `samantha vocab --search` finds tokens. White space counts."
        )
    normal = [token for token in found if token.kind == "normal"] or found
    return normal[0].id


def _unescaped(text: str) -> bytes:
    try:
        return unescaped(text.replace("␣", " ").replace("↵", "\n"))
    except SearchError:
        return text.encode()


def _vocabulary(answer: Answer, models: ModelSource) -> list[VocabularyToken]:
    """The model's, loaded as the answer was made: the branch then finds it in memory."""
    values = answer.values(len(answer.tokens))
    with loaded(models, answer.model, load_options(values)) as model:
        return model.vocabulary()
