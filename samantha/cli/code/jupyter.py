"""`samantha code jupyter`: JupyterLab of the code environment."""

from pathlib import Path
from typing import Any

from samantha.cli import granting
from samantha.cli.code import opening

DESCRIPTION = """\
Open JupyterLab on the work folder of a run, on a folder of yours, or, without either, on one kept for notebooks. It
runs in the sandbox like generated code: it may change that folder, read what is granted, and has no network, so nothing
can be installed from it. It answers on this computer only, and only to the token in its address."""
USAGE = "samantha code jupyter [RUN|FOLDER] [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("place", nargs="?", metavar="RUN|FOLDER", help="A run (its id, or `last`), or a folder.")
    opening.add(parser)


def execute(arguments: Any) -> int:
    """Start it and print its address."""
    from samantha.code import tools

    access = granting.access(arguments)
    folder = Path(arguments.place).expanduser() if arguments.place else None
    if folder is None or folder.exists():
        return opening.opened(tools.jupyter(folder=folder, access=access), arguments)
    from samantha.runs.store import RunStore

    with RunStore() as store:
        run = store.find(arguments.place)
    return opening.opened(tools.jupyter(run, access=access), arguments)
