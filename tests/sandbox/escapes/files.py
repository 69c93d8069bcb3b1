"""Reading what is secret and writing what is not the code's."""

# ruff: noqa: PTH101, PTH104, PTH105, PTH108, PTH116, PTH120, PTH208, PTH211, SIM115
# The calls are what is tried here, so they stand as they are.
import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import AS_ROOT, NOT_OUTSIDE, Bait, Escape, attempt, call, escape, text


def read_at(name: str) -> Escape:
    return lambda bait: text(bait["secrets"][name])


for secret in ("data", "another_run", "home", "temporary", "settings", "shared_memory", "beside_a_grant"):
    attempt(f"read_{secret}", read_at(secret))
attempt("read_shadow", lambda bait: text("/etc/shadow"), AS_ROOT)
attempt("list_data_folder", lambda bait: os.listdir(bait["data"]))
attempt("read_through_planted_link", lambda bait: text("planted"))
attempt("read_through_planted_folder", lambda bait: text("folder/secret"))
attempt("read_through_planted_process_link", lambda bait: text("process/environ"), NOT_OUTSIDE)
attempt("read_through_parents", lambda bait: text("../" * 30 + bait["secrets"]["data"]))
attempt("read_through_own_root", lambda bait: text("/proc/self/root" + bait["secrets"]["data"]))
attempt("read_through_first_process_root", lambda bait: text("/proc/1/root" + bait["secrets"]["data"]), AS_ROOT)
attempt("read_through_first_process_folder", lambda bait: text("/proc/1/cwd" + bait["secrets"]["data"]), AS_ROOT)
attempt("read_with_another_program", lambda bait: subprocess.check_output(["cat", bait["secrets"]["data"]]))
attempt("read_kernel_memory", lambda bait: os.open("/proc/kcore", os.O_RDONLY), AS_ROOT)
attempt("read_physical_memory", lambda bait: os.open("/dev/mem", os.O_RDONLY), AS_ROOT, NOT_OUTSIDE)
attempt("read_kernel_log", lambda bait: os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK), AS_ROOT)
attempt("find_program_code", lambda bait: _imports(bait, "samantha"))
attempt("find_program_environment", lambda bait: _imports(bait, "msgspec"))


def _imports(bait: Bait, module: str) -> bool:
    sys.path[:0] = bait["packages"]
    return bool(__import__(module))


@escape()
def read_through_hard_link(bait: Bait) -> bool:
    os.link(bait["secrets"]["data"], "hard")
    return text("hard")


@escape()
def read_through_new_link(bait: Bait) -> bool:
    os.symlink(bait["secrets"]["data"], "soft")
    return text("soft")


@escape()
def read_through_path_descriptor(bait: Bait) -> bool:
    descriptor = os.open(bait["secrets"]["data"], os.O_PATH)
    return text(f"/proc/self/fd/{descriptor}")


@escape()
def read_with_openat2(bait: Bait) -> bool:
    how = (ctypes.c_uint64 * 3)(0, 0, 0)
    return call(437, 437, -100, bait["secrets"]["data"].encode(), how, 24) >= 0


@escape(AS_ROOT)
def read_by_handle(bait: Bait) -> bool:
    handle = (ctypes.c_uint32 * 34)(128)
    mount = ctypes.c_int()
    place = bait["secrets"]["data"].encode()
    if call(303, 264, -100, place, handle, ctypes.byref(mount), 0) < 0:
        return False
    return call(304, 265, os.open(os.path.dirname(place), os.O_RDONLY), handle, 0) >= 0


def victim(bait: Bait, name: str) -> str:
    """A file outside, for one escape alone."""
    return f"{bait['victims']}/{name}"


@escape()
def append_outside(bait: Bait) -> bool:
    with open(victim(bait, "append"), "a") as file:
        return bool(file.write("x"))


@escape()
def truncate_outside(bait: Bait) -> bool:
    os.truncate(victim(bait, "truncate"), 0)
    return True


@escape()
def delete_outside(bait: Bait) -> bool:
    os.unlink(victim(bait, "delete"))
    return True


@escape()
def rename_outside(bait: Bait) -> bool:
    os.rename(victim(bait, "rename"), victim(bait, "renamed"))
    return True


@escape()
def change_mode_outside(bait: Bait) -> bool:
    os.chmod(victim(bait, "mode"), 0o604)
    return os.stat(victim(bait, "mode")).st_mode & 0o777 == 0o604


@escape()
def change_time_outside(bait: Bait) -> bool:
    os.utime(victim(bait, "time"), (1, 1))
    return os.stat(victim(bait, "time")).st_mtime == 1


@escape()
def change_attributes_outside(bait: Bait) -> bool:
    os.setxattr(victim(bait, "attributes"), "user.x", b"1")
    return os.getxattr(victim(bait, "attributes"), "user.x") == b"1"


@escape(AS_ROOT)
def change_owner_outside(bait: Bait) -> bool:
    os.chown(victim(bait, "owner"), 12345, 12345)
    return os.stat(victim(bait, "owner")).st_uid == 12345


@escape()
def watch_outside(bait: Bait) -> bool:
    descriptor = call(294, 26, 0)
    return call(254, 27, descriptor, bait["victims"].encode(), 2) >= 0


MAKERS: dict[str, Callable[[str], object]] = {
    "file": lambda path: open(path, "x"), "folder": os.mkdir, "pipe": os.mkfifo,
    "link": lambda path: os.symlink("/", path),
}  # fmt: skip
for kind, make in MAKERS.items():
    attempt(f"make_{kind}_outside", lambda bait, kind=kind, make=make: (make(victim(bait, f"new {kind}")), True))  # type: ignore[misc]

for name in ("code", "base", "inside", "readable"):
    attempt(f"write_in_{name}", lambda bait, name=name: open(f"{bait['places'][name]}/written", "x"), NOT_OUTSIDE)  # type: ignore[misc]
for name in ("/usr", "/etc", "/", "/dev", "/proc/sys/kernel"):
    attempt(
        f"write_in_{name.strip('/').replace('/', '_') or 'root'}",
        lambda bait, name=name: open(f"{name}/written", "x"),
        NOT_OUTSIDE,
    )  # type: ignore[misc]


@escape(NOT_OUTSIDE)
def change_code(bait: Bait) -> bool:
    os.unlink(f"{bait['places']['code']}/step-1.py")
    return True


@escape(NOT_OUTSIDE)
def write_to_readable_grant(bait: Bait) -> bool:
    with open(f"{bait['places']['readable']}/data.csv", "r+") as file:
        return bool(file.write("x"))


@escape(NOT_OUTSIDE)
def replace_readable_grant(bait: Bait) -> bool:
    Path("mine").write_text("x")
    os.replace("mine", f"{bait['places']['readable']}/data.csv")
    return True


@escape(NOT_OUTSIDE)
def make_grant_writable(bait: Bait) -> bool:
    return call(165, 40, 0, bait["places"]["readable"].encode(), 0, 32 | 4096, 0) == 0  # MS_REMOUNT | MS_BIND


def leave_set_id(path: str) -> bool:
    return bool(os.stat(path).st_mode & 0o6000)


@escape()
def leave_set_id_file_by_mode(bait: Bait) -> bool:
    Path("set").touch()
    os.chmod("set", 0o6755)
    return leave_set_id("set")


@escape()
def leave_set_id_file_by_descriptor(bait: Bait) -> bool:
    with open("set2", "w") as file:
        os.fchmod(file.fileno(), 0o6755)
    return leave_set_id("set2")


@escape()
def leave_set_id_file_by_opening(bait: Bait) -> bool:
    os.close(os.open("set3", os.O_CREAT | os.O_WRONLY, 0o6755))
    return leave_set_id("set3")


@escape()
def leave_set_id_file_by_making(bait: Bait) -> bool:
    os.mknod("set4", 0o106755)
    return leave_set_id("set4")


@escape(AS_ROOT)
def make_device(bait: Bait) -> bool:
    os.mknod("device", 0o020666, os.makedev(1, 1))
    return True
