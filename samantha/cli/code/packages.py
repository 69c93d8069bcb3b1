"""`samantha code packages`: what code may import; mending and adding. What installing does is install.py's."""

import subprocess
import sys
from typing import Any

import msgspec

from samantha.cli.tables import duration, size, table
from samantha.code.environment import CodeEnvironment, Offered

DESCRIPTION = """\
List the packages that code may import, with their versions; one that is missing says why. The code environment is made
once by the installer and needs no internet afterwards. The exit status is 1 when it is not ready."""
USAGE = "samantha code packages [OPTIONS]"


def configure(parser: Any) -> None:
    """The options of the action."""
    parser.add_argument("--json", action="store_true", help="Print each package as a line of JSON.")
    parser.add_argument("--repair", action="store_true", help="Install what is missing or damaged first.")
    parser.add_argument("--add", metavar="PACKAGE", help="Install this package too, without changing the others.")


def execute(arguments: Any) -> int:
    """Install what was asked for, then print the list."""
    environment = CodeEnvironment()
    commands = [environment.repair()] if arguments.repair else []
    commands += [environment.addition(arguments.add)] if arguments.add else []
    for command in commands:
        status = subprocess.run(command, stdout=sys.stderr, check=False).returncode
        if status:
            return status
    environment = CodeEnvironment()
    _print(environment.packages(), arguments.json)
    made = f" Made in {duration(environment.seconds)}." if environment.ready and environment.seconds else ""
    print(f"{environment.sentence} Folder: {environment.folder} ({size(environment.size)}).{made}", file=sys.stderr)
    return int(not environment.ready)


def _print(packages: list[Offered], json: bool) -> None:
    if json:
        for package in packages:
            print(msgspec.json.encode(package).decode())
        return
    print(table([("PACKAGE", "VERSION", "IMPORT", "WHAT FOR"), *map(_row, packages)]))


def _row(package: Offered) -> tuple[str, ...]:
    note = f" ({package.missing or package.note})" if package.missing or package.note else ""
    return package.name, package.version or "-", package.module or "-", f"{package.purpose}{note}"
