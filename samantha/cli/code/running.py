"""Code run by hand: which run it belongs to, Ctrl-C, and what becomes of its work folder."""

import contextlib
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from samantha.cli import code_report, granting, staying
from samantha.cli.code.outcomes import Report
from samantha.cli.interruption import INTERRUPTED, stopped_by_interrupt
from samantha.code.code import CodeError, CodeOutcome
from samantha.code.workplace import discard

if TYPE_CHECKING:
    from samantha.code.runner import SandboxRunner


def add(parser: Any) -> None:
    """The options of every action that runs code."""
    parser.add_argument(
        "--json", action="store_true", help="Print what happens as lines of JSON, as `run --json` does."
    )
    parser.add_argument("--run", metavar="NAME", help=RUN)
    granting.add(parser)
    staying.add(parser)


RUN = "The work folder to use, with what was made in it before; else a new one, kept when something is left in it."


def carried_out(arguments: Any, runner: "SandboxRunner", work: Callable[[Report], Iterable[CodeOutcome]]) -> int:
    """Print what `work` brings; the status is 0, or 1 when code raised or met a limit, or 130 after Ctrl-C."""
    report = Report(arguments.run or _new_name(), json=arguments.json)
    report.step = _next_step(report.run)
    try:
        with stopped_by_interrupt(runner.stop) as interruption:
            failed = False
            for outcome in work(report):
                report.take(outcome)
                failed |= report.reason != "ok"
        if report.serving and not interruption.happened:
            staying.stay(report.run, arguments)
        return INTERRUPTED if interruption.happened else int(failed)
    finally:
        if not arguments.run and not report.left_something:
            runner.close()
            with contextlib.suppress(CodeError):  # what cannot be deleted stays as any other work folder does
                discard(report.run)


def _new_name() -> str:
    from samantha.chain.engine import new_run_id

    return new_run_id()


def _next_step(run: str) -> int:
    """Files of earlier steps in the same work folder keep their numbers."""
    folder = code_report.work_folder(run) / "code"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return 1 + max((int(found[1]) for name in names if (found := re.fullmatch(r"step-(\d+)\.py", name))), default=0)
