"""`samantha code dtale`: a table in the browser."""

from pathlib import Path
from typing import Any

from samantha.cli import granting
from samantha.cli.code import opening

DESCRIPTION = """\
Look through a CSV file with D-Tale: sort, filter, describe, chart. It runs in the sandbox, reads that file alone and
never changes it. It answers on this computer only, and only to the token in its address."""
USAGE = "samantha code dtale CSV [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("table", metavar="CSV", help="The file; any usual encoding and separator.")
    opening.add(parser)


def execute(arguments: Any) -> int:
    """Start it and print its address."""
    from samantha.code import tools

    entry = tools.dtale(Path(arguments.table).expanduser(), granting.access(arguments))
    return opening.opened(entry, arguments)
