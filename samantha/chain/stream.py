"""What runs and branches of stored answers have in common: events that are pulled, from a model that is borrowed."""

import threading
from abc import abstractmethod
from collections.abc import Generator, Iterator

from samantha.events import Event
from samantha.models.model import Model


class EventStream(Iterator[Event]):
    """Events, one at a time; nothing happens while nobody reads. `_lock` guards what other threads change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Model | None = None
        """The model that is in use now."""
        self._stopping = False
        self._stream = self._events()

    @abstractmethod
    def _events(self) -> Generator[Event, None, None]:
        """All events."""

    def __next__(self) -> Event:
        return next(self._stream)

    def close(self) -> None:
        """Give it up where it is; the model is released."""
        self._stream.close()

    @property
    def buffered(self) -> int:
        """How many events can be read without waiting."""
        model = self._model
        return model.buffered if model else 0
