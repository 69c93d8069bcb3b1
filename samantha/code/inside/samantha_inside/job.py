"""One job: a source file run as `__main__`, its traceback in a file, its figures kept. The process ends with it."""

import atexit
import builtins
import contextlib
import gc
import importlib
import itertools
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

from . import hooks, pages, shown

OWN = str(Path(__file__).resolve().parent.parent)
"""Frames of files below here are ours and mean nothing to whoever reads a traceback."""

OWN_FRAMES, LAST_FRAMES = 2, 3
"""Frames that are fed back: where the code was last, and where it ended in whatever it called."""

RAISED = 1
"""Exit status of code that raised; its traceback stands in the file `traceback`."""

_preloaded = 0
"""Modules that were there before any job."""


def preload() -> None:
    """Import what most code begins with, so that a fork has it already."""
    global _preloaded
    _lend_fonts()
    for name in ("numpy", "pandas", "matplotlib.pyplot", "pandas.plotting._matplotlib", "samantha_inside.figures"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    figures = sys.modules.get("samantha_inside.figures")
    if figures is not None:
        with contextlib.suppress(Exception):  # told when a job draws
            figures.rehearse()
    _preloaded = len(sys.modules)
    gc.collect()
    gc.freeze()  # what stays for good is never looked through again, least of all at the end of each job


def _lend_fonts() -> None:
    """Give matplotlib the list of fonts that was made when the environment was: looking through many takes seconds."""
    made, cache = Path(sys.prefix, "cache", "matplotlib"), os.environ.get("XDG_CACHE_HOME")
    if cache and made.is_dir():
        with contextlib.suppress(OSError, shutil.Error):
            shutil.copytree(made, Path(cache, "matplotlib"), dirs_exist_ok=True)


def run(job: dict[str, Any]) -> NoReturn:
    """Run the job and end this process. Its keys are those of `samantha.code.interpreter.Job`."""
    shown.begin(Path(job["shown"]))
    _furnish(Path(job["box"]), Path(job["source"]), job["name"], job.get("links", ()))
    if job.get("html"):
        shown.write("html", pages.self_contained(job["html"], Path(job["box"])))
    _refresh()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    status = _run_source(Path(job["source"]), str(Path(job["box"]) / job["name"]), job["name"], job["box"])
    _end(status, job["box"])


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


def _refresh() -> None:
    """Undo what a fork inherits and a new interpreter does not have: the state of NumPy's chance.

    Programs that the code starts have no use for our backend, which they cannot import.
    """
    random: Any = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()
    os.environ["MPLBACKEND"] = "Agg"


def _run_source(source: Path, file: str, name: str, box: str) -> int:
    os.chdir(box)
    sys.argv = [name]
    sys.orig_argv = [sys.executable, name]  # what reloaders of web servers start again
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
        _report(error, name)
        return RAISED
    return 0


def _exit_status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)
    return RAISED


def _report(error: BaseException, name: str) -> None:
    """Print the traceback as Python does, without our frames, and keep its last frames for feeding back."""
    whole = traceback.TracebackException.from_exception(error, compact=True)
    for part in _chained(whole):
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if not frame.filename.startswith((OWN, "<frozen "))]
        )
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error, _without_ours(error.__traceback__))
    else:
        print("".join(whole.format()), end="", file=sys.stderr)
    whole.stack = traceback.StackSummary.from_list(_last_frames(list(whole.stack), name))
    if shown.ours():
        shown.write_text("traceback", "".join(whole.format(chain=False)))


def _last_frames(frames: list[traceback.FrameSummary], name: str) -> list[traceback.FrameSummary]:
    """The last frames, and the last ones in the code itself, which a deep library would push out."""
    own = [place for place, frame in enumerate(frames) if frame.filename == name][-OWN_FRAMES:]
    last = range(max(0, len(frames) - LAST_FRAMES), len(frames))
    return [frames[place] for place in sorted({*own, *last})]


def _without_ours(frames: types.TracebackType | None) -> types.TracebackType | None:
    while frames and frames.tb_frame.f_code.co_filename.startswith(OWN):
        frames = frames.tb_next
    return frames


def _chained(error: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    pending: list[traceback.TracebackException | None] = [error]
    while pending:
        part = pending.pop()
        if part is not None:
            yield part
            pending += [part.__cause__, part.__context__]


def _end(status: int, box: str) -> NoReturn:
    """End as an interpreter does, but without tearing every module down, which takes longer than most jobs."""
    # Figures first: matplotlib closes them all in its own atexit function.
    threads = threading._shutdown  # type: ignore[attr-defined]
    for step in (threads, shown.at_end, atexit._run_exitfuncs, _flush, lambda: _forget(box), _flush):
        try:
            step()
        except BaseException:  # noqa: BLE001 (an error while ending must not keep the process alive)
            with contextlib.suppress(Exception):
                traceback.print_exc()
    os._exit(status)


def _forget(box: str) -> None:
    """Let go of what the code made, as an interpreter does at its end: open files are completed, destructors run."""
    # Twice, like Python: the first look sorts a file before its own buffer, which must not be closed first.
    gc.collect()
    # New modules only: each that is touched here costs a forked process a copy of a page of memory.
    new = list(itertools.islice(reversed(sys.modules.items()), max(0, len(sys.modules) - _preloaded)))
    own = [name for name, module in new if str(getattr(module, "__file__", "")).startswith(box + os.sep)]
    new.clear()
    for name in {"__main__", *own}:
        sys.modules.pop(name, None)
    gc.collect()


def _flush() -> None:
    """Bring out what was printed. The code may have put its own streams there, or have closed these."""
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]
