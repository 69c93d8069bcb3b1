"""What code shows becomes numbered files in the job's folder: pictures, pages, tables. The program outside looks there.

A file appears under its final name only when it is whole. Nothing here is trusted outside.
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

MOST = 100
"""Things shown by one job; more would bury the page."""

_folder: Path | None = None
_count = 0


def begin(folder: Path) -> None:
    """Everything that is shown from now on goes to `folder`."""
    global _folder, _count
    _folder, _count = folder, 0
    folder.mkdir(parents=True, exist_ok=True)


def write(ending: str, content: bytes | str, title: str = "") -> bool:
    """Show one thing: `ending` is `png`, `svg`, `html` or `table.html`. False when too much was shown already."""
    global _count
    if _folder is None or _count >= MOST:
        return False
    _count += 1
    if title:
        write_text(f"{_count:04}.title", title[:200])
    _put(f"{_count:04}.{ending}", content)
    return True


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
    if figures is not None and "matplotlib.pyplot" in sys.modules:
        figures.show_rest()
