"""`samantha doctor`: the checks as a table. What is checked is in checks.py."""

import sys
from typing import Any

import msgspec

from samantha.cli.checks import Finding, findings
from samantha.cli.tables import table

DESCRIPTION = """\
Check Python, the native library, processor, memory, disk, run store, models, sandbox, code environment, code sandbox,
page, browser and voices.
The exit status is 1 when something necessary is missing.

--tune measures instead how many threads models run fastest with on this computer, which takes some minutes, and keeps
the best number as the default."""
USAGE = "samantha doctor [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the command."""
    parser.add_argument("--json", action="store_true", help="Print each finding as a line of JSON.")
    parser.add_argument(
        "--tune", nargs="*", metavar="MODEL",
        help="Measure the speed of models with 1 thread, 2 threads and so on (default: Samantha Tiny and your first).",
    )  # fmt: skip


def execute(arguments: Any) -> int:
    """Print the findings."""
    if arguments.tune is not None:
        return _tune(arguments)
    found = findings()
    if arguments.json:
        print("\n".join(msgspec.json.encode(finding).decode() for finding in found))
    else:
        print(table([(finding.state, finding.part, finding.message) for finding in found]))
        print(f"\n{verdict(found)}")
    return int(any(lacking(finding) for finding in found))


def _tune(arguments: Any) -> int:
    from samantha.cli.tune import tune

    said = (lambda text: print(text, file=sys.stderr, flush=True)) if arguments.json else print
    for one in tune(arguments.tune, said):
        if arguments.json:
            print(msgspec.json.encode(one).decode())
    return 0


def lacking(finding: Finding) -> bool:
    """Whether the program cannot do its main job because of this."""
    return finding.necessary and finding.state == "missing"


def verdict(found: list[Finding]) -> str:
    """The findings in one sentence."""
    necessary = [finding.part for finding in found if lacking(finding)]
    degraded = [finding.part for finding in found if finding.state != "ok" and not lacking(finding)]
    if necessary:
        return f"Missing and necessary: {', '.join(necessary)}."
    return f"Everything necessary is there; degraded: {', '.join(degraded)}." if degraded else "Everything is there."
