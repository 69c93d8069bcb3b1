"""A program that is killed in the middle of a run, 200 times, has stored everything that it had shown."""

import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samantha.events import StepFinished, StepStarted, TokenGenerated
from samantha.runs.store import RunStore

from .streams import Endless, Stream, tokens, whole_run

CHILD = """
import sys
from pathlib import Path
from streams import Endless
from samantha.runs.store import RunStore

for seen, event in enumerate(RunStore(Path(sys.argv[1])).record(Endless("killed", int(sys.argv[2]))), 1):
    print(seen, flush=True)
"""

SHOWN = [1, 2, 3, 4, 5, 8, 13, 21, 40, 51, 52, 53, 54, 55, 90, 200, 333, 700, 1500, 2500]
"""Events that are shown before the kill: around the beginnings and ends of steps, in answers, late."""

BATCHES = [1, 2, 3, 10, 30, 52, 64, 100, 256, 1000]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX")
@pytest.mark.parametrize(("shown", "batch"), list(itertools.product(SHOWN, BATCHES)))
def test_what_was_shown_before_a_kill_is_stored(tmp_path: Path, shown: int, batch: int) -> None:
    path = tmp_path / "runs.sqlite3"
    with RunStore(path) as store:
        list(store.record(Stream("before", whole_run("before"))))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(batch)], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert child.stdout
    acknowledged = 0
    for line in child.stdout:
        acknowledged = int(line)
        if acknowledged == shown:
            child.kill()
    assert child.wait() == -signal.SIGKILL
    with RunStore(path) as store:
        stored = list(store.events("killed"))
        assert len(stored) >= acknowledged >= shown
        assert store.run("killed").status == "interrupted"
        assert store.run("before").status == "done"
        assert stored == list(itertools.islice(Endless("killed", 1), len(stored)))
        texts: dict[int | None, str] = {event.step: "" for event in stored if isinstance(event, StepStarted)}
        for event in stored:
            if isinstance(event, TokenGenerated):
                texts[event.step] += event.shown
        steps = store.steps("killed")
        assert [step.text for step in steps] == list(texts.values())
        ended = sum(isinstance(event, StepFinished) for event in stored)
        assert [step.reason for step in steps[:ended]] == ["end"] * ended
        assert store._database.rows("PRAGMA integrity_check")[0][0] == "ok"
        list(store.record(Stream("after", [*whole_run("after")[:3], *tokens("after", ["x"])])))
