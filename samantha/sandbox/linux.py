"""What both sandboxes for Linux share: places of the system, and how many processes the user has already."""

import os
import sys
from pathlib import Path

from samantha.sandbox.access import Mode

SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Programs beside `/usr`: links into it, on most systems."""

CONFIGURATION = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/etc/mime.types")

NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
           "/etc/ssl", "/etc/ca-certificates", "/etc/pki", "/etc/crypto-policies")  # fmt: skip
"""What programs need to find their way in a network."""


def is_root() -> bool:
    """Whether the program runs as root, on Linux."""
    return sys.platform == "linux" and os.geteuid() == 0


def began(process: int) -> int:
    """When a process began, in ticks since the computer did; 0 where there is no /proc."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[19])


def spaces(mode: Mode) -> dict[str, str]:
    """The program's own namespaces, as the kernel names them, that code in a sandbox of this mode must not share."""
    if mode != "isolated":
        return {}
    names = ("mnt", "pid", "net", "ipc", "uts", *(() if is_root() else ("user",)))
    return {name: str(Path(f"/proc/self/ns/{name}").readlink()) for name in names}


def running_threads() -> int:
    """Threads of all processes of this user, as the kernel counts them."""
    if sys.platform != "linux":
        return 0
    import psutil

    mine = os.getuid()
    processes = [process.info for process in psutil.process_iter(["uids", "num_threads"])]
    return sum(one["num_threads"] or 1 for one in processes if one["uids"] and one["uids"].real == mine)
