"""Debian packages that parts of the program use: installed as root, else named.

What is not here: other systems' packages; `samantha doctor` says what a machine lacks.
"""

from __future__ import annotations

import os
import shutil
import sys

from installation.pythons import venv_package
from installation.running import InstallError, quiet, run, say, timed

PACKAGES = {"bubblewrap": "bwrap", "espeak-ng": "espeak-ng", "build-essential": "c++"}
"""Packages, and the command that shows that one is not needed because something else provides it."""
PACKAGES_DEV = {"chromium": "chromium"}


def missing_packages(dev: bool) -> list[str]:
    """Debian packages that are wanted and neither installed nor provided by something else."""
    wanted = {**PACKAGES, **(PACKAGES_DEV if dev else {})}
    missing = [package for package, command in wanted.items() if not shutil.which(command)]
    if not shutil.which("dpkg-query"):
        return []
    status = quiet(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]).split("\n")
    missing = [package for package in missing if f"{package} installed" not in status]
    return [*filter(None, [venv_package()]), *missing]


def system_packages(packages: list[str]) -> None:
    """Install them as root; otherwise name the command. The program runs without them, with less."""
    if not packages:
        return
    command = "apt-get install " + " ".join(packages)
    if sys.platform == "win32" or os.geteuid() != 0 or not shutil.which("apt-get"):
        say(f"Some of Samantha needs system packages that are not here: `sudo {command}` installs them.")
        return
    variables = {"DEBIAN_FRONTEND": "noninteractive"}
    with timed(f"installing system packages: {', '.join(packages)}"):
        try:
            run(["apt-get", "update", "-q"], variables=variables)
        except InstallError as error:
            say(f"  the list of packages could not be renewed: {error}")
        for package in packages:
            try:
                run(["apt-get", "install", "-q", "-y", "--no-install-recommends", package], variables=variables)
            except InstallError as error:
                say(f"  {package} could not be installed, and what needs it will say so: {error}")
