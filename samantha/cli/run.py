"""`samantha run`: a chain file, a prompt list or piped prompts, run and printed."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from samantha.chain import files
from samantha.chain.chain import Chain
from samantha.cli import granting, options, running, staying
from samantha.cli.printing import JsonPrinter, TextPrinter
from samantha.cli.reading import standard_input
from samantha.errors import ChainError

DESCRIPTION = """\
Run a chain and print what the models answer.

CHAIN is a chain file (.toml), a prompt list (.txt), or - for a prompt list on standard input; it may be left out when
prompts are given by --prompts or piped in. Options win over what stands in the file.

With --run_code the Python code of each response runs in a sandbox: it sees its own work folder, the chain's data files
and what is granted, and nothing else. What it prints goes to standard error, like everything that is no answer."""
USAGE = "samantha run [CHAIN] [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("chain", nargs="?", metavar="CHAIN", help="A chain file, a prompt list, or - (standard input).")
    running.add_common(parser)
    options.add(parser)
    granting.add(parser)
    staying.add(parser)


def execute(arguments: Any) -> int:
    """Run the chain; the exit status is in `running.Outcome`."""
    chain = chosen(arguments)
    show = JsonPrinter(sys.stdout) if arguments.json else TextPrinter(sys.stdout, sys.stderr)
    files.validate(chain)
    with (
        running.code_runner(arguments, chain.files, wanted=chain.run_code) as code,
        running.run_store(not arguments.no_store) as store,
    ):
        with running.model_source() as models:
            outcome = running.carry_out(chain, models, store, show, code)
        if outcome.serving and not outcome.interrupted:
            staying.stay(outcome.serving, arguments)
        return outcome.status


def chosen(arguments: Any) -> Chain:
    """The chain that the command line describes.

    Raises:
        ChainError: the file cannot be read, or there are no prompts.
    """
    chain = options.applied(_source(arguments), arguments)
    if chain.prompts == "-":
        chain = msgspec.structs.replace(chain, prompts=standard_input())
    if not chain.prompts.strip():
        raise ChainError("There is no prompt: name a chain file or a prompt list, give --prompts, or pipe prompts in.")
    return chain


def _source(arguments: Any) -> Chain:
    if arguments.chain is not None:
        return Chain(prompts="-") if arguments.chain == "-" else files.read(Path(arguments.chain))
    piped = not options.gives(arguments, "prompts") and not sys.stdin.isatty()
    return Chain(prompts="-" if piped else "")
