"""Python to executable: PyInstaller of the code environment, in the sandbox, in a work folder of its own.

The code is looked through and packed, not run. The executable that comes out is no longer in any sandbox: whoever
starts it gives it everything that they may do themselves.
"""

import contextlib
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from samantha.code.code import CodeError, Finished, Printed
from samantha.code.runner import SandboxRunner
from samantha.code.workplace import discard, workplace
from samantha.sandbox.access import GIB, MIB, Access, Limits

LIMITS = Limits(
    seconds=3600, cpu_seconds=3600, memory=4 * GIB, file_size=4 * GIB, disk=8 * GIB, files=100_000, output=16 * MIB
)
STAGES = (
    ("PyInstaller:", 0.02), ("Extending PYTHONPATH", 0.04), ("Initializing module dependency graph", 0.08),
    ("Analyzing ", 0.15), ("Processing module hooks", 0.35), ("Performing binary vs. data", 0.5),
    ("Looking for dynamic libraries", 0.6), ("Building PYZ", 0.7), ("Building PKG", 0.8), ("Building EXE", 0.95),
    ("Build complete", 1.0),
)  # fmt: skip
"""What PyInstaller says when it reaches a part of its work, and how much of the whole is done by then, roughly."""

BUILD = """\
import PyInstaller.__main__
PyInstaller.__main__.run({arguments!r})
"""

_MARK = re.compile(r"^\d+ (?:INFO|WARNING|ERROR|DEPRECATION): ")


class Building(msgspec.Struct, frozen=True):
    """A line that PyInstaller said, and the share of the work that is done, from 0 to 1, never falling."""

    share: float
    text: str


class Built(msgspec.Struct, frozen=True):
    """The executable; `size` in bytes."""

    file: Path
    size: int


class Packer:
    """Builds one executable."""

    def __init__(self, code: str, name: str, folder: Path, access: Access = Access()) -> None:
        """Prepare; nothing is built yet.

        Args:
            name: what the executable is called, without an ending.
            folder: where it is put.

        Raises:
            CodeError: there is no code, or the name or the folder cannot be used.
        """
        if not code.strip():
            raise CodeError("There is no code to make an executable of: choose a response that has some, or a file.")
        if not re.fullmatch(r"[\w][\w. -]{0,79}", name):
            raise CodeError(f"{name!r} cannot be the name of an executable: use letters, digits, dashes and dots.")
        if not folder.is_dir():
            raise CodeError(f"There is no folder {folder} to put the executable in: make it first.")
        if not os.access(folder, os.W_OK):
            raise CodeError(f"{folder} cannot be written: choose a folder of your own.")
        self._code = code
        self._name = name
        self._target = folder / (f"{name}.exe" if sys.platform == "win32" else name)
        if self._target.exists():
            raise CodeError(f"{self._target} is there already: choose another name, or delete it first.")
        self._runner = SandboxRunner(access, LIMITS)

    def build(self) -> Iterator[Building | Built]:
        """Build it; the last thing that comes is the executable.

        Raises:
            CodeError: it could not be built or was stopped.
        """
        run = f"executable-{secrets.token_hex(4)}"
        box = workplace(run).box
        share, said, complaint, end = 0.0, "", "", None
        try:
            for outcome in self._runner.execute(self._job(), run, 1):
                if isinstance(outcome, Printed):
                    said += outcome.text
                    *lines, said = said.split("\n")
                    for line in filter(None, map(str.rstrip, lines)):
                        share = max(share, _share(line))
                        complaint = line if " ERROR: " in line or not line.startswith(" ") else complaint
                        yield Building(share, _MARK.sub("", line))
                elif isinstance(outcome, Finished):
                    end = outcome
            self._check(end, complaint)
            yield self._built(box / "dist")
        finally:
            self._runner.close()
            with contextlib.suppress(CodeError):  # what cannot be deleted stays as any run's work folder does
                discard(run)

    def stop(self) -> None:
        """Give up; thread-safe."""
        self._runner.stop()

    def _job(self) -> str:
        """The code that packs the code: the sandbox's own side writes the source, into its own folder."""
        arguments = [
            "--onefile", "--noconfirm", "--name", self._name, "--distpath", "dist", "--workpath", "build",
            "--specpath", ".", "source.py",
        ]  # fmt: skip
        begin = (
            "import os, pathlib\n"
            "os.environ['PYINSTALLER_CONFIG_DIR'] = str(pathlib.Path('settings').resolve())\n"
            f"source = {self._code!r}\n"
            "compile(source, 'source.py', 'exec', dont_inherit=True)\n"
            "pathlib.Path('source.py').write_text(source, 'utf-8')\n"
        )
        return begin + BUILD.format(arguments=arguments)

    def _check(self, end: Finished | None, complaint: str) -> None:
        """Raise what kept PyInstaller from ending well."""
        if end is None or end.reason == "ok":
            return
        told = complaint if end.reason == "raised" and complaint else end.output.strip()
        raise CodeError(f"No executable of {self._name} was made: {_MARK.sub('', told)}")

    def _built(self, folder: Path) -> Built:
        """The executable in its place. What lies in `folder` was made in the sandbox, so no link is followed."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            if folder.is_symlink():
                raise FileNotFoundError
            with os.fdopen(os.open(folder / self._target.name, flags), "rb") as found:
                if not stat.S_ISREG(os.fstat(found.fileno()).st_mode):
                    raise FileNotFoundError
                return self._taken(found)
        except FileNotFoundError:
            raise CodeError(f"No executable of {self._name} was made: PyInstaller left none.") from None
        except OSError as error:
            raise CodeError(f"{self._target} cannot be written ({error.strerror}): choose another folder.") from error

    def _taken(self, found: BinaryIO) -> Built:
        with self._target.open("xb") as stream:
            shutil.copyfileobj(found, stream)
        self._target.chmod(self._target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return Built(self._target, self._target.stat().st_size)


def _share(line: str) -> float:
    return next((share for sign, share in STAGES if sign in line), 0.0)
