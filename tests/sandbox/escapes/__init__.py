"""Ways out of the sandbox, run inside it, and outside it to see that they are real.

Standard library only. Each escape gets the bait (`tests/sandbox/program.py` lays it out) and says whether it got away.
"""

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Any

Bait = dict[str, Any]
Escape = Callable[[Bait], object]

ESCAPES: dict[str, Escape] = {}
AS_ROOT: set[str] = set()
"""Only root could do it outside, too."""

NOT_OUTSIDE: set[str] = set()
"""Not shown outside: it would harm the computer, or be nothing special there."""

HARDENED = {
    "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "unshare_user", "clone_user_space",
    "clone_network_space",
    "clone3_user_space", "use_unshare_program", "use_bubblewrap_again", "trace_process", "trace_itself",
    "read_memory_of_process",
    "write_memory_of_process", "read_memory_of_parent", "compare_processes", "take_descriptor_of_process",
    "bpf_program",
    "perf_event_open", "read_through_first_process_root", "read_through_first_process_folder", "read_kernel_memory",
    "join_space_of_first_process", "join_space_by_process", "order_init_module", "order_finit_module",
    "order_delete_module",
    "order_kexec_load", "raise_limit_NOFILE", "raise_limit_NPROC", "raise_limit_AS", "raise_limit_CPU",
    "raise_limit_FSIZE",
    "raise_limit_CORE", "read_with_openat2", "read_by_handle", "read_kernel_log", "socket_of_netlink",
    "reach_port_6",
    "keyring_of_session", "keyring_add", "keyring_request", "change_attributes_outside", "move_pages_of_process",
    "advise_process",
    "order_quotactl", "order_swapon", "order_swapoff", "order_acct", "make_device", "unshare_time",
}  # fmt: skip
"""A computer may be built or set up so that nobody can do this outside either."""

NETWORK: set[str] = set()
"""Allowed where the network is granted."""

ISOLATED: set[str] = set()
"""Closed by namespaces only; the reduced sandbox does not promise it."""

libc: Any = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def escape(*kinds: set[str]) -> Callable[[Escape], Escape]:
    def enter(work: Escape) -> Escape:
        ESCAPES[work.__name__] = work
        for kind in kinds:
            kind.add(work.__name__)
        return work

    return enter


def attempt(name: str, work: Escape, *kinds: set[str]) -> None:
    ESCAPES[name] = work
    for kind in kinds:
        kind.add(name)


def text(path: str) -> bool:
    with open(path, "rb") as file:
        return bool(file.read(64))


def call(x86: int, arm: int, *arguments: Any) -> int:
    """A system call; its result, or the negative error."""
    number = arm if os.uname().machine == "aarch64" else x86
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *given))
    return result if result >= 0 else -ctypes.get_errno()


def taken(x86: int, arm: int, *arguments: Any) -> bool:
    """Whether the kernel took a call: it did it, or refused the nonsense in it and not the call."""
    return call(x86, arm, *arguments) not in (-errno.EPERM, -errno.ENOSYS, -errno.EACCES)
