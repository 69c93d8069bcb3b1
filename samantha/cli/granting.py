"""What generated code is given, as options: files, network, full access, limits. Enforcing it is not here."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samantha.cli.parsing import whole_number
from samantha.errors import ChainError

if TYPE_CHECKING:
    from samantha.sandbox.access import Access, Limits

WARNING = """\
Full access: the code runs without a sandbox. It may read, change and delete whatever you may, use the network, and move
mouse and keyboard. Nobody has read the code that a model writes. Give it only to chains whose outcome you can bear."""

CONFIRMATION = "full access"

GRANTS = "_grants"
"""The name under which the parsed limits stand apart from other options."""


def add(parser: argparse.ArgumentParser, *, limits: bool = True) -> None:
    """Declare the options."""
    group = parser.add_argument_group("generated code")
    group.add_argument("--read", action="append", default=[], metavar="FILE|FOLDER", help=HELP["read"])
    group.add_argument("--write", action="append", default=[], metavar="FILE|FOLDER", help=HELP["write"])
    group.add_argument("--network", action="store_true", help=HELP["network"])
    group.add_argument("--full-access", action="store_true", help=HELP["full"])
    group.add_argument("--yes", action="store_true", help=HELP["yes"])
    if limits:
        for option, (name, convert, metavar, help) in LIMITS.items():
            group.add_argument(
                option, type=convert, dest=f"{GRANTS}.{name}", default=argparse.SUPPRESS, metavar=metavar, help=help
            )


def access(arguments: Any, files: Sequence[str] = ()) -> "Access":
    """What was granted; `files` are a chain's data files, which may be read.

    With `--full-access` a warning is printed, and the user is asked to type a confirmation.

    Raises:
        ChainError: a granted file is not there, or full access was not confirmed.
    """
    from samantha.sandbox.access import Access

    if arguments.full_access:
        _confirm(arguments.yes)
    readable = (*map(_place, files), *map(_place, arguments.read))
    return Access(readable, tuple(map(_place, arguments.write)), arguments.network, arguments.full_access)


def limits(arguments: Any) -> "Limits":
    """The limits that were given, and the usual ones for the rest.

    Raises:
        SandboxError: one is out of its range.
    """
    from samantha.sandbox.access import Limits

    start = f"{GRANTS}."
    return Limits(**{name[len(start) :]: value for name, value in vars(arguments).items() if name.startswith(start)})


def _confirm(agreed: bool) -> None:
    print(WARNING, file=sys.stderr)
    if agreed:
        return
    if not sys.stdin.isatty():
        raise ChainError("Full access was not given, because nobody can be asked here: add --yes to confirm it.")
    print(f"Type {CONFIRMATION} to give it: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != CONFIRMATION:
        raise ChainError("Full access was not given: nothing was run.")


def _place(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.exists():
        raise ChainError(f"There is no file or folder {name} that could be granted: check its name.")
    return path.resolve()


def seconds(text: str) -> float:
    """For `type=`: `90`, `1.5`, `90s`, `5m`, `2h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write seconds, or 5m, or 2h")
    return float(found[1]) * {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600}[found[2]]


def whole_seconds(text: str) -> int:
    """For `type=`: as `seconds`, without fractions."""
    return max(1, round(seconds(text)))


def byte_count(text: str) -> int:
    """For `type=`: `1000000`, `512M`, `1.5 GB`; a kilobyte has 1024 bytes here."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: write bytes, or 512M, or 2G")
    return int(float(found[1]) * 1024 ** ("", "k", "m", "g", "t").index(found[2]))


HELP = {
    "read": "The code may read this file or folder; may be repeated. Beside its work folder it sees nothing else.",
    "write": "The code may read and change this file or folder; may be repeated.",
    "network": "The code may use the network.",
    "full": "No sandbox: the code may do whatever you may. Asks for a confirmation.",
    "yes": "Confirm --full-access without being asked.",
}

LIMITS: dict[str, tuple[str, Callable[[str], Any], str, str]] = {
    "--time": ("seconds", seconds, "TIME", "The longest time of a step's code: seconds, or 5m, 2h (default 60)."),
    "--cpu-time": ("cpu_seconds", whole_seconds, "TIME", "The longest processor time of one process (default 600)."),
    "--memory": ("memory", byte_count, "SIZE", "Memory of all its processes together, e.g. 512M, 2G (default 4G)."),
    "--disk": ("disk", byte_count, "SIZE", "What its work folder may hold (default 1G)."),
    "--file-size": ("file_size", byte_count, "SIZE", "The size of one file (default 512M)."),
    "--file-count": ("files", whole_number, "N", "Files and folders in its work folder (default 10000)."),
    "--processes": ("processes", whole_number, "N", "Processes and threads together (default 128)."),
    "--open-files": ("open_files", whole_number, "N", "Open files of one process (default 256)."),
    "--output": ("output", byte_count, "SIZE", "What it may print (default 1M)."),
}
"""Each limit: its name in `sandbox.access.Limits`, how it is read, how its value is called, and its help."""
