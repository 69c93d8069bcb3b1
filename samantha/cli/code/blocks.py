"""`samantha code blocks`: what would be run of a response. Nothing is run."""

import sys
from typing import Any

import msgspec

from samantha.cli.code.reading import response_of

DESCRIPTION = """\
Show what would be run of a response: the Python code of its blocks, joined as they would be run, on standard output.
The exit status is 1 when there is none."""
USAGE = "samantha code blocks FILE|- [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("file", metavar="FILE", help="A file that holds the response, or - (standard input).")
    parser.add_argument("--html", action="store_true", help="Show the page of its html blocks instead.")
    parser.add_argument("--json", action="store_true", help="Print both as one line of JSON.")


def execute(arguments: Any) -> int:
    """Print what was found."""
    from samantha.code import blocks

    found = blocks.extract(response_of(arguments.file))
    if arguments.json:
        print(msgspec.json.encode({"python": found.python, "html": found.html}).decode())
    else:
        chosen = found.html if arguments.html else found.python
        sys.stdout.write(chosen + "\n" * (bool(chosen) and not chosen.endswith("\n")))
        if found.html and not arguments.html:
            print("It has an html block too: --html shows it.", file=sys.stderr)
    if not found.python and not found.html:
        print("Nothing of this response would be run.", file=sys.stderr)
    return int(not found.python and not found.html)
