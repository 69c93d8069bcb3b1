"""What a model worker may touch: no network, its model and the program read-only. Generated code has `code.py`."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec


class Confined(msgspec.Struct, frozen=True):
    """A command to start, its environment, and whether it is isolated."""

    command: tuple[str, ...]
    environment: dict[str, str]
    isolated: bool


KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "GGML_CPU", "OMP_NUM_THREADS")
"""All a worker gets of the program's environment: no tokens, no keys, no home."""


def confine_worker(arguments: Sequence[str], readable: Sequence[Path]) -> Confined:
    """The command that runs Python with `arguments`, able to read `readable` and the program, and nothing to reach.

    Args:
        readable: files and folders, bound read-only at their own resolved places.
    """
    package_root = Path(__file__).resolve().parents[2]
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment |= {"PYTHONPATH": str(package_root), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    environment["GGML_NO_BACKTRACE"] = "1"  # a debugger would take seconds and hide the reason of an abort
    command = (sys.executable, *arguments)
    if isolation() != "bubblewrap":
        return Confined(command, environment, False)
    places = [*readable, package_root / "samantha", Path(sys.prefix), Path(sys.base_prefix)]
    wrapped = (*_bubblewrap(), *_bindings(places), "--remount-ro", "/", *_variables(environment), "--", *command)
    return Confined(wrapped, environment, True)


@functools.cache
def isolation() -> str:
    """`bubblewrap` when it is there and works here, else `none`. Tried once per program."""
    if sys.platform != "linux" or not shutil.which("bwrap"):
        return "none"
    trial = (*_bubblewrap(), *_bindings([Path(sys.prefix), Path(sys.base_prefix)]), "--", sys.executable, "-c", "")
    try:
        works = subprocess.run(trial, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        works = False
    return "bubblewrap" if works else "none"


def _bubblewrap() -> tuple[str, ...]:
    """A root of its own with the system's programs, no network, no other processes, dying with the program."""
    links = [("usr/bin", "/bin"), ("usr/lib", "/lib"), ("usr/lib64", "/lib64"), ("usr/sbin", "/sbin")]
    return (
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv",
        "--ro-bind", "/usr", "/usr", *(part for link in links for part in ("--symlink", *link)),
        *(part for place in ("/etc/ld.so.cache", "/etc/alternatives") for part in ("--ro-bind-try", place, place)),
        "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
    )  # fmt: skip


def _bindings(places: Sequence[Path]) -> list[str]:
    """Read-only bindings; a symbolic link on the way is bound at both its names. What /usr holds is there already."""
    names = sorted({name for place in places for name in (str(place.absolute()), str(place.resolve()))})
    return [part for name in names if not name.startswith("/usr/") for part in ("--ro-bind", name, name)]


def _variables(environment: Mapping[str, str]) -> list[str]:
    return [part for name, value in environment.items() for part in ("--setenv", name, value)]
