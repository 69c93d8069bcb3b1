"""The environment of generated code, `.venv-code`: made once, and mended package by package when files of it are gone.

Packages that come as sources only are built with the locked setuptools, so that every byte installed has a hash in
requirements-code.txt. What is not here: what is in it (pyproject.toml), and running anything in it.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import time
from pathlib import Path

from installation.environments import UNFINISHED, Environment
from installation.locks import digest, locked
from installation.running import ROOT, WINDOWS, InstallError, clock, run, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOCKED = "requirements-code.txt"
CONTENTS = "contents.json"
"""Beside the record: names in site-packages, the folder that describes each package, size in bytes, seconds taken."""
FONTS = "from matplotlib import font_manager"
VEGA = "import sys, vl_convert; open(sys.argv[1], 'w', encoding='utf-8').write(vl_convert.javascript_bundle())"

PREPARED = {"fonts": "matplotlib", "vega": "vl_convert"}
"""Steps that prepare a package, tried once: an environment from before one of them was thought of lacks it."""


class CodeEnvironment(Environment):
    """The environment of generated code and what it held when it was complete."""

    @property
    def packages_folder(self) -> Path:
        """Its site-packages."""
        minor = ".".join(self.record.get("python", "3").split(".")[:2])
        return self.folder / "Lib" / "site-packages" if WINDOWS else self.folder / f"lib/python{minor}/site-packages"

    def contents(self) -> dict[str, Any]:
        """What was there when it was completed; empty when that is not known."""
        try:
            found = json.loads((self.folder / CONTENTS).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("packages") else {}

    def complete(self) -> bool:
        """Whether everything locked is installed and nothing of it was taken away, as far as one look can tell."""
        if self.record.get(LOCKED) != lock_key() or not self.sound():
            return False
        names = set(self.contents().get("names", ()))
        prepared = all(step in self.record for step, package in PREPARED.items() if package in names)
        return bool(names) and names <= self._names() and prepared

    def _names(self) -> set[str]:
        """What stands in site-packages."""
        folder = self.packages_folder
        return {path.name for path in folder.iterdir()} - {"__pycache__"} if folder.is_dir() else set()

    def complete_it(self, fresh: bool = False) -> None:
        """Bring it to where `complete` is true, and every file of every package is there.

        Raises:
            InstallError: something cannot be had.
        """
        started = time.monotonic()
        say(f"Installing the environment of generated code in {self.folder}")
        requested = self.record.get("requested", "")
        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.record = {}
        self.make()
        self.record["requested"] = requested
        if not self.contents() and LOCKED in self.record:
            self.record[LOCKED] = UNFINISHED  # nobody can tell what is there, so all of it is installed again
        if self.record.get(LOCKED) != lock_key():
            (self.folder / CONTENTS).unlink(missing_ok=True)
        self._install_locked()
        self._mend()
        for package in requested.split():
            self._add(package)
        self._prepare_fonts()
        self._prepare_vega()
        self._write_contents(time.monotonic() - started)

    def add(self, package: str) -> None:
        """Install a package beside the locked ones, none of which it may change, and remember that it was asked for.

        Raises:
            InstallError: it is no name of a package, or cannot be had beside the others.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?(==[A-Za-z0-9.]+)?", package):
            raise InstallError(f"{package!r} is no name of a package: give one as the index has it, such as `polars`.")
        started = time.monotonic()
        self._add(package)
        self.record["requested"] = " ".join(sorted({*self.record.get("requested", "").split(), package}))
        self.write()
        self._write_contents(time.monotonic() - started)

    def _install_locked(self) -> None:
        lock = (ROOT / LOCKED).read_text("utf-8")
        if re.search("^setuptools==", lock, re.MULTILINE):
            entry = locked("setuptools", LOCKED)
            self.step("setuptools", digest(entry), "getting setuptools", lambda _: self._install_entries(entry))
        title = f"installing {LOCKED} ({len(pins(lock))} packages; the whole list takes minutes and 2 GB)"
        self.step(LOCKED, lock_key(), title, lambda again: self._install_file(ROOT / LOCKED, again))

    def _install_file(self, path: Path, again: bool = False) -> None:
        self.install("--no-deps", "--require-hashes", "--no-build-isolation", "-r", path, again=again)

    def _install_entries(self, entries: str, again: bool = False) -> None:
        path = self.folder / "entries.txt"
        path.write_text(entries, "utf-8")
        self._install_file(path, again)
        path.unlink()

    def _add(self, package: str) -> None:
        def action(_: bool) -> None:
            constraints = self.folder / "constraints.txt"
            constraints.write_text("\n".join(pins((ROOT / LOCKED).read_text("utf-8"))), "utf-8")
            try:
                self.install("--constraint", constraints, package)
            except InstallError as error:
                reason = "there is none of that name, or it needs other versions than those installed, or"
                raise InstallError(f"{package} cannot be installed: {reason} {error}") from error

        self.step(f"package {package}", lock_key(), f"installing {package}", action)

    def _mend(self) -> None:
        """Install again each package of which a file is missing or has another size than its own record says."""
        known = self.contents().get("packages", {})
        broken = [name for name in known if damaged(self.packages_folder / known[name])]
        if not broken:
            return
        say(f"  damaged, and installed again: {', '.join(broken)}")
        lock = (ROOT / LOCKED).read_text("utf-8")
        in_lock = {pin.split("==")[0] for pin in pins(lock)}
        for name in broken:
            # What describes it would mislead the installer, which leaves alone what it takes to be there.
            shutil.rmtree(self.packages_folder / known[name], ignore_errors=True)
        entries = "".join(locked(name, LOCKED) for name in broken if name in in_lock)
        if entries:
            self._install_entries(entries, again=True)
        if set(broken) - in_lock:
            self.record = {key: value for key, value in self.record.items() if not key.startswith("package ")}

    def _prepare_fonts(self) -> None:
        """Have matplotlib look through the fonts now: code in the sandbox cannot write, and would look every time."""
        if not (self.packages_folder / "matplotlib").is_dir():
            return
        variables = {"MPLCONFIGDIR": str(self.folder / "cache" / "matplotlib")}
        command = [self.python, "-c", FONTS]
        try:
            self.step("fonts", lock_key(), "listing fonts for charts", lambda _: run(command, variables=variables))
        except InstallError as error:
            say(f"  the list of fonts could not be made, so a first chart takes longer: {error}")

    def _prepare_vega(self) -> None:
        """Bundle the script that draws Altair's charts: in the sandbox V8 may not reserve the memory this takes."""
        if not (self.packages_folder / "vl_convert").is_dir():
            return
        place = self.folder / "cache"
        place.mkdir(exist_ok=True)
        command = [self.python, "-c", VEGA, place / "vega.js"]
        try:
            self.step("vega", lock_key(), "bundling Vega for charts", lambda _: run(command))
        except InstallError as error:
            say(f"  Vega could not be bundled, so Altair's charts cannot be shown: {error}")

    def _write_contents(self, seconds: float) -> None:
        described = sorted(path.name for path in self.packages_folder.glob("*.dist-info"))
        size = sum(path.lstat().st_size for path in self.folder.rglob("*") if not path.is_dir())
        contents = {
            "names": sorted(self._names()),
            "packages": {normal(name.split("-")[0]): name for name in described},
            "size": size,
            "seconds": round(self.contents().get("seconds", 0) or seconds, 1),
        }
        partial = self.folder / "contents.part"
        partial.write_text(json.dumps(contents, indent=1), "utf-8")
        partial.replace(self.folder / CONTENTS)
        say(f"The environment of generated code is complete ({size / 1e9:.1f} GB, {clock(seconds)}).")


def lock_key() -> str:
    """What the record says of the locked list when it is installed."""
    return digest((ROOT / LOCKED).read_text("utf-8"))


def pins(lock: str) -> list[str]:
    """`name==version`, with the marker where there is one, of every entry."""
    lines = re.findall(r"^[a-z0-9][a-z0-9._-]*==.*", lock, re.MULTILINE)
    return [line.partition(" --hash")[0].rstrip(" \\") for line in lines]


def normal(name: str) -> str:
    """A package's name as the lock files write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def damaged(described: Path) -> bool:
    """Whether a file that the package's RECORD names is missing or has another size than is written there."""
    try:
        with (described / "RECORD").open(encoding="utf-8", newline="") as record:
            rows = [(row[0], row[-1]) for row in csv.reader(record) if row and "__pycache__" not in row[0]]
    except (OSError, UnicodeDecodeError, csv.Error):
        return True
    return not rows or any(_differs(described.parent / path, size) for path, size in rows)


def _differs(path: Path, size: str) -> bool:
    try:
        return str(path.stat().st_size) != (size or str(path.stat().st_size))
    except OSError:
        return True
