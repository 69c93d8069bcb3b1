#!/usr/bin/env python3
"""Install Samantha beside this file: find a Python, make `.venv` and `.venv-code`, fill them, and open the program.

    python install.py                  install what is missing
    python install.py --dev            the tools of the tests too
    python install.py --open [ARGS]    install what the program needs, then run `samantha ARGS`; what generated code
                                       needs (`.venv-code`) is installed in the background
    python install.py --system         missing Debian packages too (as root; otherwise the command is named)
    python install.py --fresh          make `.venv` anew, and use no wheel of llama.cpp that was built before
    python install.py --code           `.venv-code` alone: install what is missing, mend what is damaged;
                                       with --fresh make it anew, with --into FOLDER make it there
    python install.py --code-package NAME   install one more package into `.venv-code`

Standard library only, and any Python from 3.8 on can run it: it looks for a fitting one itself. Each step is recorded
in `.venv/installed.json`, so a start that finds everything done does nothing, and one that broke off goes on there.
What is not here: what is installed (requirements*.txt), checks of the machine (`samantha doctor`), and uninstalling
(delete the folder).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from installation.code import LOCKED, CodeEnvironment
from installation.environments import VENV, VENV_CODE, Environment
from installation.llama import cpu, get_llama
from installation.locks import digest, locked, pinned
from installation.running import LOG, ROOT, WINDOWS, InstallError, Lock, clock, in_background, log, run, say
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
    """Whether the program is there already, so that nothing has to be done for it."""
    environment = Environment(VENV)
    steps = program_steps(environment, dev, fresh=False)
    return all(environment.record.get(name) == key for name, key, _, _ in steps) and environment.sound()


def install(dev: bool, system: bool, fresh: bool) -> None:
    """Bring the program to where `finished` is true.

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
    say(f"Samantha is installed ({clock(time.monotonic() - started)}).")


def install_program(dev: bool, system: bool, fresh: bool) -> None:
    """Install the program unless it is there."""
    if not fresh and finished(dev):
        return
    with Lock(LOG):
        if fresh or not finished(dev):
            install(dev, system, fresh)


def install_code(folder: Path, fresh: bool, mend: bool, package: str = "") -> None:
    """Complete the environment of generated code unless it is complete; `mend` looks at every file in any case."""
    if not (ROOT / LOCKED).exists() or not (fresh or mend or package or not CodeEnvironment(folder).complete()):
        return
    with Lock(folder.with_name(folder.name + ".log")):
        environment = CodeEnvironment(
            folder
        )  # read now: another installation may have changed it while this one waited
        try:
            if fresh or mend or not environment.complete():
                environment.complete_it(fresh)
            if package:
                environment.add(package)
        except (InstallError, OSError) as error:
            log(f"Not complete: {error}")  # the page reads it there when this ran in the background
            raise


def install_code_behind() -> None:
    """Let the environment of generated code be completed while the program is open already."""
    if (ROOT / LOCKED).exists() and not CodeEnvironment(VENV_CODE).complete():
        say("- what generated code needs is installed in the background: `samantha code packages` says how far it is")
        in_background([sys.executable, ROOT / "install.py", "--code"])


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
    opening = cut < len(arguments)
    options = read_options(arguments[:cut])
    stop_on_signals()
    try:
        if options.code or options.code_package:
            install_code(options.into or VENV_CODE, options.fresh, options.code, options.code_package)
        else:
            install_program(options.dev, options.system, options.fresh)
            if opening and not options.dev:
                install_code_behind()
            else:
                install_code(VENV_CODE, fresh=False, mend=False)
    except (InstallError, OSError) as error:
        subject = "What generated code needs" if options.code or options.code_package else "Samantha"
        print(f"{subject} is not installed yet. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start again to go on from here.", file=sys.stderr)
        return 130
    return open_samantha(arguments[cut + 1 :]) if opening else 0


def read_options(arguments: list[str]) -> argparse.Namespace:
    """The options before `--open`; ends the program when one is unknown, or help is asked for."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("dev", "system", "fresh", "code"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--code-package", default="")
    parser.add_argument("--into", type=lambda text: Path(text).absolute())
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        print(__doc__, file=sys.stderr)
        sys.exit(0 if set(unknown) <= {"-h", "--help"} else 2)
    return options


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
