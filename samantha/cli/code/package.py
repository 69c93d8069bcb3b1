"""`samantha code package`: Python to executable."""

import sys
from pathlib import Path
from typing import Any

from samantha.cli import granting
from samantha.cli.code.reading import code_of
from samantha.cli.code_report import on_one_line
from samantha.cli.interruption import INTERRUPTED, stopped_by_interrupt
from samantha.cli.tables import size
from samantha.code.code import CodeError

DESCRIPTION = """\
Make one executable file of a Python file, with PyInstaller, for this kind of computer. It is made in the sandbox; but
once made, it runs without one: whoever starts it gives it everything they may do themselves. The path goes to standard
output. What it is told on the way goes to standard error; Ctrl-C gives up."""
USAGE = "samantha code package FILE|- [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("file", metavar="FILE", help="A Python file, or - (standard input).")
    parser.add_argument("--folder", default=".", metavar="FOLDER", help="Where the executable is put (default: here).")
    parser.add_argument("--name", metavar="NAME", help="What it is called (default: as the file, without .py).")
    granting.add(parser, limits=False)


def execute(arguments: Any) -> int:
    """Build it and print where it is."""
    from samantha.code.packaging import Building, Packer

    code = code_of(arguments.file)
    name = arguments.name or ("program" if arguments.file == "-" else Path(arguments.file).stem)
    packer = Packer(code, name, Path(arguments.folder).expanduser(), granting.access(arguments))
    with stopped_by_interrupt(packer.stop) as interruption:
        try:
            for said in packer.build():
                if isinstance(said, Building):
                    print(f"{said.share:4.0%} {on_one_line(said.text)}", file=sys.stderr, flush=True)
                else:
                    print(said.file)
                    print(f"{size(said.size)}; it runs without a sandbox.", file=sys.stderr)
        except CodeError:
            if interruption.happened:
                print("Given up: no executable was made.", file=sys.stderr)
                return INTERRUPTED
            raise
    return 0
