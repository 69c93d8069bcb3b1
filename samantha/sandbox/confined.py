"""What is to be confined, and a command ready to start. How it is confined is each platform's own module."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from samantha import processes
from samantha.sandbox.access import Folders, Limits, Mode
from samantha.sandbox.grants import Grant


class HasDescriptor(Protocol):
    """A file, a pipe or a socket."""

    def fileno(self) -> int:
        """Its number."""


Source = int | HasDescriptor | None
"""A standard stream, as `subprocess` takes it."""


VARIABLES = ("LANG", "LC_ALL", "TZ", "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
             "XDG_DATA_HOME", "PYTHONDONTWRITEBYTECODE")  # fmt: skip
"""Names of all that code in a sandbox is told, besides what the caller tells it."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One command and everything it may touch. `base` is the Python that the code environment was made from."""

    command: tuple[str, ...]
    folders: Folders
    environment: Path | None
    base: Path
    inside: Path | None
    grants: tuple[Grant, ...]
    network: bool
    limits: Limits
    variables: Mapping[str, str]

    def programs(self) -> tuple[Path, ...]:
        """Folders that the code runs from, under all their names."""
        places = [self.base, *([self.environment] if self.environment else [])]
        return tuple(dict.fromkeys(name for place in places for name in (place.absolute(), place.resolve())))

    def surroundings(self, home: Path, temporary: Path) -> dict[str, str]:
        """The environment variables: all that the code knows of the outside is a language and a time zone."""
        prefix = self.environment or self.base
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
        return {
            "LANG": "C.UTF-8", **kept, "PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": str(home), "USER": "sandbox",
            "LOGNAME": "sandbox", "TMPDIR": str(temporary), "XDG_CACHE_HOME": f"{temporary}/cache",
            "XDG_CONFIG_HOME": f"{temporary}/config", "XDG_DATA_HOME": f"{temporary}/data",
            "PYTHONDONTWRITEBYTECODE": "1", **self.variables,
        }  # fmt: skip

    def said(self, inside: Path | None) -> tuple[str, ...]:
        """The command, with the place where the code sees our own scripts."""
        return tuple(part.replace("{inside}", str(inside)) for part in self.command)


class Confined:
    """A command ready to be started once. `close` when it has ended, or when it is not started after all.

    `mode` is what this confinement is meant to be; what it is worth, `canary.prove` says. `seen` are the folders under
    the names that the code knows.
    """

    def __init__(
        self, command: tuple[str, ...], environment: Mapping[str, str], mode: Mode, seen: Folders, *,
        pass_fds: tuple[int, ...] = (), started: Callable[[int], None] | None = None,
        undo: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.command = command
        self.environment = dict(environment)
        self.mode: Mode = mode
        self.seen = seen
        self.pass_fds = pass_fds
        self._started = started
        self._undo = undo

    def start(self, stdin: Source, stdout: Source, stderr: Source) -> "subprocess.Popen[bytes]":
        """Start it in a session of its own, on the thread that lives as long as the program.

        Raises:
            OSError: it cannot be started; close it then, too.
        """
        streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        flags = 0x08000000 if sys.platform == "win32" else 0  # CREATE_NO_WINDOW: no console appears
        process = processes.start(
            lambda: subprocess.Popen(
                self.command, **streams, bufsize=0, env=self.environment,
                pass_fds=self.pass_fds, start_new_session=sys.platform != "win32", creationflags=flags,
            )
        )  # fmt: skip
        self._close_descriptors()
        if self._started:
            try:
                self._started(process.pid)
            except OSError:
                process.kill()  # what cannot be limited does not run
                raise
        return process

    def close(self) -> None:
        """Take back what was lent for this command. May be called again."""
        self._close_descriptors()
        undo, self._undo = self._undo, None
        if undo:
            undo()

    def _close_descriptors(self) -> None:
        descriptors, self.pass_fds = self.pass_fds, ()
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
