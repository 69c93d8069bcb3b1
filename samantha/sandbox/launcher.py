"""Confines itself, then becomes the command: `launcher.py SETTINGS COMMAND…`. For Linux without bubblewrap.

A process of its own, run with the standard library alone and never imported by the program: what it takes away from
itself cannot be given back. In this order: another user (as root), Landlock, limits, seccomp.
"""

import ctypes
import json
import os
import resource
import stat
import struct
import sys
from typing import Any, NoReturn

assert sys.platform == "linux"

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2

EXECUTE, WRITE, READ, LIST, REMOVE_FOLDER, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_FOLDER, MAKE_FILE, MAKE_PIPE, MAKE_LINK, MOVE = 1 << 7, 1 << 8, 1 << 10, 1 << 12, 1 << 13
TRUNCATE, DEVICE_ORDERS = 1 << 14, 1 << 15

FILE = EXECUTE | READ | WRITE | TRUNCATE | DEVICE_ORDERS
"""All that can be said of a file."""

FOLDER_READ = EXECUTE | READ | LIST
FOLDER_WRITE = FOLDER_READ | FILE | REMOVE_FOLDER | REMOVE_FILE | MAKE_FOLDER | MAKE_FILE | MAKE_PIPE | MAKE_LINK | MOVE
"""No devices, and no sockets, for nothing could be reached through them."""

EVERYTHING = (1 << 16) - 1
TCP = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def main() -> NoReturn:
    """Read the settings, confine, and become the command."""
    wanted = json.loads(sys.argv[1])
    os.chdir(wanted["directory"])
    if wanted["user"] is not None:
        os.setgroups([])
        os.setresgid(wanted["user"], wanted["user"], wanted["user"])
        os.setresuid(wanted["user"], wanted["user"], wanted["user"])
    _prctl(NO_NEW_PRIVILEGES, 1)
    _restrict_files(wanted)
    for name, value in wanted["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    _filter_calls(bytes.fromhex(wanted["filter"]))
    os.execv(sys.argv[2], sys.argv[2:])


def _restrict_files(wanted: dict[str, Any]) -> None:
    """Landlock: everything is handled, so everything not allowed here is refused."""
    attributes = struct.pack("<QQQ", EVERYTHING, 0 if wanted["network"] else TCP, ABSTRACT_SOCKETS_AND_SIGNALS)
    ruleset = _call(CREATE_RULESET, attributes, len(attributes), 0)
    for place in wanted["readable"]:
        _allow(ruleset, place, FOLDER_READ)
    for place in wanted["writable"]:
        _allow(ruleset, place, FOLDER_WRITE)
    _call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, place: str, rights: int) -> None:
    """A place that is missing or out of reach is no place to allow."""
    try:
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= FILE
    _call(ADD_RULE, ruleset, 1, struct.pack("<Qi", rights, descriptor), 0)
    os.close(descriptor)


def _filter_calls(instructions: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    program = Program(len(instructions) // 8, instructions)
    _prctl(SECCOMP, FILTER, ctypes.addressof(program))


def _prctl(*arguments: int) -> None:
    filled = (*arguments, 0, 0, 0, 0)[:5]
    if _libc.prctl(*map(ctypes.c_ulong, filled)):
        raise OSError(ctypes.get_errno(), f"prctl {arguments[0]} failed")


def _call(number: int, *arguments: Any) -> int:
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *given))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number} failed")
    return result


_libc = ctypes.CDLL(None, use_errno=True)

if __name__ == "__main__":
    main()
