"""`samantha code close`: what goes on in the background, ended."""

import sys
from typing import Any

from samantha.cli.code_report import on_one_line
from samantha.code import background

DESCRIPTION = """\
End everything that generated code and its tools left running in the background, whichever program started it: servers
of the code, JupyterLab, D-Tale. Each is asked first and killed a second later, with all that it started."""
USAGE = "samantha code close"


def configure(parser: Any) -> None:
    """It has no options."""


def execute(_arguments: Any) -> int:
    """End all."""
    found = background.entries()
    background.close_all()
    for entry in found:
        print(f"Ended {on_one_line(entry.title)}.", file=sys.stderr)
    if not found:
        print("Nothing goes on in the background.", file=sys.stderr)
    return 0
