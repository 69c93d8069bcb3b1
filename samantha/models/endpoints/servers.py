"""The models on servers that a program uses: opened once for a run and not at every step. It holds no memory.

Several runs may use the same server: each gets a model of its own, and together they keep to the server's limit.
"""

import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from samantha.models.endpoints import known
from samantha.models.endpoints.address import Address
from samantha.models.endpoints.faults import Patience
from samantha.models.endpoints.model import EndpointModel, Slots
from samantha.models.model import Loading, LoadOptions
from samantha.settings import Endpoint


class _Use(NamedTuple):
    """What a model was opened for: when any of it changes, it is asked anew."""

    name: str
    address: Address
    entry: Endpoint
    options: LoadOptions


class Servers:
    """Acquires and releases models on servers, like a `ModelSource`. Thread-safe."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience
        self._slots = Slots()
        self._lock = threading.Lock()
        self._free: list[tuple[_Use, EndpointModel]] = []
        self._used: dict[int, _Use] = {}

    def begin(self) -> None:
        """A run begins: a server may have been started again with another model since, so all are asked anew."""
        with self._lock:
            self._free.clear()

    def acquire(
        self, name: str, options: LoadOptions, cancelled: Callable[[], bool]
    ) -> Iterator[Loading | EndpointModel]:
        """Progress where the server has to be asked what it is, then the model.

        Raises:
            EndpointError, ModelNotFound: see `endpoints.find` and `EndpointModel.open`.
        """
        use = _Use(name, *known.resolve(name), options)
        model = self._taken(use)
        if model is None:
            model = EndpointModel(name, use.address, use.entry, self._slots, self._patience)
            yield from model.open(options, cancelled)
        with self._lock:
            self._used[id(model)] = use
        yield model

    def release(self, model: EndpointModel) -> None:
        """The step is over. A server that failed is asked anew before it is used again."""
        with self._lock:
            use = self._used.pop(id(model), None)
            if use is not None and not model.failed:
                self._free.append((use, model))

    def _taken(self, use: _Use) -> EndpointModel | None:
        """A free model of the same use, whose key is still the one that would be sent."""
        with self._lock:
            for place, (known_use, model) in enumerate(self._free):
                if known_use == use and model.key_holds():
                    del self._free[place]
                    return model
        return None
