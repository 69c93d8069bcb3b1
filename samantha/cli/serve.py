"""`samantha` and `samantha serve`: the workbench. What the page is made of is not here."""

from typing import Any

from samantha.cli.parsing import whole_number

DESCRIPTION = ""
USAGE = "samantha serve [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("--port", type=whole_number, metavar="N", help="The port; else 7860 or the next free one.")
    parser.add_argument("--no-browser", action="store_true", help="Print the address only, open no browser.")


def execute(arguments: Any) -> int:
    """Serve the page until Ctrl-C."""
    from samantha.ui import app

    app.launch(port=arguments.port, open_browser=not arguments.no_browser)
    return 0
