"""The system calls that generated code may not make, as a classic BPF program for Linux on x86_64 and aarch64.

It lists what is denied: a call not named is allowed, one newer than the list does not exist. It sees numbers and plain
arguments, never what a pointer points to: files and addresses are other layers' affair.
"""

import platform
import struct
from collections.abc import Iterable, Mapping

import msgspec

from samantha.errors import SandboxError
from samantha.sandbox import system_calls

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
PRETEND = ERRNO
"""Not done, but reported as done."""

EPERM, ENOSYS, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT = 1, 38, 93, 95, 97
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
TERMINAL_ORDERS = (0x5412, 0x541C, 0x5423)
"""TIOCSTI, TIOCLINUX and TIOCSETD: typing into the terminal the program was started from, and its line discipline."""

NAMESPACES = 0x7E020080
"""CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""

SET_ID = 0o6000
"""The set-user and set-group bits: a file left behind with them would give the user's rights to others."""


class Architecture(msgspec.Struct, frozen=True):
    """What the kernel calls it, and the numbers of its system calls."""

    audit: int
    numbers: Mapping[str, int]


ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, system_calls.X86_64),
    "aarch64": Architecture(0xC00000B7, system_calls.AARCH64),
}

Instruction = tuple[int, int, int, int]
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _AND, _JUMP, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x05, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16


def program(machine: str | None = None, *, reduced: bool = False, network: bool = False) -> bytes:
    """The filter as an array of `struct sock_filter`, for `bwrap --seccomp` or `prctl`.

    Args:
        machine: as `platform.machine()` says; this computer when left out.
        reduced: for code that has no namespaces of its own: no socket that leads anywhere, nothing to other processes.
        network: for code that shares the computer's network: the internet's sockets and no others.

    Raises:
        SandboxError: the machine is neither x86_64 nor aarch64.
    """
    name = machine or platform.machine()
    if name not in ARCHITECTURES:
        raise SandboxError(f"There is no system call filter for {name} computers: code needs full access there.")
    kind = ARCHITECTURES[name]
    instructions = [*_head(kind), *_everywhere(kind), *_sockets(kind, reduced, network)]
    instructions += _reduced(kind) if reduced else []
    return b"".join(struct.pack("<HBBI", *one) for one in (*instructions, (_RETURN, 0, 0, ALLOW)))


def _head(kind: Architecture) -> list[Instruction]:
    """Another architecture's calls kill; those newer than this list, and so the x32 set, do not exist."""
    architecture = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, kind.audit), (_RETURN, 0, 0, KILL)]
    return [*architecture, (_LOAD, 0, 0, _NUMBER), (_ABOVE, 0, 1, system_calls.NEWEST), (_RETURN, 0, 0, ERRNO | ENOSYS)]


def _everywhere(kind: Architecture) -> list[Instruction]:
    return [
        *_denied(kind, system_calls.REFUSED, ERRNO | EPERM),
        *_denied(kind, system_calls.MISSING, ERRNO | ENOSYS),
        *_bits(kind, "clone", 0, NAMESPACES),
        *_unless(kind, "personality", 0, (0, 0xFFFFFFFF), EPERM),
        *_among(kind, "ioctl", 1, TERMINAL_ORDERS),
        *(part for name, index in _MODES for part in _bits(kind, name, index, SET_ID)),
    ]


_MODES = (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("open", 2), ("openat", 3), ("creat", 1),
          ("mknod", 1), ("mknodat", 2))  # fmt: skip
"""Calls that can make a set-id file, and which argument holds the mode. `openat2` hides it behind a pointer."""


def _sockets(kind: Architecture, reduced: bool, network: bool) -> list[Instruction]:
    """Sockets for TCP and UDP, and between processes of the sandbox.

    A Unix socket reaches whatever listens under a path or an abstract name, so there is none where these are shared
    with the computer: paths without a file system of its own, abstract names with its network. Pairs are connected
    already; but one of datagrams could be connected anew.
    """
    ways = _only(2, _WAYS, EPROTONOSUPPORT)
    if not reduced and not network:
        families = [*_netlink(), *_only(0, (AF_UNIX, AF_INET, AF_INET6), EAFNOSUPPORT), *ways]
        return [*_unless(kind, "socketpair", 0, (AF_UNIX,), EAFNOSUPPORT), *_call(kind, "socket", families)]
    connected = [*_argument(1, 0xF), *_unless_loaded((1, 5), ERRNO | EPERM)]
    pair = _call(kind, "socketpair", [*_only(0, (AF_UNIX,), EAFNOSUPPORT), *connected])
    if not network:
        return [*pair, *_denied(kind, ["socket", "connect"], ERRNO | EPERM)]
    families = [*_netlink(), *_only(0, (AF_INET, AF_INET6), EAFNOSUPPORT), *ways]
    return [*pair, *_call(kind, "socket", families)]


def _netlink() -> list[Instruction]:
    """Refused with an error of its own: ZeroMQ, and so every notebook, takes any other for a reason to abort."""
    return [*_argument(0), (_EQUAL, 0, 1, AF_NETLINK), (_RETURN, 0, 0, ERRNO | EOPNOTSUPP)]


_WAYS = (0, 6, 17)
"""The usual protocol, TCP and UDP."""


def _reduced(kind: Architecture) -> list[Instruction]:
    """What namespaces would hold: other processes of the user, and what Landlock does not see of files."""
    return [
        *_denied(kind, system_calls.REDUCED_REFUSED, ERRNO | EPERM),
        *_denied(kind, system_calls.REDUCED_MISSING, ERRNO | ENOSYS),
        *_denied(kind, system_calls.REDUCED_PRETENDED, PRETEND),
        *_unless(kind, "prlimit64", 0, (0,), EPERM),
        *_unless(kind, "sched_setaffinity", 0, (0,), EPERM),
    ]


def _denied(kind: Architecture, names: Iterable[str], action: int) -> list[Instruction]:
    """Answer these calls with `action`, whatever their arguments."""
    numbers = sorted(kind.numbers[name] for name in names if name in kind.numbers)
    tests = [(_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    return [*tests, (_JUMP, 0, 0, 1), (_RETURN, 0, 0, action)]


def _call(kind: Architecture, name: str, body: list[Instruction]) -> list[Instruction]:
    """`body` decides this call if it denies it; otherwise the tests go on with the number."""
    if name not in kind.numbers:
        return []
    return [(_EQUAL, 0, len(body) + 1, kind.numbers[name]), *body, (_LOAD, 0, 0, _NUMBER)]


def _argument(index: int, mask: int = 0xFFFFFFFF) -> list[Instruction]:
    """Load the low half of an argument: all the arguments tested here are 32 bits wide for the kernel, too."""
    return [(_LOAD, 0, 0, _ARGUMENTS + 8 * index), (_AND, 0, 0, mask)]


def _unless_loaded(values: tuple[int, ...], action: int) -> list[Instruction]:
    tests = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [*tests, (_RETURN, 0, 0, action)]


def _only(index: int, values: tuple[int, ...], error: int) -> list[Instruction]:
    return [*_argument(index), *_unless_loaded(values, ERRNO | error)]


def _unless(kind: Architecture, name: str, index: int, values: tuple[int, ...], error: int) -> list[Instruction]:
    return _call(kind, name, _only(index, values, error))


def _among(kind: Architecture, name: str, index: int, values: tuple[int, ...]) -> list[Instruction]:
    tests = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return _call(kind, name, [*_argument(index), *tests, (_JUMP, 0, 0, 1), (_RETURN, 0, 0, ERRNO | EPERM)])


def _bits(kind: Architecture, name: str, index: int, mask: int) -> list[Instruction]:
    return _call(kind, name, [*_argument(index), (_ANY_BIT, 0, 1, mask), (_RETURN, 0, 0, ERRNO | EPERM)])
