"""Mode `isolated`, for Linux: bubblewrap gives the code a system of its own, seccomp and limits close the rest.

The code sees the system's programs, the code environment, its own folders and what was granted; no other file, process
or network of this computer. It runs as the user who runs the program, or as nobody's user when that is root.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from samantha import settings
from samantha.errors import SandboxError
from samantha.sandbox import seccomp, unprivileged
from samantha.sandbox.access import Folders
from samantha.sandbox.confined import Confined, Wanted
from samantha.sandbox.linux import CONFIGURATION, NETWORK, SYSTEM, is_root, running_threads

assert sys.platform == "linux"

HOSTS = b"127.0.0.1 localhost sandbox\n::1 localhost\n"


def missing() -> str:
    """Which program this needs and does not find, or nothing."""
    needed = ["bwrap", "prlimit", *(["setpriv"] if is_root() else [])]
    return next((name for name in needed if not shutil.which(name)), "")


def confine(wanted: Wanted) -> Confined:
    """The command under bubblewrap. As root, the folders are given to a user of their own.

    Raises:
        SandboxError: a program is missing, or the folders or grants cannot be given to another user.
    """
    absent = missing()
    if absent:
        raise SandboxError(
            f"The program {absent} is missing, so code cannot be isolated: install bubblewrap and util-linux."
        )
    user = unprivileged.hand_over(wanted.folders, wanted.grants) if is_root() else None
    names, inside = _names(wanted)
    descriptors = _Descriptors()
    try:
        command = (*_bubblewrap(wanted, names, inside, user, descriptors), *_inner(wanted, user), *wanted.said(inside))
    except BaseException:
        descriptors.close()
        raise
    undo = functools.partial(unprivileged.take_back, wanted.grants, user) if user is not None else None
    return Confined(command, {"PATH": "/usr/bin:/bin"}, "isolated", names, pass_fds=descriptors.all(), undo=undo)


class _Descriptors:
    """Short texts that bubblewrap reads from a descriptor."""

    def __init__(self) -> None:
        self._open: list[int] = []

    def holding(self, content: bytes) -> str:
        """A descriptor to read `content` from."""
        descriptor = os.memfd_create("sandbox")
        self._open.append(descriptor)
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return str(descriptor)

    def all(self) -> tuple[int, ...]:
        return tuple(self._open)

    def close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)


def _names(wanted: Wanted) -> tuple[Folders, Path]:
    """The names of the folders in the sandbox: short ones, unless programs lie under such a name on this computer."""
    short = [Path("/", name) for name in (*Folders.__struct_fields__, "inside")]
    taken = any(place.is_relative_to(name) for place in wanted.programs() for name in short)
    root = Path("/sandbox" if taken else "/")
    return Folders(*(root / name for name in Folders.__struct_fields__)), root / "inside"


def _bubblewrap(
    wanted: Wanted, names: Folders, inside: Path, user: int | None, descriptors: _Descriptors
) -> tuple[str, ...]:
    variables = [part for pair in wanted.surroundings(names.box, Path("/tmp")).items() for part in ("--setenv", *pair)]
    return (
        str(shutil.which("bwrap")), "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox",
        *_namespaces(wanted, user), *_system(), *_temporary(wanted), *_configuration(wanted, user, descriptors),
        *_places(wanted, names, inside), *_masks(wanted), "--remount-ro", "/dev", "--remount-ro", "/",
        "--chdir", str(names.box), *variables,
        "--seccomp", descriptors.holding(seccomp.program(network=wanted.network)), "--",
    )  # fmt: skip


def _namespaces(wanted: Wanted, user: int | None) -> tuple[str, ...]:
    """Root keeps what `setpriv` needs until it is somebody else, and needs no user namespace."""
    own = ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL")
    network = () if wanted.network else ("--unshare-net",)
    if user is not None:
        kept = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
        return (*own, *network, *(part for name in kept for part in ("--cap-add", name)))
    return (*own, *network, "--unshare-user", *(("--disable-userns",) if "--disable-userns" in _options() else ()))


def _system() -> Iterator[str]:
    """The system's programs and devices. Links such as `/bin` stay what they are."""
    yield from ("--ro-bind", "/usr", "/usr")
    for place in SYSTEM:
        if Path(place).is_symlink():
            yield from ("--symlink", str(Path(place).readlink()), place)
        elif Path(place).is_dir():
            yield from ("--ro-bind", place, place)
    yield from ("--proc", "/proc", "--dev", "/dev")


def _temporary(wanted: Wanted) -> Iterator[str]:
    """`/tmp` and `/dev/shm` are memory of a limited size; an old bubblewrap cannot limit it, so there they are disk."""
    for place, name in (("/tmp", ".temporary"), ("/dev/shm", ".shared")):
        if "--size" in _options():
            yield from ("--perms", "1777", "--size", str(wanted.limits.temporary), "--tmpfs", place)
            continue
        folder = wanted.folders.shown / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)
        yield from ("--bind", str(folder), place)


def _configuration(wanted: Wanted, user: int | None, descriptors: _Descriptors) -> Iterator[str]:
    yield from ("--perms", "0755", "--dir", "/etc")
    for place in (*CONFIGURATION, *(NETWORK if wanted.network else ())):
        yield from ("--ro-bind-try", os.path.realpath(place), place)
    number = os.getuid() if user is None else user
    group = os.getgid() if user is None else user
    texts = {
        "/etc/passwd": f"sandbox:x:{number}:{group}::/box:/bin/sh\n".encode(),
        "/etc/group": f"sandbox:x:{group}:\n".encode(),
        **({} if wanted.network else {"/etc/hosts": HOSTS}),
    }
    for place, text in texts.items():
        yield from ("--perms", "0444", "--ro-bind-data", descriptors.holding(text), place)


def _places(wanted: Wanted, names: Folders, inside: Path) -> Iterator[str]:
    """After `/tmp`, because the environment or a grant may lie below it. What `/usr` holds is there already."""
    for place in wanted.programs():
        if not place.is_relative_to("/usr"):
            yield from _bound(False, place, place)
    for name in ("box", "shown", "relay", "code"):
        yield from _bound(name != "code", getattr(wanted.folders, name), getattr(names, name))
    if wanted.inside:
        yield from _bound(False, wanted.inside, inside)
    for grant in wanted.grants:
        for place in grant.names:
            yield from _bound(grant.writable, grant.place, place)


def _bound(writable: bool, source: Path, name: Path) -> Iterator[str]:
    """A binding, and the folders above it, which bubblewrap alone would open to nobody but root."""
    for folder in reversed(name.parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(folder))
    yield from ("--bind" if writable else "--ro-bind", str(source), str(name))


def _masks(wanted: Wanted) -> Iterator[str]:
    """An empty folder over what belongs to the program, where it lies in a place that the code may read."""
    own = [Path(sys.prefix)] if sys.prefix != sys.base_prefix else [Path(sysconfig.get_path("purelib"))]
    readable = [*wanted.programs(), Path("/usr")]
    kept = [place.resolve() for place in (wanted.environment,) if place]
    for place in (*own, settings.PACKAGE, settings.data_folder()):
        real = place.resolve()
        shown = any(real.is_relative_to(folder) for folder in readable)
        if shown and real.is_dir() and not any(folder.is_relative_to(real) for folder in kept):
            yield from ("--size", "4096") if "--size" in _options() else ()
            yield from ("--tmpfs", str(real), "--remount-ro", str(real))


def _inner(wanted: Wanted, user: int | None) -> tuple[str, ...]:
    """Inside: another user, then the limits, which count that user's processes."""
    limits = wanted.limits
    change = (
        str(shutil.which("setpriv")),
        "--reuid",
        str(user),
        "--regid",
        str(user),
        "--clear-groups",
        "--inh-caps=-all",
        "--",
    )
    return (
        *(change if user is not None else ()), str(shutil.which("prlimit")), f"--as={limits.address_space}",
        f"--cpu={limits.cpu_seconds}", f"--fsize={limits.file_size}", f"--nofile={limits.open_files}", "--core=0",
        f"--nproc={limits.processes + (0 if user is not None else _counted_already())}", "--",
    )  # fmt: skip


@functools.cache
def _counts_apart() -> bool:
    """Whether the kernel counts the processes of a user namespace by themselves: since Linux 5.14."""
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)


def _counted_already() -> int:
    """Processes and threads of this user that the kernel will count against the limit."""
    return 0 if _counts_apart() else running_threads()


def _options() -> frozenset[str]:
    """The options this bubblewrap knows: `--size` and `--disable-userns` came with 0.7 and 0.8."""
    return _options_of(str(shutil.which("bwrap")))


@functools.cache
def _options_of(program: str) -> frozenset[str]:
    try:
        text = subprocess.run([program, "--help"], capture_output=True, timeout=10, check=False).stdout.decode(
            errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(re.findall(r"--[a-z-]+", text))
