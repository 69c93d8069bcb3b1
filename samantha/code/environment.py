"""The environment that generated code runs in: where it is, whether it is whole, what it holds and how large it is.

Told from what the installer wrote there and one look into the folder. What is not here: making and mending it
(`install.py --code`, see `CodeEnvironment.repair`), and looking at every file of it, which mending does.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

from samantha.code.packages import PACKAGES
from samantha.settings import ROOT, data_folder, material

NAME = ".venv-code"
LOCKED = "requirements-code.txt"

State = Literal["ready", "being installed", "missing", "broken"]


class Offered(msgspec.Struct, frozen=True):
    """A package as it is here: `version` is empty when it is not installed, and `missing` then says why."""

    name: str
    module: str
    purpose: str
    version: str = ""
    note: str = ""
    missing: str = ""


def place() -> Path:
    """Where the environment lies: in the checkout, or in the user's data folder where there is none.

    Raises:
        SettingsError: the data folder cannot be made.
    """
    return (ROOT if (ROOT / "install.py").is_file() else data_folder().absolute()) / NAME


def versions() -> dict[str, str]:
    """The version of every package that is installed there, by its name."""
    return CodeEnvironment().versions()


class CodeEnvironment:
    """The code environment as it was when this was made; ask anew for news."""

    def __init__(self, folder: Path | None = None) -> None:
        """Look at it: `folder` is `place()` unless another is given.

        Raises:
            SettingsError: the data folder cannot be made.
        """
        self.folder = folder or place()
        windows = sys.platform == "win32"
        self.python = self.folder / ("Scripts/python.exe" if windows else "bin/python")
        self._record = _read(self.folder / "installed.json")
        self._contents = _read(self.folder / "contents.json")
        minor = ".".join(str(self._record.get("python", "")).split(".")[:2])
        self.packages_folder = self.folder / ("Lib/site-packages" if windows else f"lib/python{minor}/site-packages")
        self._gone = self._missing_names()
        self.state, self.sentence = self._judged()

    @property
    def ready(self) -> bool:
        """Whether code can run in it."""
        return self.state == "ready"

    @property
    def size(self) -> int:
        """What it took on disk when it was completed, in bytes; 0 when that is not known."""
        return int(self._contents.get("size", 0))

    @property
    def seconds(self) -> float:
        """How long it took to make."""
        return float(self._contents.get("seconds", 0))

    @property
    def fonts(self) -> Path:
        """The folder with matplotlib's list of fonts, made at installation (its cache folder)."""
        return self.folder / "cache" / "matplotlib"

    @property
    def log(self) -> Path:
        """What the installation printed."""
        return self.folder.with_name(self.folder.name + ".log")

    def repair(self) -> tuple[str, ...]:
        """The command that makes it, goes on where that broke off, and installs again what is damaged."""
        return (sys.executable, str(material("install.py")), "--code", "--into", str(self.folder))

    def addition(self, package: str) -> tuple[str, ...]:
        """The command that installs one more package, without changing those that are there."""
        return (sys.executable, str(material("install.py")), f"--code-package={package}", "--into", str(self.folder))

    def versions(self) -> dict[str, str]:
        """The version of every installed package by its name as the index writes it."""
        described = {str(name): str(info) for name, info in self._contents.get("packages", {}).items()}
        return {
            name: info.removesuffix(".dist-info").rpartition("-")[2]
            for name, info in described.items()
            if info not in self._gone
        }

    def packages(self) -> list[Offered]:
        """What code may import, in the order of packages.py, then what was installed on request."""
        installed = self.versions()
        offered = [
            Offered(each.name, each.module, each.purpose, installed.get(each.name, ""), each.note,
                    "" if each.name in installed else each.left_out or self.sentence)
            for each in PACKAGES
        ]  # fmt: skip
        known = {each.name for each in PACKAGES}
        requested = [_plain(name) for name in str(self._record.get("requested", "")).split()]
        return offered + [
            Offered(name, "", "installed on request", installed.get(name, ""))
            for name in requested
            if name not in known
        ]

    def _missing_names(self) -> set[str]:
        """What stood in site-packages when it was completed and stands there no more."""
        folder = self.packages_folder
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        return set(self._contents.get("names", ())) - there

    def _judged(self) -> tuple[State, str]:
        fault = self._fault()
        if not fault:
            return "ready", f"The code environment is ready ({self.size / 1e9:.1f} GB)."
        if _locked(self.log):
            return "being installed", f"The code environment is being installed{self._progress()}: this takes minutes."
        reason = self._last("Not complete: ") or fault
        state: State = "broken" if self.folder.exists() else "missing"
        return state, f"{reason} `samantha code packages --repair` installs what is missing."

    def _fault(self) -> str:
        """What keeps code from running in it; empty when nothing does."""
        if not self.folder.exists():
            return "The code environment is not installed."
        if self._record.get(LOCKED, "unfinished") == "unfinished" or not self._contents.get("names"):
            return "The code environment was installed in part only."
        if self._record.get("folder") != str(self.folder):
            return f"The code environment was moved here from {self._record.get('folder')}."
        if not self.python.exists():
            return f"The Python of the code environment is gone ({self.python})."
        if self._gone:
            names = sorted(self._gone)
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            return f"Packages of the code environment were taken away ({', '.join(names[:3])}{more})."
        return ""

    def _progress(self) -> str:
        step = self._last("- ", anywhere=True)
        return f" ({step})" if step else ""

    def _last(self, beginning: str, anywhere: bool = False) -> str:
        """The rest of the log's last line, or of the last such line, that begins so; empty when there is none."""
        try:
            lines = [line for line in self.log.read_text("utf-8", "replace").splitlines() if line.strip()]
        except OSError:
            return ""
        found = [line for line in (lines if anywhere else lines[-1:]) if line.startswith(beginning)]
        return found[-1].removeprefix(beginning) if found else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(requested: str) -> str:
    """The name in `name[extra]==1.0`, as the index writes it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requested)[0]).lower()


def _locked(log: Path) -> bool:
    """Whether an installation is at work: it holds its log locked until it ends, in whatever way."""
    try:
        with log.open("rb") as file:
            if sys.platform == "win32":
                import msvcrt

                file.seek(1 << 30)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
