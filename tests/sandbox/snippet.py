"""Runs one snippet confined, as any user: `python -m tests.sandbox.snippet SETTINGS` prints what came of it."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from samantha.sandbox.access import MIB, Access, Folders, Limits
from samantha.sandbox.code import confine_code


def main(settings: dict[str, Any]) -> dict[str, Any]:
    """Lay out files, confine, run, look at the files again."""
    top = Path(settings["top"]) / "place"
    for name, text in settings.get("files", {}).items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(settings.get("modes", {}).get(name, 0o644))
    folders = Folders(*(top / "run" / name for name in Folders.__struct_fields__))
    for name in Folders.__struct_fields__:
        getattr(folders, name).mkdir(parents=True)
    readable, writable = (tuple(top / name for name in settings.get(kind, ())) for kind in ("readable", "writable"))
    access = Access(readable=readable, writable=writable, network=settings.get("network", False))
    limits = Limits(memory=512 * MIB, **settings.get("limits", {}))
    if settings.get("old_bubblewrap"):
        _grow_older(Path(settings["top"]))
    command = (settings["python"], "-I", "-B", "-c", settings["code"], str(top))
    confined = confine_code(
        command, folders=folders, environment=None, inside=Path(__file__).parent, access=access, limits=limits,
        variables=settings.get("variables"), mode=settings["mode"],
    )  # fmt: skip
    before = _descriptors()
    process = confined.start(subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE)
    output, errors = process.communicate(timeout=60)
    confined.close()
    return {
        "output": output.decode(), "errors": errors.decode(), "status": process.returncode, "after": _after(top),
        "seen": str(confined.seen.box), "leaked": sorted(_descriptors() - before),
    }  # fmt: skip


OLD = """#!/bin/sh
if [ "$1" = "--help" ]; then echo "  --tmpfs DEST  --perms OCTAL"; exit; fi
case " $* " in *" --size "*|*" --disable-userns "*) echo "unknown option" >&2; exit 1;; esac
exec {real} "$@"
"""


def _grow_older(top: Path) -> None:
    """A bubblewrap before 0.7."""
    fake = top / "old" / "bwrap"
    fake.parent.mkdir()
    fake.write_text(OLD.format(real=shutil.which("bwrap")))
    fake.chmod(0o755)
    os.environ["PATH"] = f"{fake.parent}:{os.environ['PATH']}"


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def _after(top: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted(top.rglob("*")):
        state = path.lstat()
        if stat.S_ISREG(state.st_mode):
            mode = oct(stat.S_IMODE(state.st_mode))
            text = path.read_text(errors="replace")[:100]
            listed = "system.posix_acl_access" in os.listxattr(path)
            found[str(path.relative_to(top))] = {"mode": mode, "owner": state.st_uid, "text": text, "list": listed}
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
