"""The models in memory: one program has one Residency, shared by its sessions. One model is loaded at a time for now.

A model in use stays; another session that wants it, or its memory, waits until the step is over.
"""

import threading
from collections.abc import Callable, Iterator

from samantha.errors import ModelError
from samantha.models import library
from samantha.models.model import Loading, LoadOptions, Model
from samantha.models.remote import RemoteModel


class Residency:
    """A `ModelSource` over workers. `close` ends them all."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._resident: RemoteModel | None = None
        self._options: LoadOptions | None = None
        self._in_use = False

    def acquire(self, name: str, options: LoadOptions, cancelled: Callable[[], bool]) -> Iterator[Loading | Model]:
        """See `models.model.ModelSource`."""
        found = library.find(name)
        self._reserve(cancelled)
        complete = False
        try:
            model = self._worker(found, options)
            if self._options != options or model is not self._resident:
                self._resident, self._options = model, None
                yield from model.open(options, cancelled)
                self._options = options
            complete = True
        finally:
            if not complete:
                self._forget()
        yield model

    def release(self, model: Model) -> None:  # noqa: ARG002 - one model is resident
        """The step is over: the model stays loaded and free for the next."""
        with self._changed:
            self._in_use = False
            self._changed.notify()

    def unload(self) -> None:
        """Free the memory of the model that is loaded, unless it is in use."""
        with self._changed:
            if not self._in_use and self._resident:
                self._resident.close()
                self._resident = self._options = None

    def close(self) -> None:
        """End every worker, in use or not."""
        with self._changed:
            if self._resident:
                self._resident.close()
            self._resident = self._options = None

    def resident(self) -> str | None:
        """The name of the loaded model."""
        return self._resident.name if self._resident else None

    def _reserve(self, cancelled: Callable[[], bool]) -> None:
        with self._changed:
            while self._in_use:
                if cancelled():
                    raise ModelError("Waiting for the model that another run uses was cancelled.")
                self._changed.wait(0.05)
            self._in_use = True

    def _worker(self, found: library.ModelFile, options: LoadOptions) -> RemoteModel:
        """The resident worker when it fits, else a fresh one in its place."""
        current = self._resident
        if current and current.alive and current.path == found.path and self._same_weights(options):
            return current
        if current:
            current.close()
            self._resident = self._options = None
        return RemoteModel(found.path, found.name)

    def _same_weights(self, options: LoadOptions) -> bool:
        return self._options is not None and self._options.n_gpu_layers == options.n_gpu_layers

    def _forget(self) -> None:
        """A load that failed or was cancelled leaves nothing behind."""
        with self._changed:
            if self._resident:
                self._resident.kill()
            self._resident = self._options = None
            self._in_use = False
            self._changed.notify()
