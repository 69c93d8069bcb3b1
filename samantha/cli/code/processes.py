"""`samantha code processes`: what goes on in the background."""

import sys
from typing import Any

import msgspec

from samantha.cli.code_report import on_one_line
from samantha.cli.tables import table
from samantha.code import background

DESCRIPTION = "List what generated code and its tools left running; `samantha code close` ends it."
USAGE = "samantha code processes [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("--json", action="store_true", help="Print each as a line of JSON.")


def execute(arguments: Any) -> int:
    """Print the list."""
    found = background.entries()
    if arguments.json:
        for entry in found:
            print(msgspec.json.encode(entry).decode())
    elif found:
        rows = [(str(entry.pid), on_one_line(entry.title), entry.run or "-", entry.url) for entry in found]
        print(table([("PROCESS", "WHAT", "RUN", "ADDRESS"), *rows]))
    else:
        print("Nothing goes on in the background.", file=sys.stderr)
    return 0
