"""What the canary tries, from inside: run by the code environment's Python, never imported by the program.

Each attack is real: it harms, or would, if the sandbox let it. The report on standard output is a line of JSON: the
nonce's sum, and what succeeded. Then it waits to be killed, and so does a child in hiding.
"""

# ruff: noqa: PTH115, PTH116, PTH119, PTH120, PTH208
# Importing pathlib would take a tenth of the canary's time.
import contextlib
import ctypes
import hashlib
import json
import mmap
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

assert sys.platform != "win32"

DEVICES = {"null", "zero", "full", "random", "urandom", "tty", "console", "pts", "ptmx", "shm", "fd", "stdin", "stdout",
           "stderr", "core"}  # fmt: skip
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
NUMBERS = {  # x86_64, aarch64
    "process_vm_readv": (310, 270), "keyctl": (250, 219), "bpf": (321, 280), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "perf_event_open": (298, 241), "pidfd_getfd": (438, 438),
}  # fmt: skip
NO_RESERVE = 0x4000
DRIFT = 64
"""Processes of the user that may end meanwhile, where the kernel counts them all."""


def read(job: dict[str, Any]) -> bool:
    """A secret that lies outside, by its name and in its folder."""
    for path in job["secrets"]:
        with contextlib.suppress(OSError), open(path) as file:
            return bool(file.read())
        with contextlib.suppress(OSError):
            if os.path.basename(path) in os.listdir(os.path.dirname(path)):
                return True
    return False


def write(job: dict[str, Any]) -> bool:
    """A new file beside the secrets; what the code is run from; the devices."""
    targets = [*(f"{path}.written" for path in job["secrets"]), *(f"{path}/written" for path in job["code"])]
    if job["mode"] == "isolated":
        targets += ["/written", "/dev/written", "/etc/written", "/usr/written"]
    return any(_written(path) for path in targets)


def _written(path: str) -> bool:
    with contextlib.suppress(OSError), open(path, "w") as file:
        return bool(file.write("x"))
    return False


def connect(job: dict[str, Any]) -> bool:
    """A port of the program, and its sockets under a path and an abstract name."""
    addresses: list[tuple[int, Any]] = [(socket.AF_INET, ("127.0.0.1", job["port"]))]
    if sys.platform == "linux":
        addresses += [(socket.AF_UNIX, job["socket"]), (socket.AF_UNIX, "\0" + job["abstract"])]
    for family, address in addresses:
        with contextlib.suppress(OSError), socket.socket(family) as attempt:
            attempt.settimeout(1)
            attempt.connect(address)
            return True
    return False


def look(job: dict[str, Any]) -> bool:
    """Variables, descriptors, processes and namespaces of the program, and devices of the computer."""
    if set(os.environ) - set(job["variables"]):
        return True
    if any(_is_open(number) for number in range(3, 64)):
        return True
    with contextlib.suppress(OSError):
        if set(os.listdir("/dev")) - DEVICES and job["mode"] == "isolated":
            return True
    return _sees_program(job) or any(_link(f"/proc/self/ns/{name}") == space for name, space in job["spaces"].items())


def _link(path: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(path)
    return "none"


def _is_open(number: int) -> bool:
    with contextlib.suppress(OSError):
        return bool(os.fstat(number))
    return False


def _sees_program(job: dict[str, Any]) -> bool:
    """Its entry in /proc, recognised by the moment it began; or, without /proc, that a signal would reach it."""
    try:
        numbers = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        with contextlib.suppress(OSError):
            os.kill(job["program"], 0)
            return True
        return False
    return any(_began(name) == job["began"] for name in numbers)


def _began(process: str) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{process}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])
    return -1


def gain_rights(job: dict[str, Any]) -> bool:
    """Root, rights of root, namespaces and mounts."""
    if job["root"] and os.getuid() == 0:
        return True
    if sys.platform != "linux":
        return False
    with contextlib.suppress(OSError), open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        if int(status["CapEff"], 16) or int(status["CapPrm"], 16) or status["NoNewPrivs"].strip() != "1":
            return True
    made = [_libc.unshare(NEW_USER), _libc.unshare(NEW_NETWORK), _libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)]
    return 0 in made


def enter_process(_job: dict[str, Any]) -> bool:
    """Reading another's memory, shown on our own."""
    if sys.platform != "linux":
        return False
    source, target = ctypes.create_string_buffer(b"memory"), ctypes.create_string_buffer(7)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(target), 6)
    remote = (ctypes.c_size_t * 2)(ctypes.addressof(source), 6)
    if _call("process_vm_readv", os.getpid(), local, 1, remote, 1, 0) == 6:
        return True
    return int(_libc.ptrace(0, 0, 0, 0)) == 0  # PTRACE_TRACEME


def enter_kernel(_job: dict[str, Any]) -> bool:
    """Parts of the kernel where most ways out were found."""
    if sys.platform != "linux":
        return False
    ring = ctypes.create_string_buffer(256)
    return any(
        result >= 0
        for result in (
            _call("io_uring_setup", 1, ring),
            _call("keyctl", 0, -3, 1),  # KEYCTL_GET_KEYRING_ID of the session's, made when missing
            _call("userfaultfd", 1),
            _call("perf_event_open", ring, 0, -1, -1, 0),
            _call("bpf", 5, ring, 128),
        )
    )


def exceed(job: dict[str, Any]) -> bool:
    """More memory, open files, processes and larger files than allowed."""
    return any(attempt(job) for attempt in (_unlimited, _map, _grow, _open_files, _fill_temporary, _start_many))


def _unlimited(_job: dict[str, Any]) -> bool:
    """No limit on processor time or on what a crash leaves behind: reaching them would take too long here."""
    import resource

    return resource.RLIM_INFINITY in resource.getrlimit(resource.RLIMIT_CPU) or any(
        resource.getrlimit(resource.RLIMIT_CORE)
    )


def _map(job: dict[str, Any]) -> bool:
    if sys.platform != "linux":
        return False
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE
    with contextlib.suppress(OSError), mmap.mmap(-1, job["address_space"], flags=flags):
        return True
    return False


def _grow(job: dict[str, Any]) -> bool:
    with contextlib.suppress(OSError), open("large", "wb") as file:
        file.truncate(job["file_size"] + 1)
        return True
    return False


def _open_files(job: dict[str, Any]) -> bool:
    opened: list[int] = []
    try:
        while len(opened) <= job["open_files"]:
            opened.append(os.dup(0))
    except OSError:
        return False
    finally:
        for number in opened:
            os.close(number)
    return True


def _fill_temporary(job: dict[str, Any]) -> bool:
    """Where temporary files are memory. On the disk of the work folder they are measured with it."""
    if job["mode"] != "isolated":
        return False
    found = [os.statvfs(place) for place in ("/tmp", "/dev/shm") if os.stat(place).st_dev != os.stat(".").st_dev]
    return any(one.f_blocks * one.f_frsize > job["temporary"] for one in found)


def _start_many(job: dict[str, Any]) -> bool:
    """Threads count as processes, and are started sooner."""
    import _thread

    if sys.platform != "linux":
        return False
    _thread.stack_size(1 << 16)
    wait = _thread.allocate_lock()
    wait.acquire()
    try:
        for _ in range(job["processes"] + (DRIFT if job["mode"] != "isolated" else 2)):
            _thread.start_new_thread(_pass_through, (wait,))
    except RuntimeError:
        return False
    finally:
        wait.release()
    return True


def _pass_through(lock: Any) -> None:
    with lock:
        pass


def hide() -> None:
    """A child in a session of its own. It holds standard output open for as long as it lives."""
    if os.fork() == 0:
        with contextlib.suppress(OSError):
            os.setsid()
        time.sleep(30)
        os._exit(0)


ATTACKS: tuple[Callable[[dict[str, Any]], bool], ...] = (
    read, write, connect, look, enter_process, enter_kernel, exceed, gain_rights
)  # fmt: skip
"""The last one first changes what the others would meet."""


def succeeded(job: dict[str, Any]) -> Iterator[str]:
    """Names of the attacks that succeed."""
    for attack in ATTACKS:
        if attack(job):
            yield attack.__name__


def main() -> None:
    """Hide a child, attack, report, wait."""
    job = json.loads(sys.argv[1])
    print("begun", flush=True)
    answer = hashlib.sha256(job["nonce"].encode()).hexdigest()
    with open("answer", "w") as file:
        file.write(answer)
    hide()
    harm = sorted(set(succeeded(job)))
    print(json.dumps({"answer": answer, "succeeded": harm}), flush=True)
    time.sleep(30)


def _call(name: str, *arguments: Any) -> int:
    number = NUMBERS[name][os.uname().machine == "aarch64"]
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return int(_libc.syscall(ctypes.c_long(number), *given))


_libc: Any = ctypes.CDLL(None)

if __name__ == "__main__":
    main()
