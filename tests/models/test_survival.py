"""Workers that are killed, hang or get no memory, in every phase of a chain as the page runs it: what it costs."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks import random_model
from samantha import events, sandbox
from samantha.chain.chain import Chain
from samantha.chain.engine import Run, run
from samantha.code.runner import SandboxRunner
from samantha.errors import WorkerDied
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models import messages
from samantha.models.model import GenerateRequest, LoadOptions, Token
from samantha.models.remote import RemoteModel
from samantha.models.residency import Residency
from samantha.models.scripted import ScriptedSource
from samantha.sandbox.worker import Confined
from tests.models import living
from tests.models.living import LONG, AtLoad, chain, outcome, played, shown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

SIGNALS = ["SIGKILL", "SIGSEGV", "SIGABRT"]
LIMIT = 15.0
"""Seconds, five times the figure: against hanging."""


@pytest.fixture(scope="module")
def slow_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """28 MB of random weights: seconds for a long prompt, hundredths for a token."""
    path = tmp_path_factory.mktemp("models") / "slow.gguf"
    random_model.write(path, layers=8, width=512, words=8000, context=65536)
    return path


@pytest.fixture
def residency() -> Iterator[Residency]:
    residency = Residency()
    yield residency
    residency.close()


def failures(found: list[Event]) -> dict[int, events.StepFailed]:
    return {event.step or 0: event for event in found if isinstance(event, events.StepFailed)}


def named(number: str, message: str) -> bool:
    """Whether the sentence says what the process died of, and what to do."""
    cause = "was killed. Memory may have run out" if number == "SIGKILL" else f"crashed with {number}. The next step"
    return f"The process of {Path(message.split()[3]).name}" in message and cause in message


def told_in_order(found: list[Event]) -> bool:
    """Whether no step ended that had not begun, and the run came to its end."""
    begun: set[int | None] = set()
    for event in found:
        if isinstance(event, events.StepStarted):
            begun.add(event.step)
        if isinstance(event, events.StepFinished) and event.step not in begun:
            return False
    return isinstance(found[-1], events.RunFinished)


@pytest.mark.parametrize("wait", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_worker_killed_while_it_loads_costs_one_step(
    slow_gguf: Path, residency: Residency, number: str, wait: float
) -> None:
    killer = AtLoad(wait, lambda process: process.send_signal(getattr(signal, number)))
    knobs = Hyperparameters(max_tokens=5, n_threads=1, n_ctx=4096)
    found = played(chain(slow_gguf, ["one", "two", "three"], knobs), residency, {})
    assert killer.done.is_set()
    assert outcome(found) == ["failed", "max_tokens", "max_tokens"]
    assert number in failures(found)[1].message or "was killed" in failures(found)[1].message
    assert failures(found)[1].text == ""
    assert len(living.workers()) == 1
    assert told_in_order(found)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_worker_killed_in_a_prompt_pass_costs_one_step(slow_gguf: Path, residency: Residency, number: str) -> None:
    deadly = living.kill(getattr(signal, number))
    at = {(events.PromptProcessing, step, 3): deadly for step in (2, 3, 5)}
    knobs = Hyperparameters(max_tokens=5, n_threads=1, n_ctx=4096)
    found = played(chain(slow_gguf, ["hi", LONG, LONG, "ho", LONG, "end"], knobs), residency, at)
    assert outcome(found) == ["max_tokens", "failed", "failed", "max_tokens", "failed", "max_tokens"]
    assert all(named(number, failed.message) and failed.text == "" for failed in failures(found).values())
    assert len(living.workers()) == 1
    assert told_in_order(found)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_worker_killed_while_it_generates_costs_one_step_and_its_text_stands(
    slow_gguf: Path, residency: Residency, number: str
) -> None:
    deadly = living.kill(getattr(signal, number))
    at = {(events.TokenGenerated, step, token): deadly for step, token in ((1, 1), (2, 10), (4, 60))}
    found = played(chain(slow_gguf, ["a", "b", "c", "d", "e"]), residency, at)
    assert outcome(found) == ["failed", "failed", "max_tokens", "failed", "max_tokens"]
    for step, failed in failures(found).items():
        assert named(number, failed.message)
        assert failed.text == shown(found, step) != ""
    assert len(living.workers()) == 1
    assert told_in_order(found)


def test_the_next_step_begins_soon_after_a_kill(slow_gguf: Path, residency: Residency) -> None:
    at = {(events.TokenGenerated, 1, 5): living.kill(signal.SIGKILL)}
    found = played(chain(slow_gguf, ["a", "b"]), residency, at)
    second = next(event for event in found if isinstance(event, events.StepStarted) and event.step == 2)
    assert second.time - failures(found)[1].time < LIMIT


def test_a_process_that_dies_at_every_load_is_not_started_for_ever(slow_gguf: Path, residency: Residency) -> None:
    killers = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for process in living.workers():
                killers.append(process.pid)
                process.kill()
            time.sleep(0.01)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    found = played(chain(slow_gguf, ["a", "b", "c", "d"]), residency, {})
    done.set()
    thread.join()
    assert outcome(found) == ["failed"] * 4
    assert len(set(killers)) == 2
    assert found[-1].reason == "failed"  # type: ignore[union-attr]


class Hang:
    """Stops the worker's process and then, as a user does, the run or the step."""

    def __init__(self, action: str) -> None:
        self._action = action
        self.at = 0.0

    def __call__(self, playing: Run) -> None:
        living.signalled(signal.SIGSTOP)
        self.at = time.monotonic()
        getattr(playing, self._action)()


@pytest.mark.parametrize(
    ("action", "ends"), [("stop", ["max_tokens", "stopped"]), ("skip", ["max_tokens", "skipped", "max_tokens"])]
)
@pytest.mark.parametrize("phase", ["prompt", "token"])
def test_a_worker_that_hangs_is_ended_when_the_user_stops(
    slow_gguf: Path, residency: Residency, phase: str, action: str, ends: list[str]
) -> None:
    hang = Hang(action)
    kind = (events.PromptProcessing, 2, 3) if phase == "prompt" else (events.TokenGenerated, 2, 3)
    found = played(chain(slow_gguf, ["a", LONG if phase == "prompt" else "b", "c"]), residency, {kind: hang})
    assert outcome(found) == ends
    assert told_in_order(found)
    (end,) = [event for event in found if isinstance(event, events.StepFinished) and event.step == 2]
    assert end.text == shown(found, 2)
    assert (end.text != "") is (phase == "token")


@pytest.mark.parametrize("prompt", ["short", "long " * 200_000], ids=["a short prompt", "a megabyte"])
@pytest.mark.parametrize(("action", "ends"), [("stop", ["stopped"]), ("skip", ["skipped", "max_tokens"])])
def test_a_worker_that_hangs_before_it_reads_its_prompt_is_ended_when_the_user_stops(
    slow_gguf: Path, residency: Residency, prompt: str, action: str, ends: list[str]
) -> None:
    """The pipe to it fills up, and neither the run nor the stop may wait for that."""
    stopped: list[threading.Timer] = []

    def hang(playing: Run) -> None:
        while not playing.buffered:  # the worker has not said yet that it is done with the first step
            time.sleep(0.01)
        living.signalled(signal.SIGSTOP)
        stopped.append(threading.Timer(0.6, getattr(playing, action)))
        stopped[0].start()

    found = played(chain(slow_gguf, ["a", prompt, "c"]), residency, {(events.StepFinished, 1, 1): hang})
    assert outcome(found) == ["max_tokens", *ends], found[-4:]
    assert not failures(found)
    assert told_in_order(found)


@pytest.mark.parametrize(("action", "ends"), [("stop", []), ("skip", ["skipped", "max_tokens"])])
def test_a_worker_that_hangs_while_it_loads_is_ended_when_the_user_stops(
    slow_gguf: Path, residency: Residency, action: str, ends: list[str]
) -> None:
    playing: list[Run] = []

    def hang(process: psutil.Process) -> None:
        process.suspend()
        getattr(playing[0], action)()

    AtLoad(0.1, hang)
    found = played(chain(slow_gguf, ["a", "b"]), residency, {(events.RunStarted, 0, 1): playing.append})
    assert outcome(found) == ends
    assert not failures(found)
    assert told_in_order(found)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's memory")
@pytest.mark.parametrize("room", [1 << 16, 270 << 20], ids=["no room", "room for the cache alone"])
def test_memory_that_is_refused_costs_a_step_and_is_said_in_numbers(
    slow_gguf: Path, residency: Residency, room: int
) -> None:
    def starve(_: Run) -> None:
        for process in living.workers():
            limit = process.memory_info().vms + room
            process.rlimit(psutil.RLIMIT_AS, (limit, limit))

    asked = chain(slow_gguf, ["a", "{n_ctx=65536} b", "c"], Hyperparameters(max_tokens=5, n_threads=1, n_ctx=512))
    found = played(asked, residency, {(events.StepFinished, 1, 1): starve})
    assert outcome(found) == ["max_tokens", "failed", "max_tokens"]
    message = failures(found)[2].message
    assert "Memory may have run out: with n_ctx 65536 it needs about" in message
    assert "GB are free" in message
    assert told_in_order(found)


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group of its own, which limits memory: only where the tests have the right to make one."""
    parent = Path("/sys/fs/cgroup/memory")
    group = (parent if parent.is_dir() else parent.parent) / f"samantha-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made ({error.strerror}); the tests above refuse memory without one")
    if not list(group.glob("memory.*")):
        group.rmdir()
        pytest.skip("control groups here do not limit memory; the tests above refuse it without one")
    yield group
    group.rmdir()


def test_the_kernel_kills_the_worker_alone_when_memory_runs_out(slow_gguf: Path, memory_group: Path) -> None:
    limits = [memory_group / name for name in ("memory.max", "memory.limit_in_bytes")]
    limit = next(limit for limit in limits if limit.exists())
    residency = Residency()

    def starve(_: Run) -> None:
        limit.write_text(str(12 << 20))
        for process in living.workers():
            (memory_group / "cgroup.procs").write_text(str(process.pid))

    asked = chain(slow_gguf, ["a", "{n_ctx=65536} b", "c"], Hyperparameters(max_tokens=5, n_threads=1, n_ctx=512))
    found = played(asked, residency, {(events.StepFinished, 1, 1): starve})
    residency.close()
    assert outcome(found) == ["max_tokens", "failed", "max_tokens"]
    assert "was killed. Memory may have run out: with n_ctx 65536" in failures(found)[2].message


def test_two_sessions_on_one_model_of_which_one_is_stopped_and_one_loses_its_worker(
    slow_gguf: Path, residency: Residency
) -> None:
    """Each session's other steps go on, whatever happens to the steps of its neighbour."""
    results: dict[str, list[Event]] = {}
    knobs = Hyperparameters(max_tokens=40, n_threads=1, n_ctx=512)

    def play(name: str, at: dict[tuple[type[Event], int, int], object]) -> None:
        results[name] = played(chain(slow_gguf, ["a", "b", "c", "d"], knobs), residency, at)  # type: ignore[arg-type]

    sessions = {
        "stopped": {(events.TokenGenerated, 2, 5): lambda playing: playing.stop()},
        "killed": {(events.TokenGenerated, 2, 5): living.kill(signal.SIGKILL)},
        "quiet": {},
    }
    threads = [threading.Thread(target=play, args=session) for session in sessions.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert outcome(results["stopped"]) == ["max_tokens", "stopped"]
    assert outcome(results["killed"]) == ["max_tokens", "failed", "max_tokens", "max_tokens"]
    assert outcome(results["quiet"]) == ["max_tokens"] * 4
    assert len(living.workers()) == 1


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_twenty_workers_leave_nothing_behind(random_gguf: Path, residency: Residency) -> None:
    """Half of them are killed from outside in mid-answer, half are let go."""
    options = LoadOptions(n_ctx=512, n_threads=1)

    def once(number: int) -> None:
        knobs = Hyperparameters(max_tokens=0, n_threads=1, n_ctx=512)
        if number % 2:
            at = {(events.TokenGenerated, 1, 2): living.kill(signal.SIGKILL)}
            assert outcome(played(chain(random_gguf, ["a"], knobs), residency, at)) == ["failed"]
        else:
            model = list(residency.acquire(str(random_gguf), options, lambda: False))[-1]
            residency.release(model)  # type: ignore[arg-type]
        residency.unload()

    once(0)
    once(1)
    gc.collect()
    me = psutil.Process()
    before = (me.num_fds(), me.num_threads(), len(me.children(recursive=True)))
    for number in range(20):
        once(number)
    gc.collect()
    assert (me.num_fds(), me.num_threads(), len(me.children(recursive=True))) == before
    assert living.workers() == []


PROGRAM = """
import sys
from pathlib import Path
from samantha.chain.engine import run
from samantha.models.residency import Residency
from samantha import events, sandbox
from tests.models.living import LONG, chain
if sys.argv[3] == "bare":
    import samantha.sandbox.worker as confinement
    confinement.isolation = lambda: "none"
for event in run(chain(Path(sys.argv[1]), [LONG] if sys.argv[2] == "prompt" else ["hello"]), Residency()):
    print(type(event).__name__, flush=True)
"""


@pytest.mark.parametrize("confinement", ["confined", "bare"])
@pytest.mark.parametrize("phase", ["load", "prompt", "token"])
def test_no_worker_is_left_behind_when_the_program_is_killed(slow_gguf: Path, phase: str, confinement: str) -> None:
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(slow_gguf), phase, confinement], stdout=subprocess.PIPE, text=True,
        env=environment,
    ) as program:  # fmt: skip
        assert program.stdout
        if phase == "load":
            while not living.workers(program.pid):
                time.sleep(0.005)
        else:
            awaited = "PromptProcessing" if phase == "prompt" else "TokenGenerated"
            assert any(line.strip() == awaited for line in program.stdout)
        family = psutil.Process(program.pid).children(recursive=True)
        assert family
        program.kill()
        program.wait()
        _, alive = psutil.wait_procs(family, timeout=5)
        assert left(alive) == []


def counted(found: list[list[str]]) -> dict[str, int]:
    """How often a run of one step came to each end."""
    ends = [",".join(each) or "nothing" for each in found]
    return {end: ends.count(end) for end in sorted(set(ends))}


def ask(action: str) -> Callable[[Run], None]:
    """What `played` does to interrupt a run as the page does: from another thread."""

    def interrupt(playing: Run) -> None:
        threading.Thread(target=getattr(playing, action)).start()

    return interrupt


@pytest.mark.parametrize(("action", "end"), [("stop", "stopped"), ("skip", "skipped")])
def test_20_times_in_a_prompt_pass_and_20_times_in_an_answer(
    slow_gguf: Path, residency: Residency, action: str, end: str
) -> None:
    knobs = Hyperparameters(max_tokens=0, n_threads=1, n_ctx=4096)
    ends = []
    for number in range(20):
        at = {(events.PromptProcessing, 1, 1 + number % 5): ask(action)}
        ends.append(outcome(played(chain(slow_gguf, [f"{number} {LONG}"], knobs), residency, at)))
        at = {(events.TokenGenerated, 1, 1 + 2 * number): ask(action)}
        ends.append(outcome(played(chain(slow_gguf, ["hi"], knobs), residency, at)))
    assert counted(ends) == {end: 40}
    assert len(living.workers()) == 1


@pytest.mark.parametrize(("action", "end"), [("stop", "nothing"), ("skip", "skipped")])
def test_20_times_in_a_load(slow_gguf: Path, residency: Residency, action: str, end: str) -> None:
    ends = []
    for number in range(20):
        playing: list[Run] = []
        moment = AtLoad(number * 0.008, lambda _, playing=playing: getattr(playing[0], action)())  # type: ignore[misc]
        at = {(events.RunStarted, 0, 1): playing.append}
        found = played(chain(slow_gguf, ["hi"], Hyperparameters(max_tokens=0, n_threads=1, n_ctx=512)), residency, at)
        assert moment.done.wait(10)
        assert told_in_order(found)
        ends.append(outcome(found))
        residency.unload()
    assert counted(ends) in ({end: 20}, {"nothing": ends.count([]), "stopped": 20 - ends.count([])})
    assert living.workers() == []


@pytest.mark.parametrize(("action", "last"), [("stop", "stopped"), ("skip", "done")])
def test_20_times_in_code(tmp_path: Path, action: str, last: str) -> None:
    before = set(psutil.Process().children(recursive=True))  # a browser of other tests may be there
    codes = ["while True: pass", "import time\ntime.sleep(100)", "sum(range(10**12))", "while True: print('x' * 100)"]
    runner = SandboxRunner(root=tmp_path)
    for number in range(20):
        source = ScriptedSource({"m": [f"```python\n{codes[number % 4]}\n```"]})
        playing = run(Chain(models=("m",), prompts="p", run_code=True), source, code=runner)
        found = []
        for event in playing:
            found.append(event)
            if isinstance(event, events.CodeFound):
                threading.Timer(number * 0.01, getattr(playing, action)).start()
        ends = [event.reason for event in found if isinstance(event, events.CodeFinished)]
        assert ends == ["stopped"]
        assert found[-1].reason == last  # type: ignore[union-attr]
    runner.close()
    assert set(psutil.Process().children(recursive=True)) <= before


LIARS = {
    "no message": b"\xc1\xff\x00",
    "another kind": messages.encoder.encode([messages.Counted(3)]),
    "a sample that was not asked for": messages.encoder.encode([Token(7, 1, b"a", "a")]),
    "nothing": messages.encoder.encode([]),
}


@pytest.mark.parametrize("lie", LIARS)
def test_a_worker_that_says_what_it_was_not_asked_is_ended(
    lie: str, random_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one could whose native code a file has taken over."""
    program = f"""
import sys, time
from samantha.processes import read_frame, write_frame
while read_frame(sys.stdin.buffer): write_frame(sys.stdout.buffer, {LIARS[lie]!r})
"""
    root = Path(__file__).parents[2]
    confined = Confined((sys.executable, "-c", program), {"PYTHONPATH": str(root)}, False)
    monkeypatch.setattr(sandbox, "confine_worker", lambda *_: confined)
    monkeypatch.setattr("samantha.models.remote.RENDER_SECONDS", 0.5)
    model = RemoteModel(random_gguf, "liar")
    with pytest.raises(WorkerDied, match="liar"):
        list(model.generate(GenerateRequest(samples=(Hyperparameters(),), text="hi")))
    assert not model.alive
    with pytest.raises(WorkerDied):
        model.tokenize("hi")
