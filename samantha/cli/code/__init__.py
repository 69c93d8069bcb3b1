"""`samantha code`: one file for each action, imported when it is given."""

import argparse
import difflib
import importlib
from typing import Any

from samantha.cli.parsing import Parser

ACTIONS: dict[str, tuple[str, str]] = {
    "run": ("run", "Run Python code in the sandbox and report what happened."),
    "blocks": ("blocks", "Show what would be run of a response."),
    "save": ("save", "Save code as the next numbered file of a folder."),
    "run-files": ("run_files", "Run the numbered files of a folder in order."),
    "jupyter": ("jupyter", "Open JupyterLab on a run's work folder or on a folder of yours."),
    "dtale": ("dtale", "Look through a CSV file with D-Tale."),
    "database": ("database", "Look into a SQLite file, without changing it."),
    "package": ("package", "Make an executable of a Python file."),
    "packages": ("packages", "List what code may import."),
    "check": ("check", "Attack the sandbox and say what holds."),
    "processes": ("processes", "List what goes on in the background."),
    "close": ("close", "End what goes on in the background."),
}
"""Each action: the module that is imported for it, and its help."""

DESCRIPTION = "Generated code, its sandbox and its tools.\n\n" + "\n".join(
    f"  samantha code {name:11}{summary}" for name, (_, summary) in ACTIONS.items()
)
USAGE = "samantha code ACTION [OPTIONS]"


def configure(parser: Any) -> None:
    """The action, and what is left to its own parser."""
    parser.add_argument("action", metavar="ACTION", help="What to do; `samantha code ACTION --help` says more.")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="What the action is given.")


def execute(arguments: Any) -> int:
    """Carry out the action."""
    if arguments.action not in ACTIONS:
        near = difflib.get_close_matches(arguments.action, ACTIONS, 1)
        hint = f": did you mean {near[0]}?" if near else ""
        Parser("samantha code").error(f"there is no action {arguments.action}{hint}")
    module, parser = action(arguments.action)
    return int(module.execute(parser.parse_args(arguments.rest)))


def action(name: str) -> tuple[Any, Parser]:
    """The module of an action and its parser."""
    file, summary = ACTIONS[name]
    module = importlib.import_module(f"samantha.cli.code.{file}")
    parser = Parser(f"samantha code {name}", module.DESCRIPTION or summary, module.USAGE)
    module.configure(parser)
    return module, parser
