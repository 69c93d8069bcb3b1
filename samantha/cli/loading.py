"""A model for a command that asks it something without a run: loaded with progress, stoppable, released."""

import contextlib
import sys
import threading
from collections.abc import Iterator

from samantha.cli.interruption import stopped_by_interrupt
from samantha.errors import ModelError
from samantha.models.model import Fetching, Loading, LoadOptions, Model, ModelSource


@contextlib.contextmanager
def loaded(models: ModelSource, name: str, options: LoadOptions) -> Iterator[Model]:
    """The model of that name or path, released at the end.

    Raises:
        ModelError: it cannot be found or loaded.
        KeyboardInterrupt: Ctrl-C while it was loaded.
    """
    stopped = threading.Event()
    model: Model | None = None
    try:
        with stopped_by_interrupt(stopped.set):
            for one in models.acquire(name, options, stopped.is_set):
                if isinstance(one, Loading | Fetching):
                    doing = "loading" if isinstance(one, Loading) else one.phase
                    progress(f"{doing} {name} {one.progress:.0%}")
                else:
                    model = one
    except ModelError:
        if stopped.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        progress("")
    assert model is not None
    try:
        yield model
    finally:
        models.release(model)


def progress(text: str) -> None:
    """Rewrite the line of progress on standard error, on a terminal only; empty takes it away."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:60}" + ("" if text else "\r"))
        sys.stderr.flush()
