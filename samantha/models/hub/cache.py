"""Where downloads live: a folder each, named after their content, so that nothing is fetched twice.

    <cache>/<key>.lock             held by whoever downloads it; the system lets go of it when a program dies
    <cache>/<key>/entry.json       what it is, where its files are, whether the user wants to keep it
    <cache>/<key>/NAME.gguf        a finished file; NAME.gguf.part one that is not
    <cache>/<key>/held-PID-...     a program that uses it

The bytes of a finished file are trusted while its size and time of change stay.
"""

import contextlib
import hashlib
import itertools
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from samantha import settings
from samantha.errors import DownloadError
from samantha.models.hub.downloads import Download

if TYPE_CHECKING:
    from filelock import FileLock

ABANDONED = 30 * 86_400
"""Seconds without a new byte after which an unfinished download is tidied away."""

_COUNTER = itertools.count()


class Place(msgspec.Struct, frozen=True):
    """A finished file. `size` is in bytes, `changed` in nanoseconds."""

    path: str
    size: int
    changed: int

    @property
    def unchanged(self) -> bool:
        """Whether it is still the file that was verified."""
        try:
            now = Path(self.path).stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (self.size, self.changed)


class Record(msgspec.Struct, frozen=True):
    """What is known of a finished download. `asked` holds hashes of what people wrote to mean it."""

    download: Download
    places: tuple[Place, ...]
    asked: tuple[str, ...] = ()
    kept: bool = False
    used: float = 0.0


class Entry:
    """One download's folder. Writing to it needs its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder.name

    def record(self) -> Record | None:
        """What is known of it; None before it is finished."""
        try:
            return msgspec.json.decode((self.folder / "entry.json").read_bytes(), type=Record)
        except (OSError, msgspec.DecodeError):
            return None

    def paths(self) -> tuple[Path, ...]:
        """Its finished files, in order; none when one is missing or was changed."""
        record = self.record()
        if record is None or not all(place.unchanged for place in record.places):
            return ()
        return tuple(Path(place.path) for place in record.places)

    def finished(self, download: Download, paths: tuple[Path, ...]) -> None:
        """Remember verified files."""
        known = self.record()
        plain = msgspec.structs.replace(download, asked="")
        asked, kept = (known.asked, known.kept) if known else ((), False)
        self.write(Record(plain, tuple(map(place, paths)), asked, kept, time.time()))

    def asked(self, download: Download) -> None:
        """Remember that these words mean it, too."""
        known = self.record()
        if known and _hashed(download.asked) not in known.asked:
            self.write(msgspec.structs.replace(known, asked=(*known.asked, _hashed(download.asked))))

    def write(self, record: Record) -> None:
        """Replace what is known, whole or not at all.

        Raises:
            DownloadError: it cannot be written. The files stay, and are compared with their checksums the next time.
        """
        partial = self.folder / f"entry.json.{os.getpid()}-{next(_COUNTER)}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
            partial.replace(self.folder / "entry.json")
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise unusable(self.folder, error) from error

    def lock(self) -> "FileLock":
        """Its lock, not taken yet. It may be let go of by another thread than the one that took it."""
        from filelock import FileLock

        self.folder.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder.with_name(f"{self.key}.lock"), thread_local=False)

    def arrived(self) -> int:
        """Bytes that are there, finished or not."""
        sizes = 0
        for path in self.folder.glob("*"):
            if path.name.lower().endswith((".gguf", ".gguf.part")):
                with contextlib.suppress(OSError):
                    sizes += path.stat().st_size
        return sizes

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Inside, no other program removes it."""
        mark = self.folder / f"held-{os.getpid()}-{next(_COUNTER)}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
        except OSError as error:
            raise unusable(self.folder, error) from error
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    @property
    def abandoned(self) -> bool:
        """Whether nothing has come for so long that nobody seems to want it."""
        times = [path.stat().st_mtime for path in self.folder.glob("*.part")]
        return bool(times) and max(times) < time.time() - ABANDONED

    @property
    def in_use(self) -> bool:
        """Whether a program that still runs holds it."""
        import psutil

        return any(psutil.pid_exists(int(mark.name.split("-")[1])) for mark in self.folder.glob("held-*-*"))


class Cache:
    """All downloads in `folder`: `downloads` in the user's data folder, where nothing else is said."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or settings.data_folder() / "downloads"

    def entry(self, key: str) -> Entry:
        """The folder of a download, which may not be there yet."""
        return Entry(self.folder / key)

    def entries(self) -> list[Entry]:
        """All that are there, begun or finished."""
        return [Entry(folder) for folder in sorted(self.folder.glob("*")) if folder.is_dir()]

    def remembered(self, asked: str) -> Download | None:
        """What the same words meant when it was downloaded; the latest, and only if it is still there."""
        known = [(entry, entry.record()) for entry in self.entries()]
        fitting = [(record.used, entry, record) for entry, record in known if record and _hashed(asked) in record.asked]
        for _, entry, record in sorted(fitting, key=lambda found: found[0], reverse=True):
            if entry.paths():
                return msgspec.structs.replace(record.download, asked=asked)
        return None

    def tidy(self, needed: Collection[str] = ()) -> int:
        """Remove what was downloaded for testing only, and is neither `needed` (keys) nor in use: bytes set free.

        What is unfinished stays for a month, so that it can go on.
        """
        freed = 0
        for entry in self.entries():
            record = entry.record()
            superfluous = not record.kept if record else entry.abandoned
            if superfluous and entry.key not in needed and not entry.in_use:
                freed += self.remove(entry)
        return freed

    def remove(self, entry: Entry) -> int:
        """Remove a download, unless one is going on there: bytes that became free. Files kept elsewhere stay."""
        from filelock import Timeout

        try:
            with entry.lock().acquire(timeout=0):
                size = entry.arrived()
                shutil.rmtree(entry.folder, ignore_errors=True)
                return size
        except Timeout:
            return 0


def place(path: Path) -> Place:
    """A finished file as it is now."""
    now = path.stat()
    return Place(str(path), now.st_size, now.st_mtime_ns)


def taken(lock: "FileLock", cancelled: Callable[[], bool]) -> bool:
    """Try for a moment to take a lock.

    Raises:
        DownloadError: the folder takes no locks, or cannot be written.
    """
    from filelock import Timeout

    try:
        lock.acquire(timeout=0.0 if cancelled() else 0.1, poll_interval=0.05)
    except Timeout:
        return False
    except (OSError, NotImplementedError) as error:
        raise unusable(Path(lock.lock_file).parent, error) from error
    return True


def unusable(folder: Path, error: Exception) -> DownloadError:
    """A folder that takes no files, as a sentence."""
    why = error.strerror if isinstance(error, OSError) else error
    return DownloadError(f"{folder} cannot be used for downloads ({why}): check that it can be written.")


def _hashed(text: str) -> str:
    """What people paste may hold signatures, so that it is not stored itself."""
    return hashlib.sha256(text.strip().encode()).hexdigest()
