"""`samantha code save`: code as the next numbered file."""

from pathlib import Path
from typing import Any

from samantha.cli.code.reading import code_of, response_of
from samantha.code import numbered

DESCRIPTION = """\
Save code as the next numbered file of a folder: 01-NAME.py, 02-NAME.py and so on. No file is ever replaced. The path
goes to standard output."""
USAGE = "samantha code save FILE|- [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("file", metavar="FILE", help="A Python file, or - (standard input).")
    parser.add_argument("--folder", default=".", metavar="FOLDER", help="Where to; made when missing (default: here).")
    parser.add_argument("--name", metavar="NAME", help="What the file is called after its number.")
    parser.add_argument("--response", action="store_true", help="FILE is a response: save the code of its blocks.")


def execute(arguments: Any) -> int:
    """Save it and print where."""
    if arguments.response:
        from samantha.code import blocks

        code = blocks.extract(response_of(arguments.file)).python
    else:
        code = code_of(arguments.file)
    name = arguments.name or ("code" if arguments.file == "-" else Path(arguments.file).stem)
    print(numbered.save(code, Path(arguments.folder).expanduser(), name))
    return 0
