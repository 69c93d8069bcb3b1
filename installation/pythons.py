"""Finding a Python that fits: the running one, those on PATH, the Windows launcher's, pyenv's.

What is not here: installing one.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from installation.running import WINDOWS, InstallError, quiet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MINORS = (13, 12, 11)
"""The minor versions of Python 3 that fit, best first."""

PROBE = (
    "import sys, importlib.util as u; print(sys.version.split()[0], sys.maxsize > 2**32,"
    " u.find_spec('ensurepip') is not None, getattr(sys, '_base_executable', sys.executable), sep='\\t')"
)


def candidates() -> Iterator[list[str]]:
    """Commands that may start a fitting Python, in the order of preference."""
    yield [getattr(sys, "_base_executable", sys.executable)]
    for minor in MINORS:
        found = shutil.which(f"python3.{minor}")
        if found:
            yield [found]
        if WINDOWS and shutil.which("py"):
            yield ["py", f"-3.{minor}"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for minor in MINORS:
        for pattern in (f"versions/3.{minor}.*/bin/python3", f"pyenv-win/versions/3.{minor}.*/python.exe"):
            for python in sorted(pyenv.glob(pattern), reverse=True):
                yield [str(python)]


def probe(command: Sequence[object]) -> tuple[str, bool, str] | None:
    """Version, whether it can make environments, and its path; None where it does not run or does not fit."""
    words = quiet([*command, "-c", PROBE]).split("\t")
    fits = "|".join(map(str, MINORS))
    if len(words) != 4 or words[1] != "True" or not re.match(rf"3\.({fits})\.", words[0]):
        return None
    return words[0], words[2] == "True", words[3]


def find_python() -> tuple[str, str]:
    """Version and path of the first Python that fits.

    Raises:
        InstallError: there is none, or none that can make environments.
    """
    found = list(filter(None, map(probe, candidates())))
    for version, makes_environments, path in found:
        if makes_environments:
            return version, path
    if found:
        raise InstallError(f"Python {found[0][0]} lacks its venv module: run `sudo apt-get install {venv_package()}`.")
    raise InstallError(
        f"Samantha needs a 64-bit Python 3.11, 3.12 or 3.13, and none was found (this one is {sys.version.split()[0]}):"
        " install 3.12 from python.org or your system's packages (with uv: `uv python install 3.12`) and start again."
    )


def venv_package() -> str:
    """The Debian package that the fitting Pythons lack; empty when one of them is complete, or none fits."""
    found = list(filter(None, map(probe, candidates())))
    if not found or any(makes_environments for _, makes_environments, _ in found):
        return ""
    return "python" + ".".join(found[0][0].split(".")[:2]) + "-venv"
