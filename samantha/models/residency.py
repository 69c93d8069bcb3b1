"""The models in memory: one program has one Residency, shared by its sessions.

One model is loaded at a time unless there is a memory budget: then several stay, and the least recently used goes
first. One model works at a time, because several would take each other's cores; who wants another one waits for the
end of the step. Links are fetched first, and models on servers are asked for; neither waits for a model that works.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from samantha import settings
from samantha.errors import ModelError
from samantha.models import endpoints, gguf, hub, library, memory
from samantha.models.model import Fetching, Loading, LoadOptions, Model
from samantha.models.read_ahead import ReadAhead
from samantha.models.remote import RemoteModel, parts_of

Key = tuple[Path, int]
"""Which weights: the file, and how many of its layers a graphics card has."""


class Resident:
    """A model that is loaded, with the options of its context (None: it was not loaded to the end)."""

    def __init__(self, model: RemoteModel) -> None:
        self.model = model
        self.options: LoadOptions | None = None
        self.version = _version(model.path)
        """Tells a file that was replaced meanwhile from the one that is loaded."""

    @property
    def size(self) -> int:
        """Bytes of memory that its worker holds."""
        return self.model.memory()


class Residency:
    """A `ModelSource` over workers. `close` ends them all."""

    def __init__(self, budget: int = 0) -> None:
        """`budget` is how many bytes the loaded models may hold together; 0 keeps one model, whatever its size."""
        self.budget = budget
        self._changed = threading.Condition()
        self._residents: dict[Key, Resident] = {}
        """The least recently used first."""
        self._in_use: Key | None = None
        self._reserved = False
        self._ahead = ReadAhead()
        self._links = hub.Links()
        self._fetching: tuple[str, hub.Prefetch] | None = None
        self._servers = endpoints.Servers()

    def begin(self, names: Sequence[str], cancelled: Callable[[], bool]) -> Sequence[str]:
        """See `models.model.ModelSource`: links are looked up, so that a run means the same bytes to its end."""
        self._servers.begin()
        links = [name for name in dict.fromkeys(names) if _is_link(name)]
        if not links:
            return ()
        return [one.problem for one in self._links.begin(links, cancelled) if isinstance(one, hub.Unusable)]

    def end(self, names: Sequence[str]) -> None:
        """See `models.model.ModelSource`."""
        self._links.release([name for name in names if _is_link(name)])

    def acquire(
        self, name: str, options: LoadOptions, cancelled: Callable[[], bool]
    ) -> Iterator[Fetching | Loading | Model]:
        """See `models.model.ModelSource`."""
        if endpoints.is_endpoint(name):
            yield from self._servers.acquire(name, options, cancelled)
            return
        found = None
        for item in self._file(name, cancelled):
            if isinstance(item, Fetching):
                yield item
            else:
                found = item
        assert found is not None
        options = _with_threads(options)
        key = (found.path, options.n_gpu_layers)
        self._reserve(cancelled)
        complete = False
        try:
            resident = self._resident(key, found.name, options)
            if resident.options != options:
                resident.options = None
                yield from resident.model.open(options, cancelled)
                resident.options = options
            self._keep_within_budget(key)
            complete = True
        finally:
            if not complete:
                self._forget(key)
        yield resident.model

    def _file(self, name: str, cancelled: Callable[[], bool]) -> Iterator[Fetching | library.ModelFile]:
        """The file of a model, fetched where it is a link. A download holds up no other run."""
        if not _is_link(name):
            yield library.find(name)
            return
        for item in self._links.obtain(name, cancelled):
            if isinstance(item, hub.Progress):
                yield Fetching(item.url, item.done, item.total, item.rate, item.phase, item.left, item.note)
            else:
                yield library.ModelFile(name, item)

    def release(self, model: Model) -> None:
        """The step is over: a model that is loaded here stays so, free for the next."""
        if isinstance(model, endpoints.EndpointModel):
            self._servers.release(model)
        else:
            self._let_go()

    def expect(self, name: str) -> None:
        """The model that comes next is fetched, or read into the page cache, while the present one works."""
        if endpoints.is_endpoint(name):
            return
        if _is_link(name):
            self._fetch_ahead(name)
            return
        try:
            found = library.find(name)
        except ModelError:
            return  # whoever acquires it is told
        if all(found.path != path for path, _ in list(self._residents)):
            self._ahead.begin(_files(found.path))

    def _fetch_ahead(self, name: str) -> None:
        if self._fetching:
            if self._fetching[0] == name:
                return
            self._fetching[1].close()
        fetching = self._links.ahead(name)
        self._fetching = (name, fetching) if fetching else None

    def unload(self, name: str | None = None) -> list[str]:
        """Free the memory of a model, or of all of them, but of one in use; the names of those that went."""
        with self._changed:
            gone = [
                key for key, resident in self._residents.items()
                if key != self._in_use and name in (None, resident.model.name)
            ]  # fmt: skip
            names = [self._residents[key].model.name for key in gone]
            for key in gone:
                self._residents.pop(key).model.close()
        return names

    def close(self) -> None:
        """End every worker, in use or not."""
        self._ahead.end()
        if self._fetching:
            self._fetching[1].close()
        self._links.close()
        with self._changed:
            for resident in self._residents.values():
                resident.model.close()
            self._residents = {}

    def resident(self) -> str | None:
        """The name of the model that was used last."""
        loaded = self.loaded()
        return loaded[-1][0] if loaded else None

    def loaded(self) -> list[tuple[str, int]]:
        """Name and bytes of each loaded model, the one that was used last at the end."""
        with self._changed:
            return [(resident.model.name, resident.size) for resident in self._residents.values()]

    def _reserve(self, cancelled: Callable[[], bool]) -> None:
        with self._changed:
            while self._reserved:
                if cancelled():
                    raise ModelError("Waiting for the model that another run uses was cancelled.")
                self._changed.wait(0.05)
            self._reserved = True

    def _let_go(self) -> None:
        with self._changed:
            self._reserved, self._in_use = False, None
            self._changed.notify()

    def _resident(self, key: Key, name: str, options: LoadOptions) -> Resident:
        """The worker that has these weights, else a fresh one, for which others may have to go.

        Raises:
            ModelError: the file cannot be used, or is too large.
        """
        with self._changed:
            resident = self._residents.get(key)
            if resident is not None and not (resident.model.alive and resident.version == _version(key[0])):
                self._drop(key)
                resident = None
            if resident is None or resident.options != options:
                header = gguf.read_model(key[0])
                memory.check_fits(header, options, freed=self._held())
            if resident is None:
                self._make_room(memory.estimate(header, options).needed)
                resident = Resident(RemoteModel(key[0], name))
            self._residents[key] = self._residents.pop(key, resident)
            self._in_use = key
            return resident

    def _make_room(self, needed: int) -> None:
        """Let go what has to go before so many bytes are taken, the least recently used first.

        What other programs hold counts too: a budget is no promise that the memory is there.
        """
        available = memory.memory().available
        while self._residents and (self._held() + needed > self.budget or needed > available):
            oldest = next(iter(self._residents))
            available += self._residents[oldest].size
            self._drop(oldest)

    def _keep_within_budget(self, key: Key) -> None:
        """Let others go where a model turned out larger than its file, with its context."""
        with self._changed:
            while len(self._residents) > 1 and self._held() > self.budget:
                self._drop(next(other for other in self._residents if other != key))

    def _held(self) -> int:
        return sum(resident.size for resident in self._residents.values())

    def _drop(self, key: Key) -> None:
        self._residents.pop(key).model.close()

    def _forget(self, key: Key) -> None:
        """A load that failed or was cancelled leaves nothing behind."""
        with self._changed:
            resident = self._residents.pop(key, None)
            if resident:
                resident.model.kill()
        self._let_go()


def _is_link(name: str) -> bool:
    """Whether a name means a file that has to be fetched: a file that is here has the right of way."""
    if not hub.is_remote(name) or endpoints.is_endpoint(name) or Path(name).expanduser().exists():
        return False
    return "://" in name or name not in library.names()  # other programs' models may be called user/name, too


def _with_threads(options: LoadOptions) -> LoadOptions:
    """The options with the number of threads that was measured to be the best here, where none is asked for."""
    kept = settings.load().n_threads if options.n_threads is None else None
    return msgspec.structs.replace(options, n_threads=kept) if kept else options


def _version(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return (0, 0)
    return (state.st_size, state.st_mtime_ns)


def _files(path: Path) -> list[Path]:
    return parts_of(path) or [path]
