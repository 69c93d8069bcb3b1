"""A `samantha` whose models answer from a script, for tests that need a process of its own.

The first argument says how the model behaves: `plain`, `endless` (until it is stopped), or `deaf` (it never stops).
"""

import contextlib
import sys
import threading
from collections.abc import Iterator

from samantha.cli import running
from samantha.cli.main import main
from samantha.models.model import ModelSource
from samantha.models.scripted import ScriptedModel, ScriptedSource


def deaf(_request: object) -> str:
    print("deaf", file=sys.stderr, flush=True)
    threading.Event().wait()
    return ""


class Telling(ScriptedModel):
    def stop(self, reason="stopped"):  # type: ignore[no-untyped-def]
        super().stop(reason)
        print("stopping", file=sys.stderr, flush=True)


ANSWERS = {"plain": ["One two three."], "endless": ["word " * 200_000, "Again."], "deaf": [deaf]}


@contextlib.contextmanager
def model_source() -> Iterator[ModelSource]:
    source = ScriptedSource({"tiny": [], "two": ANSWERS["plain"]})
    source.models["tiny"] = Telling("tiny", ANSWERS[behaviour])
    yield source


behaviour = sys.argv.pop(1)
running.model_source = model_source
sys.exit(main())
