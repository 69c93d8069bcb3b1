"""The chain engine: `run(chain, models)` gives a `Run`, an iterator of Events. No file, no network, no page."""

from collections.abc import Iterator

from samantha.chain.chain import Chain
from samantha.events import Event
from samantha.models.model import ModelSource


class Run(Iterator[Event]):
    """The stream of a run's events. It is pulled: nothing happens while nobody reads.

    `stop` and `skip` are thread-safe. `buffered` says how many events can be read without waiting.
    """

    id: str
    buffered: int

    def __next__(self) -> Event:
        raise NotImplementedError

    def stop(self) -> None:
        """End the run: the step in progress finishes with reason `stopped`, then `run_finished`."""

    def skip(self) -> None:
        """End the step in progress with reason `skipped`; the run goes on."""


def run(chain: Chain, models: ModelSource, *, window: int = 256, batches: bool = True) -> Run:
    """Check the chain and start it.

    Raises:
        ChainError: a mistake in the chain; no event was made.
    """
    raise NotImplementedError
