"""Room on the disk: asked before a download and while it runs, so that the computer is never filled to the brim."""

import shutil
from pathlib import Path

from samantha.errors import DownloadError

RESERVE = 200_000_000
"""Bytes that are left free for everything else."""

EVERY = 64 << 20
"""Bytes between two looks while downloading."""


def free(folder: Path) -> int:
    """Bytes that can be written there."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check(folder: Path, needed: int, title: str) -> None:
    """Refuse what does not fit.

    Raises:
        DownloadError: with the numbers.
    """
    there = free(folder)
    if there - needed < RESERVE:
        raise DownloadError(
            f"{title} needs {in_words(needed)} more on the disk of {folder}, where {in_words(there)} are free"
            f" (and {in_words(RESERVE)} are left for the computer): free some room, or choose a smaller file."
        )


def no_room(folder: Path, title: str) -> DownloadError:
    """The disk became full in the middle."""
    return DownloadError(
        f"The disk of {folder} is full: {title} is kept as far as it came. Free some room and start it again."
    )


def in_words(count: float) -> str:
    """Bytes, e.g. `4.1 GB`."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
