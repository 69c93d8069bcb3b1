"""Who runs the program in a test, and how: as the user of the tests and, when that is root, as an ordinary one, too."""

import contextlib
import functools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
ORDINARY = "nobody"


class Situation(msgspec.Struct, frozen=True):
    """One way of running the escapes."""

    mode: str = "isolated"
    network: bool = False
    outside: bool = False
    ordinary: bool = False

    @property
    def name(self) -> str:
        user = "ordinary" if self.ordinary or os.geteuid() else "root"
        return f"{user}-{'outside' if self.outside else self.mode}{'-network' if self.network else ''}"


@functools.cache
def ordinary_python() -> str:
    """A Python of this version that an ordinary user can run, or nothing: root's may lie where nobody else may look."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for place in (getattr(sys, "_base_executable", sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        command = [place, "-c", "import msgspec, psutil, sys; print(sys.base_prefix)"]
        with contextlib.suppress(OSError):
            trial = subprocess.run(command, env=_environment("/tmp"), capture_output=True, check=False, **_user(True))
            if trial.returncode == 0:
                return str(place)
    return ""


def _user(ordinary: bool) -> dict[str, Any]:
    if not ordinary or os.geteuid():
        return {}
    entry = pwd.getpwnam(ORDINARY)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def _environment(top: str) -> dict[str, str]:
    packages = str(Path(msgspec.__file__).parents[1])
    places = {"HOME": f"{top}/home", "SAMANTHA_HOME": f"{top}/data", "TMPDIR": f"{top}/temporary"}
    python = {"PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": os.environ["PATH"], **places, **python}


def run(module: str, settings: dict[str, Any], ordinary: bool = False) -> Any:
    """Run a module of these tests as a program with a home of its own; what it prints, decoded."""
    ordinary = ordinary and not os.geteuid()
    python = ordinary_python() if ordinary else sys.executable
    top = Path(tempfile.mkdtemp(prefix="samantha-test-"))
    try:
        for folder in (top, top / "home", top / "data", top / "temporary"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
            if ordinary:
                os.chown(folder, *(_user(True)[name] for name in ("user", "group")))
        environment = _environment(str(top))
        settings = {
            "top": str(top),
            "python": _base(python),
            "packages": environment["PYTHONPATH"].split(":"),
            **settings,
        }
        done = subprocess.run(
            [python, "-m", module, json.dumps(settings)], env=environment, capture_output=True, timeout=280,
            check=False,
            **({"cwd": ROOT} | _user(ordinary)),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return json.loads(done.stdout)
    finally:
        shutil.rmtree(top, ignore_errors=True)


@functools.cache
def _base(python: str) -> str:
    """The Python below a virtual environment, which is what runs where there is no code environment."""
    command = [python, "-c", "import sys; print(getattr(sys, '_base_executable', sys.executable))"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode().strip()


@functools.cache
def escaped(situation: Situation) -> dict[str, bool]:
    """Which escapes got away in this situation."""
    settings = {
        "mode": situation.mode, "network": situation.network, "outside": situation.outside,
        "marker": "the-program-itself",
    }  # fmt: skip
    found = run("tests.sandbox.program", settings, situation.ordinary)
    assert isinstance(found, dict)
    return found
