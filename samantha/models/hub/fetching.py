"""The download itself: one program fetches, the others wait, what has come is kept, and only right bytes are accepted.

Accepted is a file whose length and checksum are those that the hub vouches for; of a host that vouches for nothing, one
of the announced length that is a whole GGUF file. Its final name appears only then. Why not `hf_hub_download`: version
2.4 keeps no part of a download that was cut (its temporary names are unique), compares no SHA-256, follows redirects to
any host, only warns of a full disk, and cannot be cancelled.
"""

import contextlib
from collections.abc import Callable, Collection, Generator, Iterator
from pathlib import Path
from time import monotonic, sleep

from samantha.errors import DownloadError
from samantha.models.hub import room
from samantha.models.hub.cache import Cache, Entry, taken
from samantha.models.hub.connection import TICK, cancellation
from samantha.models.hub.downloads import Download, Phase, Progress, RemoteFile
from samantha.models.hub.faults import Patience, TemporaryFault
from samantha.models.hub.part import Part
from samantha.models.hub.rate import Rate, left
from samantha.models.hub.references import shown
from samantha.models.hub.resolving import NEVER
from samantha.models.hub.retrying import pause
from samantha.models.hub.transfer import transfer

WON = 1 << 20
"""Bytes beyond the furthest point so far that make earlier faults forgotten."""

TELL = 0.2
"""Seconds between two progress reports."""


def fetch(
    download: Download,
    cancelled: Callable[[], bool] = NEVER,
    cache: Cache | None = None,
    patience: Patience | None = None,
) -> Iterator[Progress | Path]:
    """Progress, and at last the path of the model (of a split one: of its first part). At once when it is there.

    Not reading on pauses it. Closing the iterator, cancelling and being killed keep what has come, and the next
    `fetch` of the same download goes on from there, also in another process. Any number may run at the same time.

    Raises:
        DownloadCancelled: `cancelled` said so, within a fraction of a second.
        DownloadError: it failed; one sentence says why and what to do.
    """
    cache = cache or Cache()
    entry = cache.entry(download.key)
    told = _Told(download)
    paths = entry.paths()
    if not paths:
        with entry.held(), contextlib.ExitStack() as until_done:
            yield from _turn(entry, cancelled, told, until_done)
            paths = entry.paths()
            if not paths:
                check_room([download], cache)
                paths = yield from _files(entry, download, cancelled, patience or Patience(), told)
                entry.finished(download, paths)
    entry.asked(download)
    yield paths[0]


class _Told:
    """Makes the reports of one download; `before` is the size of the files that are finished."""

    def __init__(self, download: Download) -> None:
        self._url, self._total = shown(download.files[0].url), download.size
        self._rate, self._next = Rate(), 0.0
        self.before = 0

    def report(self, phase: Phase, done: int, note: str = "", at_once: bool = False) -> Iterator[Progress]:
        """A report, if the last was a while ago."""
        now = monotonic()
        if not at_once and now < self._next:
            return
        self._next = now + TELL
        done += self.before
        rate = self._rate.at(done) if phase in ("downloading", "waiting") else 0.0
        yield Progress(self._url, phase, done, self._total, rate, left(done, self._total, rate), note)


def _turn(
    entry: Entry, cancelled: Callable[[], bool], told: _Told, until_done: contextlib.ExitStack
) -> Iterator[Progress]:
    """Wait until nobody else downloads it, showing how far they are; then it is ours until `until_done` closes."""
    lock = entry.lock()
    while not taken(lock, cancelled):
        if cancelled():
            raise cancellation()
        yield from told.report("waiting", entry.arrived(), "It is being downloaded already: waiting for that.")
    until_done.callback(lock.release)


def check_room(downloads: Collection[Download], cache: Cache | None = None) -> None:
    """Refuse, before anything is fetched, what does not fit the disk together.

    Raises:
        DownloadError: with the numbers.
    """
    cache = cache or Cache()
    wanted = {download.key: download for download in downloads}
    needed = sum(_missing(cache.entry(key), download) for key, download in wanted.items())
    title = next(iter(wanted.values())).title if len(wanted) == 1 else f"Fetching these {len(wanted)} models"
    if needed:
        room.check(cache.folder, needed, title)


def _missing(entry: Entry, download: Download) -> int:
    """Bytes that are still to come; 0 where nobody says how many."""
    if download.size is None or entry.paths():
        return 0
    return download.size - min(entry.arrived(), download.size)


def _files(
    entry: Entry, download: Download, cancelled: Callable[[], bool], patience: Patience, told: _Told
) -> Generator[Progress, None, tuple[Path, ...]]:
    """Each file in turn."""
    paths = []
    for file in download.files:
        target = entry.folder / file.name
        part = Part(file, target)
        try:
            for done in part.catch_up():
                if cancelled():
                    raise cancellation()
                yield from told.report("checking", done, "Checking what is there already.")
            yield from _complete(file, part, cancelled, patience, told)
            paths.append(part.finish())
        finally:
            part.close()
        told.before += paths[-1].stat().st_size
    yield from told.report("downloading", 0, at_once=True)
    return tuple(paths)


def _complete(
    file: RemoteFile, part: Part, cancelled: Callable[[], bool], patience: Patience, told: _Told
) -> Iterator[Progress]:
    """Fetch until it is whole and right.

    Raises:
        DownloadError: too many faults in a row, or twice the wrong bytes.
    """
    faults = furthest = 0
    spoiled = False
    while True:
        try:
            if file.size is None or part.length < file.size:
                for done in transfer(file, part, cancelled, patience):
                    yield from told.report("downloading", done)
            if not (problem := part.spoiled()):
                return
            part.restart()
            if spoiled:
                raise DownloadError(f"{problem} They were thrown away: tell the owner of the file, or choose another.")
            spoiled = True
        except TemporaryFault as fault:
            if part.length >= furthest + WON:
                faults, furthest = 0, part.length
            faults += 1
            for seconds in pause(fault, faults, cancelled, patience):
                yield from told.report("pausing", part.length, f"{fault} Again in {seconds:.0f} s.")
                sleep(min(TICK, seconds))
