"""A program that is killed in the middle of a run has stored everything that it had shown."""

import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samantha.events import TokenGenerated
from samantha.runs.store import RunStore

from .streams import Stream, tokens, whole_run

CHILD = """
import sys
from pathlib import Path
from streams import Endless
from samantha.runs.store import RunStore

for seen, event in enumerate(RunStore(Path(sys.argv[1])).record(Endless("killed", int(sys.argv[2]))), 1):
    print(seen, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX")
@pytest.mark.parametrize(("shown", "batch"), list(itertools.product([1, 2, 3, 4, 40, 333, 2500], [1, 30, 256])))
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
        text = "".join(event.shown for event in stored if isinstance(event, TokenGenerated))
        assert [step.text for step in store.steps("killed")] == ([text] if len(stored) > 2 else [])
        assert store._database.rows("PRAGMA integrity_check")[0][0] == "ok"
        list(store.record(Stream("after", [*whole_run("after")[:3], *tokens("after", ["x"])])))
