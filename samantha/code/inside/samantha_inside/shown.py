"""What code shows becomes numbered files in the job's folder: pictures, pages, tables. The program outside looks there.

A file appears under its final name only when it is whole. Nothing here is trusted outside.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

MOST = 100
"""Things shown by one job; more would bury the page."""

_folder: Path | None = None
_count = 0
_owner = 0
_told = False


def begin(folder: Path) -> None:
    """Everything that is shown from now on goes to `folder`."""
    global _folder, _count, _owner, _told
    _folder, _count, _owner, _told = folder, 0, os.getpid(), False
    folder.mkdir(parents=True, exist_ok=True)


def ours() -> bool:
    """Whether this is the job's first process, and not one that it forked."""
    return os.getpid() == _owner


def room() -> bool:
    """Whether one more thing can be shown; the first time it cannot, the job's errors say so."""
    global _told
    if _count >= MOST and not _told:
        _told = True
        print(f"Only the first {MOST} figures, tables and pages are shown.", file=sys.stderr)
    return _folder is not None and _count < MOST


def write(ending: str, content: bytes | str, title: str = "") -> bool:
    """Show one thing: `ending` is `png`, `svg`, `html` or `table.html`. False when too much was shown already."""
    number = _next_number() if room() else 0
    if number:
        if title:
            write_text(f"{number:04}.title", title[:200])
        _put(f"{number:04}.{ending}", content)
    return bool(number)


def _next_number() -> int:
    """The next number that no other process of the job has taken; 0 when all are."""
    global _count
    assert _folder is not None
    while _count < MOST:
        _count += 1
        try:
            (_folder / f".{_count:04}").touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError:  # a full disk ends the job by its limit
            return 0
        return _count
    return 0


def write_text(name: str, text: str) -> None:
    """A file of text beside what is shown."""
    _put(name, text)


def _put(name: str, content: bytes | str) -> None:
    if _folder is None:
        return
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    partial = _folder / f".{name}.part"
    with contextlib.suppress(OSError):  # a full disk ends the job by its limit, not by our own traceback
        partial.write_bytes(data)
        partial.replace(_folder / name)


def at_end() -> None:
    """Show the figures that were drawn and neither shown nor saved, as a notebook would."""
    figures: Any = sys.modules.get("samantha_inside.figures")
    if figures is not None and ours() and "matplotlib.pyplot" in sys.modules:
        figures.show_rest()
