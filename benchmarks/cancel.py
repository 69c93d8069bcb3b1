"""How long a user waits after Stop and after Next, in every phase of a step, and after a worker was killed.

    python -m benchmarks.cancel [FILE] [--rounds 20] [--phases download load prompt token code killed]

Real workers, a real sandbox and a hub on this computer that is slow. Each round asks at another moment of the phase,
from another thread, as the page does: Stop until the run has ended, Next until the step has. `killed` ends the worker's
process by SIGKILL, SIGSEGV and SIGABRT in turns, while it loads, evaluates a prompt and generates: how long from then
until the next step begins, less its load. Without FILE a model of 236 million random weights is made.
"""

import argparse
import math
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from benchmarks import random_model
from samantha import events
from samantha.chain.chain import Chain
from samantha.chain.engine import Run, run
from samantha.code.code import CodeRunner
from samantha.code.runner import SandboxRunner
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models import hub
from samantha.models.residency import Residency
from samantha.models.scripted import ScriptedSource

PHASES = ("download", "load", "prompt", "token", "code", "killed")
LONG = "alpha beta gamma delta " * 400
KNOBS = Hyperparameters(max_tokens=2000, n_threads=1, n_ctx=8192)
KILLED_AT = {"prompt": events.PromptProcessing, "token": events.TokenGenerated}
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)

CODES = {
    "a loop": "while True: pass",
    "a sleep": "import time\ntime.sleep(100)",
    "native code": "sum(range(10**12))",
    "a child that ignores signals": (
        "import signal, subprocess, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsubprocess.run([sys.executable, '-c', 'while True: pass'])"
    ),
    "much output": "while True: print('x' * 100)",
}


class Asked:
    """Asks a run to stop or to go on to the next step, so many seconds after something happened."""

    def __init__(self, playing: Run, action: str) -> None:
        self._playing, self._action = playing, action
        self.at = 0.0

    def after(self, seconds: float) -> None:
        """From a thread of its own, as the page does."""
        timer = threading.Timer(seconds, self._ask)
        timer.daemon = True
        timer.start()

    def _ask(self) -> None:
        self.at = time.perf_counter()
        getattr(self._playing, self._action)()


def waited(playing: Run, action: str, begins: Callable[[Event], bool], within: float) -> float | None:
    """Seconds from asking, at most `within` seconds after `begins`, to the end that was asked for; None: too late."""
    asked, begun = Asked(playing, action), False
    ended = 0.0
    for event in playing:
        if not begun and begins(event):
            begun = True
            asked.after(random.uniform(0, within))
        is_end = isinstance(event, events.RunFinished) if action == "stop" else _ends_a_step(event)
        if asked.at and is_end and not ended:
            ended = time.perf_counter()
    return ended - asked.at if ended else None


def _ends_a_step(event: Event) -> bool:
    reason = getattr(event, "reason", "")
    return isinstance(event, events.StepFinished | events.CodeFinished) and reason in ("skipped", "stopped")


def steps_of(path: Path, *prompts: str) -> Chain:
    """One step for each prompt."""
    return Chain(models=(str(path),), prompts="\n".join(prompts), hyperparameters=KNOBS)


def load(path: Path, action: str) -> float | None:
    """A load from its beginning, with the start of the worker."""
    residency = Residency()
    try:
        playing = run(steps_of(path, "hi"), residency)
        return waited(playing, action, lambda event: isinstance(event, events.RunStarted), 0.5)
    finally:
        residency.close()


def prompt(residency: Residency, path: Path, action: str) -> float | None:
    """A prompt of some thousand tokens, another one each time."""
    playing = run(steps_of(path, f"{random.random()} {LONG}"), residency)
    return waited(playing, action, lambda event: isinstance(event, events.PromptProcessing), 3.0)


def token(residency: Residency, path: Path, action: str) -> float | None:
    """An answer of 2,000 tokens."""
    playing = run(steps_of(path, "hi"), residency)
    return waited(playing, action, lambda event: isinstance(event, events.TokenGenerated), 2.0)


def code(runner: CodeRunner, number: int, action: str) -> float | None:
    """Code that would never end."""
    source = ScriptedSource({"m": [f"```python\n{list(CODES.values())[number % len(CODES)]}\n```"]})
    playing = run(Chain(models=("m",), prompts="p", run_code=True), source, code=runner)
    return waited(playing, action, lambda event: isinstance(event, events.CodeFound), 1.0)


def download(folder: Path, number: int, action: str) -> float | None:
    """A download that comes a little at a time, looked up before."""
    from tests.models.hub.faults import Slow
    from tests.models.hub.hub_server import HubServer

    server = HubServer()
    server.add("user/large", {"large-Q8_0.gguf": b"GGUF" + random.Random(number).randbytes(8_000_000)})
    server.faults.extend(Slow(50_000) for _ in range(9))
    os.environ["HF_ENDPOINT"] = server.endpoint
    residency = Residency()
    residency._links = hub.Links(hub.Cache(folder / f"{action}-{number}"))
    try:
        playing = run(Chain(models=("user/large",), prompts="p"), residency)
        return waited(playing, action, lambda event: isinstance(event, events.RunStarted), 1.5)
    finally:
        residency.close()
        server.close()


def workers() -> list[psutil.Process]:
    """The processes that hold models."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if "samantha.models.worker" in command and "bwrap" not in command[0]:
            found.append(process)
    return found


class Killer:
    """Ends the worker of a run, and remembers when."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number
        self.at = 0.0

    def kill(self) -> None:
        """End the workers there are."""
        for process in workers():
            process.send_signal(self._number)
            self.at = time.perf_counter()

    def kill_at_load(self) -> None:
        """End the next worker a moment after its process is there, from a thread of its own."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not workers():
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.2))
        self.kill()


def after_a_kill(path: Path, phase: str, number: signal.Signals) -> float:
    """Seconds from the kill to the beginning of the next step, less the load of its worker."""
    residency, killer = Residency(), Killer(number)
    loads, failed = 0.0, False
    if phase == "load":
        killer.kill_at_load()
    try:
        for event in run(steps_of(path, f"{LONG} x" if phase == "prompt" else "hi", "ho"), residency):
            if not killer.at and isinstance(event, KILLED_AT.get(phase, ())):
                killer.kill()
            failed |= isinstance(event, events.StepFailed)
            if isinstance(event, events.ModelLoaded) and failed:
                loads = event.seconds
            elif isinstance(event, events.StepStarted) and failed:
                return time.perf_counter() - killer.at - loads
        raise SystemExit("The worker was not killed in time.")
    finally:
        residency.close()


def rounds(phase: str, action: str, count: int, path: Path, folder: Path) -> Iterator[float]:
    """So many times of a phase that were in time."""
    residency, runner = Residency(), SandboxRunner(root=folder / "code")
    trials: dict[str, Callable[[int], float | None]] = {
        "download": lambda number: download(folder, number, action),
        "load": lambda _: load(path, action),
        "prompt": lambda _: prompt(residency, path, action),
        "token": lambda _: token(residency, path, action),
        "code": lambda number: code(runner, number, action),
    }
    done = tried = 0
    while done < count and tried < 3 * count:
        seconds = trials[phase](tried)
        tried += 1
        if seconds is not None:
            done += 1
            yield seconds
    residency.close()
    runner.close()


def tell(what: str, found: list[float]) -> None:
    """One line: median, 95th percentile and worst."""
    times = sorted(found)
    most = times[math.ceil(len(times) * 0.95) - 1]
    print(
        f"{what:16} {len(times):3} times: p50 {statistics.median(times):.3f} s, p95 {most:.3f} s,"
        f" at most {times[-1]:.3f} s", flush=True,
    )  # fmt: skip


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["SAMANTHA_HOME"] = str(folder / "home")
        path = (arguments.file or folder / "random.gguf").resolve()
        if arguments.file is None:
            random_model.write(path, words=100_000)
        for phase in arguments.phases:
            if phase == "killed":
                kinds = [(where, number) for where in ("load", "prompt", "token") for number in SIGNALS]
                tell("after a kill", [after_a_kill(path, *kinds[n % len(kinds)]) for n in range(arguments.rounds)])
                continue
            for action in ("stop", "skip"):
                tell(f"{phase}, {action}", list(rounds(phase, action, arguments.rounds, path, folder)))
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
