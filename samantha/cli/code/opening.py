"""A tool that opens in the browser: its options, its address."""

import sys
import webbrowser
from typing import Any

import msgspec

from samantha.cli import granting
from samantha.code.background import Entry


def add(parser: Any) -> None:
    """The options of every tool that opens in the browser."""
    parser.add_argument("--no-browser", action="store_true", help="Print the address only, open no browser.")
    parser.add_argument("--json", action="store_true", help="Print what was started as a line of JSON.")
    granting.add(parser, limits=False)


def opened(entry: Entry, arguments: Any) -> int:
    """Print the address, and open it unless asked not to."""
    print(msgspec.json.encode(entry).decode() if arguments.json else entry.url, flush=True)
    print(f"{entry.title} goes on in the background; `samantha code close` ends it.", file=sys.stderr)
    if not arguments.no_browser and not webbrowser.open(entry.url):
        print("No browser was found: open the address yourself.", file=sys.stderr)
    return 0
