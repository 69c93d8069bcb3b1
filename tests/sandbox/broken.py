"""The sandbox with one part removed or replaced by a fake, and what the canary says of it.

`python -m tests.sandbox.broken SETTINGS` with the mode prints, for each part, the proof's mode and failures.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from samantha.sandbox import bubblewrap, canary, landlock, seccomp, unprivileged
from samantha.sandbox.access import Mode
from samantha.sandbox.confined import Confined

Breaking = Any  # a context manager: the sandbox is broken inside it

ALLOW_EVERYTHING = (0x06).to_bytes(2, "little") + b"\0\0" + seccomp.ALLOW.to_bytes(4, "little")
LIMITS = ("as", "cpu", "fsize", "nofile", "core", "nproc")
EXECUTES_ONLY = """#!/bin/sh
while [ "$1" != "--" ]; do shift; done
shift
exec "$@"
"""
SILENT = "#!/bin/sh\nexit 0\n"
LIES = """#!/bin/sh
echo begun
echo '{"answer": "fine", "succeeded": []}'
"""
CLAIMS = "#!/bin/sh\necho begun\necho '[]'\nsleep 1\n"


@contextmanager
def program(name: str, text: str) -> Iterator[None]:
    """Another program under the name of one that the sandbox uses."""
    folder = Path(os.environ["TMPDIR"]) / f"fake-{name}-{abs(hash(text))}"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    with patch.dict(os.environ, {"PATH": f"{folder}:{os.environ['PATH']}"}):
        yield


def without(option: str, arguments: int = 0) -> Breaking:
    """bubblewrap's options, but for one."""
    return changed(lambda command: _left_out(command, option, arguments))


def _left_out(command: list[str], option: str, arguments: int) -> list[str]:
    assert option in command, option
    kept = list(command)
    while option in kept:
        place = kept.index(option)
        del kept[place : place + 1 + arguments]
    return kept


def instead(*options: str) -> Breaking:
    """More options, after all others."""

    def insert(command: list[str]) -> list[str]:
        place = command.index("--remount-ro")
        return [*command[:place], *options, *command[place:]]

    return changed(insert)


def bound(how: str, place: str) -> list[str]:
    above = [part for folder in reversed(Path(place).parents) for part in ("--perms", "0755", "--dir", str(folder))]
    return [*above[4:], how, place, place]


def every_folder() -> list[str]:
    """As if the root were bound, but without making folders in the real one."""
    own = {"usr", "bin", "sbin", "proc", "dev", "sys", "box", "code", "shown", "relay", "inside"}
    own.add(Path(sys.base_prefix).parts[1])
    names = [path for path in Path("/").iterdir() if path.is_dir() and path.name not in own and not path.is_symlink()]
    return [part for path in names for part in ("--ro-bind", str(path), str(path))]


def changed(change: Callable[[list[str]], list[str]], **more: Any) -> Breaking:
    """Another command than the one meant."""

    def build(command: tuple[str, ...], environment: dict[str, str], *arguments: Any, **options: Any) -> Confined:
        options["pass_fds"] = (*options.get("pass_fds", ()), *more.get("descriptors", ()))
        return Confined(
            tuple(change(list(command))), {**environment, **more.get("variables", {})}, *arguments, **options
        )

    return patch.object(bubblewrap, "Confined", build)


def no_limit(option: str) -> Breaking:
    return changed(lambda command: [part for part in command if not part.startswith(f"--{option}=")])


def root_stays(command: list[str]) -> list[str]:
    place = next(index for index, part in enumerate(command) if part.endswith("setpriv"))
    return [*command[:place], *command[command.index("--", place) + 1 :]]


def open_descriptor() -> int:
    return os.open("/dev/null", os.O_RDONLY)


def isolated() -> dict[str, Callable[[], Breaking]]:
    """Every part of the best sandbox."""
    parts: dict[str, Callable[[], Breaking]] = {
        "bubblewrap that only executes": lambda: program("bwrap", EXECUTES_ONLY),
        "bubblewrap that does nothing": lambda: program("bwrap", SILENT),
        "bubblewrap that lies": lambda: program("bwrap", LIES),
        "bubblewrap that claims nonsense": lambda: program("bwrap", CLAIMS),
        "prlimit that only executes": lambda: program("prlimit", EXECUTES_ONLY),
        "no filter of system calls": lambda: without("--seccomp", 1),
        "a filter that allows everything": lambda: patch.object(seccomp, "program", lambda **_: ALLOW_EVERYTHING),
        "the computer's network": lambda: without("--unshare-net"),
        "the computer's processes": lambda: without("--unshare-pid"),
        "the computer's shared memory": lambda: without("--unshare-ipc"),
        "the computer's names": lambda: changed(
            lambda command: _left_out(_left_out(command, "--unshare-uts", 0), "--hostname", 1)
        ),
        "every folder of the computer": lambda: instead(*every_folder()),
        "the user's temporary files": lambda: instead(*bound("--bind", os.environ["TMPDIR"])),
        "the data folder": lambda: instead(*bound("--ro-bind", os.environ["SAMANTHA_HOME"])),
        "the computer's devices": lambda: instead("--dev-bind", "/dev", "/dev"),
        "the computer's list of processes": lambda: instead("--ro-bind", "/proc", "/proc"),
        "code that can be changed": lambda: changed(
            lambda command: [*command[: command.index("/code") - 2], "--bind", *command[command.index("/code") - 1 :]]
        ),
        "temporary files without end": lambda: without("--size", 1),
        "the program's variables": lambda: changed(
            lambda command: _left_out(command, "--clearenv", 0), variables={"PROGRAM_TOKEN": "x"}
        ),
        "the program's descriptors": lambda: changed(lambda command: command, descriptors=(open_descriptor(),)),
        "living on": lambda: without("--die-with-parent"),
        **{f"no limit {name}": lambda name=name: no_limit(name) for name in LIMITS},
    }  # fmt: skip
    parts.update(ROOT_ONLY if os.geteuid() == 0 else ORDINARY_ONLY)
    return parts


def _writable_root(command: list[str]) -> list[str]:
    return _left_out(command, "--remount-ro", 1)


ROOT_ONLY: dict[str, Callable[[], Breaking]] = {
    "root inside": lambda: changed(root_stays),
    "setpriv that only executes": lambda: program("setpriv", EXECUTES_ONLY),
    "folders left to root": lambda: patch.object(unprivileged, "own", lambda folder, user: None),
}
"""Parts of root's sandbox."""

ORDINARY_ONLY: dict[str, Callable[[], Breaking]] = {
    "a root that can be written": lambda: changed(_writable_root),
    "the user's own rights": lambda: without("--unshare-user"),
}
"""Parts of an ordinary user's sandbox."""


def isolated_names() -> list[str]:
    """Names of all parts of both."""
    return list(dict.fromkeys((*isolated(), *ROOT_ONLY, *ORDINARY_ONLY)))


def reduced() -> dict[str, Callable[[], Breaking]]:
    """Every part of the sandbox without bubblewrap."""
    return {
        "a launcher that only executes": lambda: launcher(
            "    _prctl(NO_NEW_PRIVILEGES, 1)", "    os.execv(sys.argv[2], sys.argv[2:])"
        ),
        "no Landlock": lambda: launcher("    _restrict_files(wanted)", ""),
        "no scope": lambda: launcher("ABSTRACT_SOCKETS_AND_SIGNALS = 0b11", "ABSTRACT_SOCKETS_AND_SIGNALS = 0"),
        "no filter of system calls": lambda: launcher('    _filter_calls(bytes.fromhex(wanted["filter"]))', ""),
        "a filter that allows everything": lambda: patch.object(seccomp, "program", lambda **_: ALLOW_EVERYTHING),
        "the filter of the isolated sandbox": lambda: patch.object(
            seccomp, "program", lambda real=seccomp.program, **_: real()
        ),
        "the whole root, to read": lambda: patch.object(landlock, "READABLE", ("/",)),
        "the user's temporary files": lambda: patch.object(landlock, "WRITABLE", (os.environ["TMPDIR"],)),
        "the list of processes": lambda: patch.object(landlock, "READABLE", (*landlock.READABLE, "/proc")),
        "the program's variables": lambda: variables({"PROGRAM_TOKEN": "x"}),
        **{f"no limit {name}": lambda name=name: no_reduced_limit(name.upper()) for name in LIMITS},
    }  # fmt: skip


@contextmanager
def launcher(text: str, other: str) -> Iterator[None]:
    """The launcher with one line changed."""
    folder = Path(os.environ["TMPDIR"])
    source = landlock.LAUNCHER.read_text()
    assert text in source
    copy = folder / f"launcher-{abs(hash(text + other))}.py"
    copy.write_text(source.replace(text, other))
    with patch.object(landlock, "LAUNCHER", copy):
        yield


def no_reduced_limit(name: str) -> Breaking:
    real = landlock._limits

    def limits(*arguments: Any) -> dict[str, int]:
        return {key: value for key, value in real(*arguments).items() if key != f"RLIMIT_{name}"}

    return patch.object(landlock, "_limits", limits)


def variables(more: dict[str, str]) -> Breaking:
    def build(command: tuple[str, ...], environment: dict[str, str], *arguments: Any, **options: Any) -> Confined:
        return Confined(command, {**environment, **more}, *arguments, **options)

    return patch.object(landlock, "Confined", build)


def main(settings: dict[str, Any]) -> dict[str, list[Any]]:
    """What the canary says of each."""
    mode: Mode = settings["mode"]
    found: dict[str, list[Any]] = {}
    with patch.object(canary, "available", lambda: (mode, "none")):
        found["whole"] = _said()
        for name, breaking in (isolated() if mode == "isolated" else reduced()).items():
            with breaking():
                found[name] = _said()
    return found


def _said() -> list[Any]:
    bubblewrap._options_of.cache_clear()
    proof = canary.prove(None)
    return [proof.mode, list(proof.failures)]


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
