"""Real workers from outside: which processes there are, and what is done to them while a chain runs."""

import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from samantha import events
from samantha.chain.chain import Chain
from samantha.chain.engine import Run, run
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models.residency import Residency

LONG = "hello there my friend " * 350
"""More than 3,000 tokens: seconds of a prompt pass for the slow model."""

KNOBS = Hyperparameters(max_tokens=300, n_threads=1, n_ctx=4096)


def workers(of: int | None = None) -> list[psutil.Process]:
    """The processes that hold models, or are about to, inside their sandboxes where there are any."""
    found = []
    for process in psutil.Process(of).children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if "samantha.models.worker" in command and "bwrap" not in Path(command[0]).name:
            found.append(process)
    return found


def signalled(number: int) -> None:
    """Send a signal to every worker."""
    for process in workers():
        process.send_signal(number)


class AtLoad:
    """Does something to a worker so many seconds after its process is there."""

    def __init__(self, wait: float, work: Callable[[psutil.Process], None]) -> None:
        self._wait, self._work = wait, work
        self._known = {process.pid for process in workers()}
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for process in workers():
                if process.pid not in self._known:
                    time.sleep(self._wait)
                    self._work(process)
                    self.done.set()
                    return
            time.sleep(0.005)


def chain(model: Path, prompts: Iterable[str], knobs: Hyperparameters = KNOBS) -> Chain:
    """One step for each prompt."""
    return Chain(models=(str(model),), prompts="\n".join(prompts), hyperparameters=knobs, seed=7)


def played(
    asked: Chain, residency: Residency, at: dict[tuple[type[Event], int, int], Callable[[Run], None]]
) -> list[Event]:
    """Every event of a run; `at` says what is done at the n-th event of a kind in a step, by (kind, step, n)."""
    playing = run(asked, residency)
    found: list[Event] = []
    seen: dict[tuple[type[Event], int], int] = {}
    for event in playing:
        found.append(event)
        kind = (type(event), getattr(event, "step", None) or 0)
        seen[kind] = seen.get(kind, 0) + 1
        work = at.get((*kind, seen[kind]))
        if work:
            work(playing)
    return found


def kill(number: signal.Signals) -> Callable[[Run], None]:
    """What `played` does to kill the worker."""
    return lambda _: signalled(number)


def outcome(found: list[Event]) -> list[str]:
    """For each step in order, what became of it: `failed` or the reason of its end."""
    ends: dict[int, str] = {}
    for event in found:
        if isinstance(event, events.StepFailed):
            assert event.step not in ends
            ends[event.step or 0] = "failed"
        elif isinstance(event, events.StepFinished):
            assert event.step not in ends
            ends[event.step or 0] = event.reason
    return [ends[step] for step in sorted(ends)]


def shown(found: list[Event], step: int) -> str:
    """What was shown of a step, token by token."""
    tokens = [event for event in found if isinstance(event, events.TokenGenerated)]
    return "".join(event.shown for event in tokens if event.step == step)
