"""What a tab asks of the hub and of servers: look up links, list a repository, search, check a server.

Each is a task of `model_desk.py` on a thread of its own, one of a kind at a time, which can be stopped. What a page is
sent of them is said here too. Nothing is downloaded here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from samantha.errors import EndpointNotConfirmed
from samantha.models import endpoints, hub
from samantha.models.endpoints import known
from samantha.models.endpoints.address import is_address
from samantha.models.endpoints.faults import Patience
from samantha.models.endpoints.server import NAMES, Facts, Server
from samantha.models.hub import fitting, room
from samantha.models.model import LoadOptions, ModelSource
from samantha.ui.model_desk import Task

Gone = Callable[[], bool]
Row = dict[str, Any]

MOST_LINKS = 200
"""Links that are looked up at once."""


class LookUpTask(Task):
    """Every link of a pasted list, in order."""

    def __init__(self, source: ModelSource, number: int, gone: Gone, text: str) -> None:
        self.items = hub.items(text)[:MOST_LINKS]
        self.found: list[hub.Download | hub.Unusable] = []
        super().__init__(source, number, gone)

    def _work(self) -> None:
        self.phase, self.total = "working", len(self.items)
        for one in hub.resolve_list("\n".join(self.items), self._cancelled):
            self.found.append(one)
            self.done = len(self.found)


class LinksTask(Task):
    """All models of a repository."""

    def __init__(self, source: ModelSource, number: int, gone: Gone, text: str) -> None:
        self.text = text
        self.found: list[hub.Listed] = []
        super().__init__(source, number, gone)

    def _work(self) -> None:
        self.phase = "working"
        self.found = hub.listed(self.text, self._cancelled)


class SearchTask(Task):
    """Repositories with models."""

    def __init__(
        self, source: ModelSource, number: int, gone: Gone, words: str, family: str, kind: str, largest: float | None
    ) -> None:
        self.asked = (words, family, kind, largest)
        self.found: list[hub.Found] = []
        super().__init__(source, number, gone)

    def _work(self) -> None:
        self.phase = "working"
        self.found = hub.search(*self.asked, limit=40, cancelled=self._cancelled)


class ServerTask(Task):
    """A server: its models, and what it is where one of them is chosen or is the only one."""

    def __init__(self, source: ModelSource, number: int, gone: Gone, name: str) -> None:
        self.name = name
        self.models: tuple[str, ...] = ()
        self.facts: Facts | None = None
        self.counts = False
        self.origin = ""
        """What has to be confirmed first."""
        super().__init__(source, number, gone)

    def _work(self) -> None:
        self.phase = "working"
        found, entry = known.resolve(self.name)
        try:
            server = Server(found, entry, Patience(attempts=2), self._cancelled)
        except EndpointNotConfirmed as error:
            self.origin = error.origin
            raise
        self.models = server.models()
        if found.model or len(self.models) == 1:
            model = endpoints.find(self.name, patience=Patience(attempts=2))
            for _ in model.open(LoadOptions(), self._cancelled):
                pass
            self.facts, self.counts = model.facts, model.counts_tokens


def looked_up(task: LookUpTask) -> Row:
    """The rows that are there so far, and the room on the disk."""
    cache = hub.Cache()
    return {"rows": [_row(one, cache) for one in list(task.found)], "free": room.free(cache.folder)}


def _row(one: hub.Download | hub.Unusable, cache: hub.Cache) -> Row:
    if isinstance(one, hub.Unusable):
        return {"asked": one.asked, "title": hub.shown(one.asked), "problem": one.problem, "host": one.host}
    entry = cache.entry(one.key)
    there = bool(entry.paths())
    size = one.size
    return {
        "asked": one.asked, "title": one.title, "repository": one.repository, "quantization": one.quantization,
        "size": size, "parts": len(one.files), "fits": fitting.fit(size) if size is not None else "",
        "needed": fitting.needed(size) if size is not None else None, "there": there,
        "arrived": 0 if there else entry.arrived(), "private": any(file.private for file in one.files),
    }  # fmt: skip


def links(task: LinksTask) -> Row:
    """The models of the repository."""
    return {
        "rows": [
            {"asked": one.url, "file": one.file, "quantization": one.quantization, "size": one.size,
             "parts": one.parts, "fits": one.fits, "gated": one.gated}
            for one in task.found
        ]
    }  # fmt: skip


def searched(task: SearchTask) -> Row:
    """What was found."""
    return {
        "rows": [
            {"repository": one.repository, "downloads": one.downloads, "updated": one.updated[:10],
             "gated": one.gated, "parameters": one.parameters, "quantizations": list(one.quantizations)}
            for one in task.found
        ]
    }  # fmt: skip


def checked(task: ServerTask) -> Row:
    """What the server is and has; `uses` is what a chain calls each of its models."""
    facts = task.facts
    names = task.models or ((facts.model,) if facts else ())
    base = task.name.partition("#")[0]
    row: Row = {"name": task.name, "origin": task.origin, "models": [
        {"name": name, "use": f"{base}#{_quoted(base, name)}" if name else base} for name in names
    ]}  # fmt: skip
    if facts:
        row |= {
            "kind": f"{NAMES[facts.kind]} {facts.version}".strip(), "model": facts.model, "n_ctx": facts.n_ctx,
            "parallel": facts.parallel, "counts": task.counts,
        }  # fmt: skip
    return row


def _quoted(base: str, name: str) -> str:
    """A model's name as it follows a `#`: in an address it is quoted, after the name of a server it stands as it is."""
    from urllib.parse import quote

    return quote(name, safe="/:@+,") if is_address(base) else name


def keep(download: hub.Download, folder: Path, testing: bool) -> Path:
    """Make a finished download a file of the user's.

    Raises:
        DownloadError: it is not finished, or the folder does not take it.
    """
    return hub.for_testing(download, folder) if testing else hub.keep(download, folder)
