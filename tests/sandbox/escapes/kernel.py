"""Namespaces, mounts, orders of root and the kernel's wide doors."""

# The calls are what is tried here, so they stand as they are.

import ctypes
import errno
import mmap
import os
import signal
import subprocess

from . import AS_ROOT, NOT_OUTSIDE, Bait, attempt, call, escape, libc, taken

NAMESPACES = {"time": 0x80, "mount": 0x20000, "control": 0x2000000, "names": 0x4000000, "communication": 0x8000000,
              "user": 0x10000000, "processes": 0x20000000, "network": 0x40000000}  # fmt: skip
for space, flag in NAMESPACES.items():
    rights = [AS_ROOT] if space != "user" else []
    attempt(f"unshare_{space}", lambda bait, flag=flag: call(272, 97, flag) == 0, *rights)  # type: ignore[misc]


def cloned(flags: int) -> bool:
    child = call(56, 220, flags | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return child > 0


attempt("clone_user_space", lambda bait: cloned(0x10000000))
attempt("clone_network_space", lambda bait: cloned(0x50000000))


@escape()
def clone3_user_space(bait: Bait) -> bool:
    arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, signal.SIGCHLD)
    child = call(435, 435, arguments, 88)
    if child == 0:
        os._exit(0)
    return child > 0


@escape(AS_ROOT)
def join_space_of_first_process(bait: Bait) -> bool:
    return call(308, 268, os.open("/proc/1/ns/net", os.O_RDONLY), 0) == 0


@escape(AS_ROOT)
def join_space_by_process(bait: Bait) -> bool:
    return call(308, 268, os.pidfd_open(1), 0x40000000) == 0


attempt("use_unshare_program", lambda bait: subprocess.run(["unshare", "-r", "true"], stderr=-3).returncode == 0)
attempt(
    "use_bubblewrap_again",
    lambda bait: subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], stderr=-3).returncode == 0,
)
ON_NOTHING = {
    "mount": (165, 40, b"", b"/nowhere", b"tmpfs", 0, 0), "umount": (166, 39, b"/nowhere", 0),
    "pivot_root": (155, 41, b"", b""), "chroot": (161, 51, b"/nowhere"), "open_tree": (428, 428, -1, b"", 1),
    "move_mount": (429, 429, -1, b"", -1, b"", 0), "fsopen": (430, 430, b"nowhere", 0),
    "fsconfig": (431, 431, -1, 0, 0, 0, 0), "fsmount": (432, 432, -1, 0, 0), "fspick": (433, 433, -1, b"", 0),
    "mount_setattr": (442, 442, -1, b"", 0, 0, 0), "init_module": (175, 105, 0, 0, 0),
    "finit_module": (313, 273, -1, b"", 0), "delete_module": (176, 106, b"nothing", 2048),
    "kexec_load": (246, 104, 0, 99, 0, -1), "reboot": (169, 142, 0, 0, 0, 0), "swapon": (167, 224, b"/nowhere", 0),
    "swapoff": (168, 225, b"/nowhere"), "acct": (163, 89, b"/nowhere"), "settimeofday": (164, 170, 1, 0),
    "clock_settime": (227, 112, 99, 0), "sethostname": (170, 161, 1, 1), "setdomainname": (171, 162, 1, 1),
    "quotactl": (179, 60, -1, 0, 0, 0), "fanotify_init": (300, 262, -1, -1), "syslog": (103, 116, 10, 0, 0),
}  # fmt: skip
"""System calls of root, with nonsense in them: a kernel that takes the call complains of the nonsense."""

for name, arguments in ON_NOTHING.items():
    attempt(f"order_{name}", lambda bait, arguments=arguments: taken(*arguments), AS_ROOT)  # type: ignore[misc]
attempt("use_chroot", lambda bait: (os.chroot("/tmp"), True), AS_ROOT)
attempt("mount_memory", lambda bait: libc.mount(b"none", b"/mnt", b"tmpfs", 0, None) == 0, NOT_OUTSIDE)


ring = ctypes.create_string_buffer(256)
attempt("io_uring_setup", lambda bait: call(425, 425, 1, ctypes.create_string_buffer(256)) >= 0)
attempt("io_uring_enter", lambda bait: taken(426, 426, -1, 1, 0, 0, 0, 0))
attempt("io_uring_register", lambda bait: taken(427, 427, -1, 0, 0, 0))
attempt("keyring_of_session", lambda bait: call(250, 219, 0, -3, 1) >= 0)
attempt("keyring_read", lambda bait: call(250, 219, 10, -3, b"user", b"samantha-secret", 0) >= 0, NOT_OUTSIDE)
attempt("keyring_add", lambda bait: call(248, 217, b"user", b"x", b"x", 1, -2) >= 0)
attempt("keyring_request", lambda bait: taken(249, 218, b"user", b"nothing", 0, 0))
attempt("bpf_program", lambda bait: taken(321, 280, 99, ring, 128), AS_ROOT)
attempt("userfaultfd", lambda bait: call(323, 282, 1) >= 0)
attempt("perf_event_open", lambda bait: taken(298, 241, ring, 0, -1, -1, 0), AS_ROOT)
attempt("personality", lambda bait: call(135, 92, 0x0040000) >= 0)
attempt("name_to_handle", lambda bait: taken(303, 264, -100, b".", ctypes.create_string_buffer(256), ring, 0))
attempt("memory_file", lambda bait: os.memfd_create("hidden"))


@escape()
def shared_memory_segment(bait: Bait) -> bool:
    segment = call(29, 194, 0, 4096, 0o1600)
    libc.shmctl(segment, 0, None)
    return segment >= 0


@escape()
def message_queue(bait: Bait) -> bool:
    queue = call(68, 186, 0, 0o1600)
    libc.msgctl(queue, 0, None)
    return queue >= 0


attempt("number_of_tomorrow", lambda bait: call(5000, 5000) != -errno.ENOSYS, NOT_OUTSIDE)


@escape()
def shared_memory_of_program(bait: Bait) -> bool:
    libc.shmat.restype = ctypes.c_void_p
    return call(30, 196, bait["segment"], 0, 0o10000) > 0


@escape()
def type_into_terminal(bait: Bait) -> bool:
    return _order(0x5412)


@escape()
def type_into_terminal_with_high_bits(bait: Bait) -> bool:
    return _order(0x1_0000_5412)


def _order(number: int) -> bool:
    """On a terminal of our own, which need not exist: the filter comes first."""
    try:
        _, terminal = os.openpty()
    except OSError:
        terminal = os.open("/dev/null", os.O_RDWR)
    return call(16, 29, terminal, number, b"x") not in (-errno.EPERM, -errno.EACCES)


NOT_OUTSIDE |= {"type_into_terminal", "type_into_terminal_with_high_bits"}  # only with a terminal that one has


@escape(NOT_OUTSIDE)
def change_line_discipline(bait: Bait) -> bool:
    return _order(0x5423)


def machine_code(code: bytes) -> int:
    area = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    area.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(address)())


if os.uname().machine == "x86_64":
    # mov eax, 20 (getpid there); int 0x80; ret: 32-bit programs have other numbers, which no list here names
    attempt(
        "calls_of_another_architecture", lambda bait: machine_code(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3") > 0, NOT_OUTSIDE
    )
    # mov eax, 0x40000027 (getpid of x32); syscall; ret
    attempt("calls_of_x32", lambda bait: machine_code(b"\xb8\x27\x00\x00\x40\x0f\x05\xc3") > 0, NOT_OUTSIDE)
