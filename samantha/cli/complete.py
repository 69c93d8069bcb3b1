"""`samantha complete`: a text is continued as it is."""

import sys
from pathlib import Path
from typing import Any

from samantha.chain import files
from samantha.chain.chain import Chain
from samantha.chain.text_files import read_text
from samantha.cli import options, running
from samantha.cli.conversation import continuation
from samantha.cli.printing import JsonPrinter, TextPrinter
from samantha.cli.reading import standard_input
from samantha.errors import ChainError

DESCRIPTION = """\
Continue a text as it is: no chat template, no system prompt. The text is TEXT, or stands in --file, or is piped in; one
line break at the end of a file or of standard input does not belong to it."""
USAGE = "samantha complete [TEXT] [OPTIONS]"

NOT_FOR_COMPLETION = frozenset(
    {
        "prompts", "loops", "responses", "single_response_per_model", "shuffle_models", "feedback_loop", "system",
        "cumulative_response", "run_code", "stop_condition", "feedback_code_output_only", "files", "variables",
        "previous_response", "template", "examples", "strip_thinking", "random_hyperparameters", "random_ranges",
        "raw", "parallel",
    }
)  # fmt: skip
"""Settings that say nothing about continuing one text."""


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="The text, or - (standard input).")
    parser.add_argument("--file", metavar="FILE", help="A file that holds the text.")
    parser.add_argument("--echo", action="store_true", help="Print the text before its continuation.")
    running.add_common(parser)
    options.add(parser, NOT_FOR_COMPLETION)


def execute(arguments: Any) -> int:
    """Print the continuation."""
    text = _text(arguments)
    if not text.strip():
        raise ChainError("There is no text to continue: give TEXT or --file, or pipe a text in.")
    chain = options.applied(continuation(Chain(), text), arguments)
    files.validate(chain)
    show = JsonPrinter(sys.stdout) if arguments.json else TextPrinter(sys.stdout, sys.stderr, plain=True)
    with running.run_store(not arguments.no_store) as store, running.model_source() as models:
        if arguments.echo and not arguments.json:
            sys.stdout.write(text)
        return running.carry_out(chain, models, store, show).status


def _text(arguments: Any) -> str:
    if arguments.file is not None:
        if arguments.text is not None:
            raise ChainError("Give either TEXT or --file, not both.")
        return _without_last_break(read_text(Path(arguments.file)))
    if arguments.text == "-" or (arguments.text is None and not sys.stdin.isatty()):
        return _without_last_break(standard_input())
    return arguments.text or ""


def _without_last_break(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
