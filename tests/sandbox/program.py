"""A stand-in for the program: lays out bait, runs the escapes confined or outside, and prints who got away.

`python -m tests.sandbox.program SETTINGS` with the folder to work in, the mode, whether the network is granted, and
whether nothing is to be confined at all. A process of its own, so that it can be any user.
"""

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from samantha.sandbox.access import MIB, Access, Folders, Limits
from samantha.sandbox.code import confine_code

LIMITS = Limits(memory=256 * MIB, file_size=2 * MIB, disk=16 * MIB, processes=40, open_files=64, cpu_seconds=60)
VICTIMS = ("append", "truncate", "delete", "rename", "mode", "time", "attributes", "owner")
ENTRANCE = "import sys; sys.path.insert(0, sys.argv[2]); from escapes import trying; trying.main()"
TOKEN = "a-token-of-the-program"


def lay_out(top: Path) -> tuple[Folders, dict[str, Any]]:
    """Folders of a run, and secrets all around them."""
    data = Path(os.environ["SAMANTHA_HOME"])
    run = data / "work" / "this"
    folders = Folders(*(run / name for name in Folders.__struct_fields__))
    secrets = {
        "data": data / "store.sqlite", "another_run": data / "work" / "another" / "box" / "file",
        "settings": data / "settings.json",
        "home": top / "home" / ".ssh" / "key", "temporary": top / "temporary" / "secret",
        "shared_memory": Path("/dev/shm") / f"samantha-{os.getpid()}",
        "beside_a_grant": top / "granted beside" / "secret",
    }  # fmt: skip
    for path in secrets.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a secret")
        path.chmod(0o644)
    for folder in (*(getattr(folders, name) for name in Folders.__struct_fields__), top / "victims", top / "granted"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in VICTIMS:
        (top / "victims" / name).write_text("the user's")
    (top / "granted" / "data.csv").write_text("a,b\n1,2\n")
    (folders.code / "step-1.py").write_text("print(1)")
    (folders.box / "planted").symlink_to(secrets["data"])
    (folders.box / "folder").symlink_to(top / "temporary")
    (folders.box / "process").symlink_to(f"/proc/{os.getpid()}")
    return folders, {
        "data": str(data),
        "secrets": {name: str(path) for name, path in secrets.items()},
        "victims": str(top / "victims"),
    }


def open_doors(top: Path) -> tuple[list[socket.socket], dict[str, Any]]:
    """Servers of the program, each answering on a thread of its own."""
    doors: dict[str, Any] = {}
    held = []
    for name, family, kind, address in (
        ("port", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        ("any port", socket.AF_INET, socket.SOCK_STREAM, ("0.0.0.0", 0)),
        ("port 6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
        ("datagrams", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        ("path", socket.AF_UNIX, socket.SOCK_STREAM, str(top / "door")),
        ("path datagrams", socket.AF_UNIX, socket.SOCK_DGRAM, str(top / "datagrams")),
        ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0door-{os.getpid()}"),
        ("abstract datagrams", socket.AF_UNIX, socket.SOCK_DGRAM, f"\0datagrams-{os.getpid()}"),
    ):
        door = socket.socket(family, kind)
        door.bind(address)
        if isinstance(address, str) and address.startswith("/"):
            Path(address).chmod(0o777)
        if kind == socket.SOCK_STREAM:
            door.listen()
        threading.Thread(target=_answer, args=(door,), daemon=True).start()
        where = door.getsockname()
        doors[name] = where.decode() if isinstance(where, bytes) else where
        held.append(door)
    return held, doors


def _answer(door: socket.socket) -> None:
    while True:
        if door.type == socket.SOCK_DGRAM:
            _, sender = door.recvfrom(10)
            if sender:
                door.sendto(b"!", sender)
        else:
            connection, _ = door.accept()
            connection.send(b"!")


def main(wanted: dict[str, Any]) -> dict[str, Any]:
    """Bait, confine, run."""
    top = Path(wanted["top"])
    os.environ["PROGRAM_TOKEN"] = TOKEN
    folders, bait = lay_out(top)
    held, bait["doors"] = open_doors(top)
    descriptor = os.open(bait["secrets"]["data"], os.O_RDONLY)
    os.dup2(descriptor, 77, inheritable=True)
    victim = subprocess.Popen(["sleep", "300"], start_new_session=True, pass_fds=[77])
    segment = int(ctypes.CDLL(None).shmget(0, 4096, 0o1666))
    inside = Path(__file__).parent
    outside = wanted["outside"]
    bait |= {
        "box": str(folders.box), "victim": victim.pid, "program": os.getpid(), "group": victim.pid, "token": TOKEN,
        "marker": wanted["marker"][::-1], "descriptor": 77, "segment": segment,
        "packages": wanted["packages"], "limits": _limits(wanted["mode"]),
    }  # fmt: skip
    access = Access(readable=(top / "granted",), network=wanted["network"])
    places = {"base": sys.base_prefix, "readable": str(top / "granted")}
    try:
        if outside:
            bait["places"] = {**places, "code": str(folders.code), "inside": str(inside)}
            command = [wanted["python"], "-c", ENTRANCE, json.dumps(bait), str(inside), "outside"]
            return _read(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[77]))
        isolated = wanted["mode"] == "isolated"
        seen = "/code" if isolated else str(folders.code)
        bait["places"] = {**places, "code": seen, "inside": "/inside" if isolated else str(inside)}
        command = [wanted["python"], "-I", "-B", "-c", ENTRANCE, json.dumps(bait), "{inside}"]
        confined = confine_code(
            command, folders=folders, environment=None, inside=inside, access=access, limits=LIMITS, mode=wanted["mode"]
        )
        try:
            return _read(confined.start(subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE))
        finally:
            confined.close()
    finally:
        victim.kill()
        ctypes.CDLL(None).shmctl(segment, 0, None)
        Path(bait["secrets"]["shared_memory"]).unlink()
        for door in held:
            door.close()


def _limits(mode: str) -> dict[str, int]:
    from samantha.sandbox.linux import is_root, running_threads

    shared = running_threads() + 30 if mode == "reduced" and not is_root() else 0
    return {
        "address_space": LIMITS.address_space, "file_size": LIMITS.file_size, "open_files": LIMITS.open_files,
        "processes": LIMITS.processes + shared, "temporary": LIMITS.temporary,
    }  # fmt: skip


def _read(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    output, errors = process.communicate(timeout=240)
    if process.returncode:
        raise SystemExit(f"the escapes ended with {process.returncode}: {errors.decode()[-2000:]}")
    found = json.loads(output)
    assert isinstance(found, dict)
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
