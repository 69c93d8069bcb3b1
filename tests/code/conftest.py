"""One warm runner for each module that asks for `run`."""

from collections.abc import Iterator

import pytest

from samantha.code.runner import SandboxRunner
from samantha.sandbox.access import Limits
from tests.code.running import Ran, Run, ran


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs code to its end, which must be a good one unless another `reason` is named."""
    root = tmp_path_factory.mktemp("work")
    runner = SandboxRunner(limits=Limits(seconds=200), root=root)
    steps = iter(range(1, 1000))

    def run(code: str, html: str = "", reason: str = "ok") -> Ran:
        done = ran(runner, root, code, next(steps), html=html)
        assert done.finished.reason == reason, done.stderr or done.finished.output
        return done

    yield run
    runner.close()
