"""Stay while something that code started serves: it lives in the sandbox, which ends with the command."""

import argparse
import sys
import threading
from typing import Any

from samantha.cli.interruption import stopped_by_interrupt

LOOK = 0.5
"""Seconds between two looks at whether it still serves."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument("--serve", action=argparse.BooleanOptionalAction, default=None, help=HELP)


HELP = "Stay until Ctrl-C while something that the code started serves; at a terminal that is the default."


def stay(run: str, arguments: Any) -> None:
    """Wait until nothing of `run` serves any more, or Ctrl-C, if that is wanted."""
    from samantha.code import background

    wanted = arguments.serve if arguments.serve is not None else sys.stdin.isatty() and sys.stderr.isatty()
    if not wanted:
        print("What the code serves ends with this command; --serve keeps it until Ctrl-C.", file=sys.stderr)
        return
    print("It goes on until Ctrl-C, or `samantha code close` elsewhere.", file=sys.stderr)
    enough = threading.Event()
    with stopped_by_interrupt(enough.set):
        while not enough.wait(LOOK) and any(entry.run == run for entry in background.entries()):
            pass
