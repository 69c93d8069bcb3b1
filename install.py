#!/usr/bin/env python3
"""Install Samantha beside this file: find a Python, make `.venv`, fill it, and open the program when asked.

    python install.py                  install what is missing
    python install.py --dev            the tools of the tests too
    python install.py --open [ARGS]    install what is missing, then run `samantha ARGS`
    python install.py --system         missing Debian packages too (as root; otherwise the command is named)
    python install.py --fresh          make `.venv` anew, and use no wheel of llama.cpp that was built before

Standard library only, and any Python from 3.8 on can run it: it looks for a fitting one itself. Each step is recorded
in `.venv/installed.json`, so a start that finds everything done does nothing, and one that broke off goes on there.
What is not here: what is installed (requirements*.txt), checks of the machine (`samantha doctor`), and uninstalling
(delete the folder).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from installation.environments import VENV, VENV_CODE, Environment
from installation.llama import cpu, get_llama
from installation.locks import digest, locked, pinned
from installation.running import ROOT, WINDOWS, InstallError, Lock, clock, run, say
from installation.system import missing_packages, system_packages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Tuple

    Task = Tuple[str, str, str, Callable[[bool], None]]
    """A name and a key for the record, a title, and what is done (told whether it broke off before)."""


def project_key() -> str:
    """What the installed package depends on: pyproject.toml up to the tools' settings."""
    return digest((ROOT / "pyproject.toml").read_text("utf-8").split("[dependency-groups]")[0])


def program_steps(environment: Environment, dev: bool, fresh: bool) -> list[Task]:
    """The steps of `.venv` in their order: name, key, title, action."""
    steps = [
        requirements_step(environment, "requirements.txt"),
        (
            "llama-cpp-python",
            f"{pinned('llama-cpp-python')} {cpu()}",
            f"installing {pinned('llama-cpp-python')}",
            lambda _: get_llama(environment, fresh),
        ),
        (
            "samantha",
            project_key(),
            "installing samantha itself",
            lambda again: environment.install("--no-deps", "--editable", ROOT, again=again),
        ),
    ]
    return [*steps, requirements_step(environment, "requirements-dev.txt")] if dev else steps


def requirements_step(environment: Environment, name: str) -> Task:
    """The step that installs one locked list."""

    def action(again: bool) -> None:
        environment.install("--no-deps", "--require-hashes", "-r", ROOT / name, again=again)

    return name, digest((ROOT / name).read_text("utf-8")), f"installing {name}", action


def get_uv(environment: Environment) -> None:
    """Get uv with pip; without it everything goes on with pip alone, and the next installation tries again."""

    def action(again: bool) -> None:
        entry = environment.folder / "uv.txt"
        entry.write_text(locked("uv"), "utf-8")
        force = ["--force-reinstall"] if again else []
        run([*environment.pip("install"), "--require-hashes", "--only-binary=:all:", *force, "-r", entry])

    try:
        environment.step("uv", pinned("uv"), "getting uv, which installs faster", action)
    except InstallError as error:
        say(f"  uv cannot be had, so pip does the work and takes longer. {error}")


def finished(dev: bool) -> bool:
    """Whether everything is there already, so that nothing at all has to be done."""
    environment, code = Environment(VENV), Environment(VENV_CODE)
    steps = program_steps(environment, dev, fresh=False)
    done = all(environment.record.get(name) == key for name, key, _, _ in steps) and environment.sound()
    if done and (ROOT / "requirements-code.txt").exists():
        name, key, _, _ = requirements_step(code, "requirements-code.txt")
        done = code.record.get(name) == key and code.sound()
    return done


def install(dev: bool, system: bool, fresh: bool) -> None:
    """Bring everything to where `finished` is true.

    Raises:
        InstallError: something is missing that this program cannot get by itself.
    """
    started = time.monotonic()
    say(f"Installing Samantha in {ROOT}")
    if system:
        system_packages(missing_packages(dev))
    if fresh:
        shutil.rmtree(VENV, ignore_errors=True)
    environment = Environment(VENV)
    environment.make()
    get_uv(environment)
    for step in program_steps(environment, dev, fresh):
        environment.step(*step)
    if (ROOT / "requirements-code.txt").exists():
        code = Environment(VENV_CODE)
        code.make()
        code.step(*requirements_step(code, "requirements-code.txt"))
    say(f"Samantha is installed ({clock(time.monotonic() - started)}).")


def open_samantha(arguments: list[str]) -> int:
    """Run the program in place of this one; returns its exit status where the platform cannot replace a process."""
    command = [str(Environment(VENV).scripts / ("samantha.exe" if WINDOWS else "samantha")), *arguments]
    if not WINDOWS:
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the program got it too, and ends in its own way


def main(arguments: list[str]) -> int:
    """Read the arguments and do what they say; returns the exit status."""
    cut = arguments.index("--open") if "--open" in arguments else len(arguments)
    options, program = set(arguments[:cut]), arguments[cut + 1 :]
    unknown = options - {"--dev", "--system", "--fresh"}
    if unknown:
        print(__doc__, file=sys.stderr)
        return 0 if unknown <= {"-h", "--help"} else 2
    dev, system, fresh = ("--dev" in options, "--system" in options, "--fresh" in options)
    try:
        if fresh or not finished(dev):
            stop_on_signals()
            with Lock():
                if fresh or not finished(dev):
                    install(dev, system, fresh)
    except (InstallError, OSError) as error:
        print(f"Samantha is not installed yet. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start again to go on from here.", file=sys.stderr)
        return 130
    return open_samantha(program) if cut < len(arguments) else 0


def stop_on_signals() -> None:
    """Let the ordinary ways of ending a program end the build below it too."""
    import signal

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
