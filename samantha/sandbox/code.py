"""Confines generated code by the best means of the platform. Whether that holds is `canary.prove`'s to say.

It makes a command; `Confined.start` starts it. Nothing here runs, watches or ends code.
"""

import configparser
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from samantha.errors import SandboxError
from samantha.sandbox.access import Access, Folders, Limits, Mode
from samantha.sandbox.confined import Confined, Wanted
from samantha.sandbox.grants import grants

__all__ = ["Confined", "available", "confine_code", "lacking"]

SECRET = (
    "SAMANTHA_",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACEHUB_API_TOKEN",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
)
"""Beginnings of variables that stay the program's even with full access."""


def confine_code(
    command: Sequence[str], *, folders: Folders, environment: Path | None, inside: Path | None = None,
    access: Access = Access(), limits: Limits = Limits(), variables: Mapping[str, str] | None = None,
    mode: Mode | None = None,
) -> Confined:  # fmt: skip
    """The command confined to its folders and what was granted.

    Args:
        command: begins with the Python of `environment`; `{inside}` in it is the place where the code sees `inside`.
        folders: of this run; they must be there. As root they are given to an unprivileged user.
        environment: the code environment; without one, the Python that the program was made from.
        inside: a folder of our own scripts that the code may read.
        variables: for the code, besides the few it always has.
        mode: what `canary.prove` found to hold; when left out, the best that is there.

    Raises:
        SandboxError: a grant would undo the sandbox, or there is no sandbox and no full access.
    """
    wanted = Wanted(
        command=tuple(command), folders=folders, environment=environment, base=_base(environment), inside=inside,
        grants=() if access.full else grants(access, environment), network=access.network, limits=limits,
        variables=variables or {},
    )  # fmt: skip
    if access.full:
        return _unconfined(wanted)
    mode = mode or available()[0]
    if sys.platform == "linux":
        from samantha.sandbox import bubblewrap, landlock

        if mode == "isolated":
            return bubblewrap.confine(wanted)
        if mode == "reduced":
            return landlock.confine(wanted)
    elif sys.platform == "darwin" and mode == "reduced":
        from samantha.sandbox import macos

        return macos.confine(wanted)
    raise SandboxError(
        "No sandbox works on this computer, so code runs with full access only: allow it, or run no code."
    )


def available() -> tuple[Mode, ...]:
    """The modes this computer has the means for, best first, `none` last. Whether they hold is not asked here."""
    if sys.platform == "linux":
        from samantha.sandbox import bubblewrap, landlock

        isolated: tuple[Mode, ...] = () if bubblewrap.missing() else ("isolated",)
        return (*isolated, *(() if landlock.missing() else ("reduced",)), "none")
    if sys.platform == "darwin":
        from samantha.sandbox import macos

        return ("none",) if macos.missing() else ("reduced", "none")
    return ("none",)


def lacking() -> tuple[str, ...]:
    """What keeps this computer from better sandboxes, in words; empty when the best one has its means."""
    if sys.platform == "linux":
        from samantha.sandbox import bubblewrap, landlock

        program, kernel = bubblewrap.missing(), landlock.missing()
        without_kernel = (f"the reduced sandbox needs {kernel}",) if program and kernel else ()
        return (*((f"the program {program} is missing",) if program else ()), *without_kernel)
    if sys.platform == "darwin":
        from samantha.sandbox import macos

        return (f"the program {macos.missing()} is missing",) if macos.missing() else ()
    return ("Windows can limit code but not keep it from files and network",)


def _base(environment: Path | None) -> Path:
    """The Python that the code environment was made from, as its own file says.

    Raises:
        SandboxError: the file is missing or says nothing.
    """
    if environment is None:
        return Path(sys.base_prefix)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string("[venv]\n" + (environment / "pyvenv.cfg").read_text("utf-8"))
        home = Path(parser["venv"]["home"])
    except (OSError, configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise SandboxError(f"{environment} is no whole code environment ({error}): run install.py again.") from error
    return home.parent if home.name == "bin" else home


def _unconfined(wanted: Wanted) -> Confined:
    """Full access: the user's own variables and rights. What limits the system holds for anybody, it still holds."""
    prefix = wanted.environment or wanted.base
    scripts = prefix / ("Scripts" if sys.platform == "win32" else "bin")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}
    path = os.pathsep.join((str(scripts), os.environ.get("PATH", os.defpath)))
    variables = {**kept, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **wanted.variables}
    command = wanted.said(wanted.inside)
    if sys.platform == "win32":
        from samantha.sandbox import windows

        job = windows.Job(wanted.limits, full=True)
        return Confined(command, variables, "none", wanted.folders, started=job.take, undo=job.close)
    prlimit = shutil.which("prlimit")
    if prlimit:
        limits = wanted.limits
        command = (prlimit, f"--cpu={limits.cpu_seconds}", f"--fsize={limits.file_size}", "--core=0", "--", *command)
    return Confined(command, variables, "none", wanted.folders)
