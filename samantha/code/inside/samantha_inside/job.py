"""One job: a source file run as `__main__`, its traceback in a file, its figures kept. The process ends with it."""

import atexit
import builtins
import contextlib
import importlib
import linecache
import os
import shutil
import sys
import threading
import traceback
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from . import hooks, shown

OWN = str(Path(__file__).resolve().parent.parent)
"""Frames of files below here are ours and mean nothing to whoever reads a traceback."""

LAST_FRAMES = 5
"""Frames that are fed back: a model reads the end of a traceback, not forty frames of a library."""

RAISED = 1
"""Exit status of code that raised; its traceback stands in the file `traceback`."""


def preload() -> None:
    """Import what most code begins with, so that a fork has it already."""
    for name in ("numpy", "pandas", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "samantha_inside.figures"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run(job: dict[str, Any]) -> NoReturn:
    """Run the job and end this process. Its keys are those of `samantha.code.interpreter.Job`."""
    shown.begin(Path(job["shown"]))
    _furnish(Path(job["box"]), Path(job["source"]), job["name"], job.get("links", ()))
    if job.get("html"):
        shown.write("html", job["html"])
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    status = _run_source(Path(job["source"]), str(Path(job["box"]) / job["name"]), job["name"], job["box"])
    _end(status)


def _furnish(box: Path, source: Path, name: str, links: Iterable[str]) -> None:
    """A copy of the code in the box, for whoever looks there later, and the granted files under their own names.

    Done here and not outside: whatever code left in the box, a link or a folder, is followed with its rights only.
    """
    with contextlib.suppress(OSError):
        shutil.copyfile(source, box / name)
    for target in map(Path, links):
        place = box / target.name
        if place.is_symlink() or place.exists():
            continue
        try:
            place.symlink_to(target)
        except OSError:  # Windows allows links to developers only
            with contextlib.suppress(OSError):
                (shutil.copytree if target.is_dir() else shutil.copyfile)(target, place)


def _run_source(source: Path, file: str, name: str, box: str) -> int:
    os.chdir(box)
    sys.argv = [name]
    sys.path.insert(0, box)
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=file, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = module
    hooks.install()
    try:
        text = source.read_text("utf-8")
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as end:
        return _exit_status(end)
    except BaseException as error:  # noqa: BLE001 (whatever code raises is reported as Python reports it)
        _report(error)
        return RAISED
    return 0


def _exit_status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)
    return RAISED


def _report(error: BaseException) -> None:
    """Print the traceback as Python does, without our frames, and keep its last frames for feeding back."""
    whole = traceback.TracebackException.from_exception(error, compact=True)
    for part in _chained(whole):
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if not frame.filename.startswith((OWN, "<frozen "))]
        )
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error, error.__traceback__)
    else:
        print("".join(whole.format()), end="", file=sys.stderr)
    whole.stack = traceback.StackSummary.from_list(list(whole.stack)[-LAST_FRAMES:])
    shown.write_text("traceback", "".join(whole.format(chain=False)))


def _chained(error: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    pending: list[traceback.TracebackException | None] = [error]
    while pending:
        part = pending.pop()
        if part is not None:
            yield part
            pending += [part.__cause__, part.__context__]


def _end(status: int) -> NoReturn:
    """End as an interpreter does, but without tearing every module down, which takes longer than most jobs."""
    # Figures first: matplotlib closes them all in its own atexit function.
    for step in (threading._shutdown, shown.at_end, atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):  # type: ignore[attr-defined]
        try:
            step()
        except BaseException:  # noqa: BLE001 (an error while ending must not keep the process alive)
            status = status or RAISED
            with contextlib.suppress(Exception):
                traceback.print_exc()
    os._exit(status)
