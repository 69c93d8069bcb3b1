"""Finds .gguf files below a folder, and finds them again fast: a folder that did not change is not read again.

Loops of links, unreadable and vanishing folders are harmless: what cannot be read is not there. No file is opened.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

SETTLED = 2_000_000_000
"""Nanoseconds after which the time of a folder's last change can be trusted to tell the next change from it."""


class Inside(msgspec.Struct):
    """What is in a folder, and the time of its last change when it was read; 0 when that may hide a later one."""

    changed: int
    folders: tuple[str, ...]
    files: tuple[str, ...]


class Walk:
    """Remembers the folders it has read. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, Inside] = {}
        self._lock = threading.Lock()
        self.read = 0
        """Folders that were read, not only looked at."""

    def files(self, folder: Path) -> Iterator[Path]:
        """Every .gguf file below `folder`, sorted within each folder."""
        seen: set[tuple[int, int]] = set()
        waiting = [str(folder)]
        while waiting:
            place = waiting.pop()
            inside = self._inside(place, seen)
            yield from (Path(place, name) for name in inside.files)
            waiting.extend(os.path.join(place, name) for name in reversed(inside.folders))  # noqa: PTH118 - many

    def _inside(self, place: str, seen: set[tuple[int, int]]) -> Inside:
        try:
            found = os.stat(place)  # noqa: PTH116 - many
            if (found.st_dev, found.st_ino) in seen:
                return Inside(0, (), ())
            seen.add((found.st_dev, found.st_ino))
            with self._lock:
                known = self._known.get(place)
            if known and known.changed == found.st_mtime_ns:
                return known
            inside = self._read(place, found.st_mtime_ns)
        except OSError:
            return Inside(0, (), ())
        with self._lock:
            self._known[place] = inside
        return inside

    def _read(self, place: str, changed: int) -> Inside:
        settled = time.time_ns() - changed > SETTLED
        self.read += 1
        folders, files = [], []
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.lower().endswith(".gguf"):
                    files.append(entry.name)
                elif not entry.name.startswith(".") and _is_folder(entry):
                    folders.append(entry.name)
        return Inside(changed if settled else 0, tuple(sorted(folders)), tuple(sorted(files)))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
