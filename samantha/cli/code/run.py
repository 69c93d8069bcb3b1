"""`samantha code run`: any Python code in the sandbox."""

from collections.abc import Iterator
from typing import Any

from samantha.cli import running
from samantha.cli.code import running as by_hand
from samantha.cli.code.outcomes import Report
from samantha.cli.code.reading import code_of
from samantha.code.code import CodeOutcome

DESCRIPTION = """\
Run a Python file, or the code on standard input, as the code of a response is run: in the sandbox, in a work folder of
its own, under limits. What it prints goes where it wrote it; figures, tables, servers, files and the end are told on
standard error. The exit status is 1 when the code raised, met a limit or could not be run."""
USAGE = "samantha code run FILE|- [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("file", metavar="FILE", help="A Python file, or - (standard input).")
    by_hand.add(parser)


def execute(arguments: Any) -> int:
    """Run the code."""
    code = code_of(arguments.file)
    with running.code_runner(arguments) as runner:
        assert runner

        def work(report: Report) -> Iterator[CodeOutcome]:
            return runner.execute(code, report.run, report.step)

        return by_hand.carried_out(arguments, runner, work)
