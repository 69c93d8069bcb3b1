"""A virtual environment: made, noticed when broken, filled step by step, each step recorded.

What is not here: which steps there are.
"""

from __future__ import annotations

import json
import os
import shutil

from installation.pythons import find_python, probe
from installation.running import ROOT, WINDOWS, InstallError, quiet, run, say, timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VENV = ROOT / ".venv"
VENV_CODE = ROOT / ".venv-code"
UNFINISHED = "unfinished"
"""What the record says of a step that was begun: packages may lie there half, so the next try installs them again."""


class Environment:
    """A virtual environment and the record of the steps that were finished in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts = folder / ("Scripts" if WINDOWS else "bin")
        self.python = self.scripts / ("python.exe" if WINDOWS else "python")
        self.record = self._recorded()

    def _recorded(self) -> dict[str, str]:
        try:
            return dict(json.loads((self.folder / "installed.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def write(self) -> None:
        """Write the record, whole or not at all."""
        partial = self.folder / "installed.part"
        partial.write_text(json.dumps(self.record, indent=1), "utf-8")
        partial.replace(self.folder / "installed.json")

    def sound(self) -> bool:
        """Whether its Python runs, fits, and is the one that the record was written for, in this place."""
        found = probe([self.python]) if self.record.get("folder") == str(self.folder) else None
        return found is not None and self.record.get("python") == found[0]

    def make(self) -> None:
        """Make it anew unless it is sound; one that other hands made, without a record, is used if its pip runs."""
        if self.sound() or self._adopted():
            return
        version, python = find_python()
        if self.folder.exists():
            say(f"{self.folder.name} is incomplete, moved, or its Python does not run: it is made anew.")
            shutil.rmtree(self.folder)
        self.folder.mkdir()
        self._begin(UNFINISHED)
        with timed(f"making {self.folder.name} with Python {version} ({python})"):
            run([python, "-m", "venv", self.folder])
        self._begin(version)

    def _adopted(self) -> bool:
        found = None if self.record else probe([self.python])
        if found is None or not quiet(self.pip("--version")):
            return False
        self._begin(found[0])
        return True

    def _begin(self, version: str) -> None:
        self.record = {"folder": str(self.folder), "python": version}
        self.write()

    def step(self, name: str, key: str, title: str, action: Callable[[bool], None]) -> None:
        """Do `action` unless the record says it was done with this key; tell it whether it broke off before."""
        before = self.record.get(name)
        if before == key:
            return
        self.record[name] = UNFINISHED
        self.write()
        with timed(title):
            action(before == UNFINISHED)
        self.record[name] = key
        self.write()

    def install(self, *arguments: object, again: bool = False, timeout: float | None = None) -> None:
        """Install packages with uv, or with pip where there is no uv or uv fails (pip knows more mirrors)."""
        uv = VENV / self.scripts.name / ("uv.exe" if WINDOWS else "uv")
        if uv.exists():
            force = ["--reinstall"] if again else []
            # Compiled now: a model's process reads the environment only, and would compile it anew at every start.
            command = [uv, "pip", "install", "--compile-bytecode", "--python", self.python, *force, *arguments]
            try:
                run(command, timeout, mirror())
            except InstallError as error:
                say(f"  uv failed, trying pip: {error}")
            else:
                return
        force = ["--force-reinstall"] if again else []
        run([*self.pip("install"), *force, *arguments], timeout)

    def tag(self) -> str:
        """The tag of its Python: `cp311`."""
        return "cp" + "".join(self.record["python"].split(".")[:2])

    def pip(self, command: str) -> list[object]:
        """The beginning of a pip command."""
        return [self.python, "-m", "pip", command, "--disable-pip-version-check", "--no-input"]


def mirror() -> dict[str, str]:
    """uv's variables for the package index and certificates that pip was told of in variables; uv's own win."""
    variables = {}
    if "PIP_INDEX_URL" in os.environ and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(os.environ):
        variables["UV_DEFAULT_INDEX"] = os.environ["PIP_INDEX_URL"]
    if "PIP_CERT" in os.environ and "SSL_CERT_FILE" not in os.environ:
        variables["SSL_CERT_FILE"] = os.environ["PIP_CERT"]
    return variables
