"""Fetching the next model while the current one answers; whoever wants it then calls `fetch`, which waits for this.

A failure here is silent: the `fetch` that follows meets it again and reports it.
"""

import threading
from collections.abc import Callable, Iterable

from samantha.errors import DownloadError
from samantha.models.hub.cache import Cache
from samantha.models.hub.downloads import Download
from samantha.models.hub.faults import Patience
from samantha.models.hub.fetching import fetch


class Prefetch:
    """Fetches downloads one after the other in a thread of its own. `close` ends it, keeping what has come."""

    def __init__(
        self, downloads: Iterable[Download], cache: Cache | None = None, patience: Patience | None = None
    ) -> None:
        self._downloads, self._cache, self._patience = tuple(downloads), cache, patience
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; returns when it has let go of what it was fetching."""
        self._closed.set()
        self._thread.join()

    def wait(self) -> None:
        """Until all is fetched or has failed."""
        self._thread.join()

    def _run(self) -> None:
        for download in self._downloads:
            self._fetch(download, self._closed.is_set)

    def _fetch(self, download: Download, cancelled: Callable[[], bool]) -> None:
        if cancelled():
            return
        try:
            for _ in fetch(download, cancelled, self._cache, self._patience):
                pass
        except DownloadError:
            return
