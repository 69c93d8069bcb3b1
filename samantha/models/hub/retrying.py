"""Trying again: bounded, waiting longer each time, heeding what the server asks, and stopping at once when told to."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import TypeVar

from samantha.errors import DownloadError
from samantha.models.hub.connection import TICK, cancellation
from samantha.models.hub.faults import Patience, TemporaryFault

Answer = TypeVar("Answer")


def patiently(ask: Callable[[], Answer], cancelled: Callable[[], bool], patience: Patience) -> Answer:
    """The answer of `ask`, asked again after temporary faults.

    Raises:
        DownloadError: the last fault's sentence, when it has failed too often.
    """
    fault = 0
    while True:
        try:
            return ask()
        except TemporaryFault as error:
            fault += 1
            for _ in pause(error, fault, cancelled, patience):
                sleep(TICK)


def pause(fault: TemporaryFault, number: int, cancelled: Callable[[], bool], patience: Patience) -> Iterator[float]:
    """Seconds left until the next try, again and again until it is time; the reader sleeps in between.

    Raises:
        TemporaryFault: the fault itself, when there have been too many.
        DownloadError: the server asks for a longer wait than is bearable.
        DownloadCancelled: `cancelled` said so.
    """
    if number >= patience.attempts:
        raise fault
    if (fault.retry_after or 0.0) > patience.longest_request:
        raise DownloadError(f"{fault} It asks to wait for {fault.retry_after:.0f} s.")
    end = monotonic() + patience.wait(number, fault.retry_after)
    while (left := end - monotonic()) > 0:
        if cancelled():
            raise cancellation()
        yield left
