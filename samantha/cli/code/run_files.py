"""`samantha code run-files`: numbered files one after the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samantha.cli import running
from samantha.cli.code import running as by_hand
from samantha.cli.code.outcomes import Report
from samantha.cli.code_report import on_one_line
from samantha.code import numbered
from samantha.code.code import CodeOutcome

DESCRIPTION = """\
Run the numbered Python files of a folder (01-load.py, 02-clean.py ...) in the order of their numbers: each fresh, all
in one work folder, so that what one writes the next can read. The first that does not end well is the last."""
USAGE = "samantha code run-files FOLDER [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("folder", metavar="FOLDER", help="The folder that holds the files.")
    parser.add_argument("--go-on", action="store_true", help="Run the others too when one does not end well.")
    by_hand.add(parser)


def execute(arguments: Any) -> int:
    """Run them."""
    folder = Path(arguments.folder).expanduser()
    numbered.files(folder)  # a mistake is told before full access is asked for
    with running.code_runner(arguments) as runner:
        assert runner

        def work(report: Report) -> Iterator[CodeOutcome]:
            for happened in numbered.run_in_order(runner, folder, report.run, go_on=arguments.go_on):
                report.step = happened.number
                if happened.outcome is not None:
                    yield happened.outcome
                elif not arguments.json:
                    report.say(f"## {happened.number} of {happened.total} · {on_one_line(happened.file.name)}")

        return by_hand.carried_out(arguments, runner, work)
