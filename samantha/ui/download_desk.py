"""Downloads that were begun on the page: each on a thread of its own, one list for the program, shown in every tab.

They go on when the page is left. A pause keeps what has come; what is not finished is remembered, so that it stands
there paused after a restart. What is fetched, checked and kept is the hub room's doing.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from samantha import settings
from samantha.errors import DownloadCancelled, SamanthaError, SettingsError
from samantha.models import hub
from samantha.models.hub import references
from samantha.ui.controls import FieldError

Phase = Literal["looking", "waiting", "checking", "downloading", "pausing", "paused", "done", "failed"]
"""`looking` up the link, those of `hub.Progress`, then `paused` by a person, `done` or `failed`."""

MOST_JOBS = 50

log = logging.getLogger(__name__)


class Remembered(msgspec.Struct, frozen=True):
    """A download that was not finished. `done` and `total` are bytes."""

    asked: str
    title: str = ""
    done: int = 0
    total: int | None = None


class Job:
    """One download. Its fields are read by whoever shows it."""

    def __init__(self, number: int, asked: str, changed: Callable[[], None], begun: Remembered | None = None) -> None:
        """`begun`: it stands paused where it was; else it starts at once."""
        self.number = number
        self.asked = asked
        self.title = begun.title if begun else ""
        self.download: hub.Download | None = None
        self.phase: Phase = "paused" if begun else "looking"
        self.done = begun.done if begun else 0
        self.total = begun.total if begun else None
        self.rate = 0.0
        self.left: float | None = None
        self.note = ""
        self.problem = ""
        self.host = ""
        self.path: Path | None = None
        self._changed = changed
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        if not begun:
            self.resume()

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self._thread is not None and self._thread.is_alive()

    def resume(self) -> None:
        """Go on where it was."""
        with self._lock:
            if (self.running and not self._stopped.is_set()) or self.phase == "done":
                return
            before, self._stopped = self._thread, threading.Event()
            self.phase, self.problem, self.host, self.note = "looking", "", "", ""
            self._thread = threading.Thread(
                target=self._run, args=(before, self._stopped), name="download", daemon=True
            )
            self._thread.start()

    def pause(self) -> None:
        """End it, keeping what has come. Returns at once."""
        with self._lock:
            self._stopped.set()
            if self.phase not in ("done", "failed"):
                self.phase, self.rate, self.left, self.note = "paused", 0.0, None, ""

    def discard(self) -> None:
        """End it and free the room of what has come, unless it is finished or somebody else needs it."""
        self.pause()
        self.join(10)
        if self.download is None or self.phase == "done":
            return
        cache = hub.Cache()
        entry = cache.entry(self.download.key)
        if not entry.paths() and not entry.in_use:
            cache.remove(entry)

    def join(self, timeout: float) -> None:
        """Wait for the end of its thread."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def shown(self) -> dict[str, Any]:
        """As the page takes it."""
        known = self.download
        return {
            "number": self.number, "asked": self.asked, "title": self.title or hub.shown(self.asked),
            "phase": self.phase, "done": self.done, "total": self.total, "rate": self.rate, "left": self.left,
            "note": self.note, "problem": self.problem, "host": self.host, "path": str(self.path or ""),
            "quantization": known.quantization if known else "",
        }  # fmt: skip

    def _run(self, before: threading.Thread | None, stopped: threading.Event) -> None:
        if before is not None:
            before.join()
        try:
            self.download = self.download or hub.resolve(self.asked, stopped.is_set)
            self.title, self.total = self.download.title, self.download.size
            self._changed()
            for item in hub.fetch(self.download, stopped.is_set):
                self._take(item, stopped)
        except DownloadCancelled:
            self._end(stopped, "paused")
        except SamanthaError as error:
            self._end(stopped, "failed", str(error), getattr(error, "host", ""))
        except Exception:
            log.exception("a download ended by a fault of the program")
            self._end(stopped, "failed", "This ended by a fault of the program: the terminal shows where.")
        self._changed()

    def _take(self, item: hub.Progress | Path, stopped: threading.Event) -> None:
        with self._lock:
            if isinstance(item, Path):
                self.phase, self.path, self.rate, self.left, self.note = "done", item, 0.0, None, ""
                self.done = self.total or item.stat().st_size
            elif not stopped.is_set():
                self.phase, self.done, self.total = item.phase, item.done, item.total
                self.rate, self.left, self.note = item.rate, item.left, item.note

    def _end(self, stopped: threading.Event, phase: Phase, problem: str = "", host: str = "") -> None:
        with self._lock:
            if stopped is not self._stopped:
                return  # it was begun anew meanwhile
            self.phase, self.problem, self.host = phase, problem, host
            self.rate, self.left, self.note = 0.0, None, ""


class DownloadDesk:
    """The downloads of the program. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._jobs: dict[int, Job] | None = None
        self._number = 0
        self._closed = False

    def shown(self) -> list[dict[str, Any]]:
        """All of them, the newest first."""
        return [job.shown() for job in self.jobs()]

    def jobs(self) -> list[Job]:
        """All of them, the newest first."""
        return list(reversed(list(self._all().values())))

    def begin(self, asked: str) -> Job:
        """Begin a download, or go on with the one of the same link.

        Raises:
            FieldError: nothing was named, or too many are in the list.
        """
        asked = asked.strip()
        if not asked:
            raise FieldError("models", key="hub.nothing_pasted")
        with self._lock:
            jobs = self._all()
            for job in jobs.values():
                if job.asked == asked:
                    job.resume()
                    return job
            if len(jobs) >= MOST_JOBS:
                raise FieldError("models", key="hub.too_many", count=MOST_JOBS)
            return self._add(asked, None)

    def of(self, number: object) -> Job:
        """The download of that number.

        Raises:
            FieldError: it is not in the list any more.
        """
        job = self._all().get(number) if isinstance(number, int) else None
        if job is None:
            raise FieldError("models", key="hub.gone")
        return job

    def pause(self, number: object) -> None:
        """Pause one; what has come is kept."""
        self.of(number).pause()
        self._remember()

    def resume(self, number: object) -> None:
        """Go on with one."""
        self.of(number).resume()

    def remove(self, number: object) -> None:
        """Take one out of the list; of an unfinished one what has come is thrown away."""
        job = self.of(number)
        job.discard()
        with self._lock:
            self._all().pop(job.number, None)
        self._remember()

    def close(self) -> None:
        """The program ends: all stop, keeping what has come."""
        with self._lock:
            self._closed = True
            jobs = list((self._jobs or {}).values())
        for job in jobs:
            if job.running:
                job.pause()
        for job in jobs:
            job.join(3)
        if jobs:
            self._remember(closing=True)

    def _all(self) -> dict[int, Job]:
        """The list; what an earlier program did not finish stands in it from the first look on."""
        with self._lock:
            if self._jobs is None:
                self._jobs = {}
                for one in _load():
                    self._add(one.asked, one)
            return self._jobs

    def _add(self, asked: str, begun: Remembered | None) -> Job:
        assert self._jobs is not None
        self._number += 1
        job = Job(self._number, asked, self._remember, begun)
        self._jobs[job.number] = job
        return job

    def _remember(self, closing: bool = False) -> None:
        """Keep what is not finished. A list that cannot be written is no reason to stop."""
        with self._lock:
            if self._jobs is None or (self._closed and not closing):
                return
            unfinished = [
                Remembered(job.asked, job.title, job.done, job.total)
                for job in self._jobs.values()
                if (job.phase != "done" and (job.phase != "failed" or job.done)) and storable(job.asked)
            ]
            with contextlib.suppress(SettingsError, OSError):
                path = _path()
                partial = path.with_suffix(".part")
                partial.write_bytes(msgspec.json.encode(unfinished))
                partial.replace(path)


def storable(asked: str) -> bool:
    """Whether a link may be written to a file: what follows a `?` may be a signature, which is a secret."""
    try:
        return isinstance(references.parse(asked), references.Reference) or "?" not in asked
    except SamanthaError:
        return False


def _path() -> Path:
    return settings.data_folder() / "unfinished-downloads.json"


def _load() -> list[Remembered]:
    try:
        return msgspec.json.decode(_path().read_bytes(), type=list[Remembered])[:MOST_JOBS]
    except (OSError, SettingsError, msgspec.DecodeError):
        return []
