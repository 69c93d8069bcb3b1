"""The links of a program's runs: looked up once, fetched once, not tidied away while they are needed.

One `Links` belongs to whoever owns the loaded models (`models/residency.py`); it may be used from any thread.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from samantha.models.hub.cache import Cache
from samantha.models.hub.downloads import Download, Progress
from samantha.models.hub.faults import Patience
from samantha.models.hub.fetching import fetch
from samantha.models.hub.prefetching import Prefetch
from samantha.models.hub.resolving import NEVER, Unusable, resolve, resolve_list


class Links:
    """What was pasted, and what it meant when it was looked up. `close` lets go of everything."""

    def __init__(self, cache: Cache | None = None, patience: Patience | None = None) -> None:
        self._given, self._patience = cache, patience
        self._known: dict[str, Download] = {}
        self._held: dict[str, contextlib.ExitStack] = {}
        self._lock = threading.Lock()

    def begin(self, texts: Iterable[str], cancelled: Callable[[], bool] = NEVER) -> list[Download | Unusable]:
        """Look up the links of a run before it starts; they mean this until the next `begin` that names them.

        Where something has to be fetched for it, models that were downloaded for testing only, and that no run holds,
        make room.

        Raises:
            DownloadCancelled: `cancelled` said so.
        """
        found = list(resolve_list("\n".join(texts), cancelled, self._patience, self._cache))
        usable = {one.asked: one for one in found if isinstance(one, Download)}
        with self._lock:
            self._known.update(usable)
        needed = {one.key for one in usable.values()}
        if any(not self._cache.entry(key).paths() for key in needed):
            self._cache.tidy(needed)
        return found

    def obtain(self, text: str, cancelled: Callable[[], bool] = NEVER) -> Iterator[Progress | Path]:
        """Progress, then the path to load; looked up first where `begin` has not. It is held until `release`.

        Raises:
            DownloadError: it cannot be had; one sentence says why.
        """
        download = self._known.get(text) or resolve(text, cancelled, self._patience, self._cache)
        with self._lock:
            self._known[text] = download
            if download.key not in self._held:
                self._held[download.key] = contextlib.ExitStack()
                self._held[download.key].enter_context(self._cache.entry(download.key).held())
        yield from fetch(download, cancelled, self._cache, self._patience)

    def download(self, text: str) -> Download | None:
        """What `text` means, if it was looked up."""
        return self._known.get(text)

    def ahead(self, text: str) -> Prefetch | None:
        """Begin to fetch what `text` was looked up to mean; whoever obtains it then waits for this. None: not known."""
        known = self._known.get(text)
        return Prefetch([known], self._cache, self._patience) if known else None

    def release(self, texts: Iterable[str]) -> None:
        """No later step needs these: they may make room when another run fetches something."""
        with self._lock:
            for text in texts:
                known = self._known.get(text)
                if known and (held := self._held.pop(known.key, None)):
                    held.close()

    def close(self) -> None:
        """Let go of all."""
        self.release(list(self._known))

    @property
    def _cache(self) -> Cache:
        """Not made before it is used: the data folder may not be there yet."""
        return self._given or Cache()
