"""The entry point: finds the command, imports its module alone, turns errors into sentences and exit statuses."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from samantha import __version__
from samantha.cli.parsing import MISTAKE, Parser
from samantha.errors import ChainError, SamanthaError, SearchError

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serve", "Open the workbench in the browser (also without any command)."),
    "run": ("run", "Run a chain file, or a list of prompts, and print the answers."),
    "chat": ("chat", "Talk with a model in the terminal."),
    "complete": ("complete", "Continue a text as it is, without a chat template."),
    "code": ("code", "Run code in the sandbox; JupyterLab, D-Tale, databases, executables; what goes on."),
    "tokens": ("tokens", "See how each token of an answer is chosen, in a new run or a stored one; make branches."),
    "score": ("score", "How likely a model finds a text, token by token; two models side by side."),
    "vocab": ("vocab", "Show and search a model's vocabulary; cut a text into tokens."),
    "info": ("info", "What a model file says of itself, without loading it."),
    "models": ("models", "List the models that can be used."),
    "download": ("download", "Fetch models from the Hugging Face hub, list a repository's, search."),
    "endpoints": ("endpoints", "Models on servers: names, keys, and what a server is."),
    "runs": ("runs", "List, show, search and delete the runs that are stored."),
    "doctor": ("doctor", "Check this installation and say what is missing or degraded."),
}
"""Each command: the module that is imported for it, and its help."""

EPILOGUE = "`samantha COMMAND --help` shows the options of a command."


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return the exit status: 0 done, 1 failed, 2 a mistake, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _speak_utf8()
    try:
        return _dispatch(given)
    except SamanthaError as error:
        print(f"samantha: {error}", file=sys.stderr)
        return MISTAKE if isinstance(error, ChainError | SearchError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    finally:
        _leave_quietly()


def _dispatch(given: list[str]) -> int:
    name = given[0] if given else ""
    if name in COMMANDS:
        module, parser = command(name)
        return int(module.execute(parser.parse_args(given[1:])))
    if name and not name.startswith("-"):
        from difflib import get_close_matches

        near = get_close_matches(name, COMMANDS, 1)
        top_level().error(f"there is no command {name}" + (f": did you mean {near[0]}?" if near else ""))
    module, _ = command("serve")
    parser = top_level()
    module.configure(parser)
    return int(module.execute(parser.parse_args(given)))


def command(name: str) -> tuple[Any, Parser]:
    """The module of a command and its parser."""
    file, summary = COMMANDS[name]
    module = importlib.import_module(f"samantha.cli.{file}")
    parser = Parser(f"samantha {name}", module.DESCRIPTION or summary, module.USAGE)
    module.configure(parser)
    return module, parser


def top_level() -> Parser:
    """The parser for a command line without a command."""
    width = max(map(len, COMMANDS)) + 2
    rows = "\n".join(f"  {name:{width}}{summary}" for name, (_, summary) in COMMANDS.items())
    parser = Parser(
        "samantha", f"Chains of prompts and models on an ordinary computer.\n\ncommands:\n{rows}\n\n{EPILOGUE}",
        "samantha [COMMAND] [OPTIONS]",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"samantha {__version__}")
    return parser


def _speak_utf8() -> None:
    """Answers hold any character, whatever the console's own encoding is."""
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(encoding="utf-8", errors="replace")


def _leave_quietly() -> None:
    """Flush, and when nobody reads the output any more, keep Python from complaining about it at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
