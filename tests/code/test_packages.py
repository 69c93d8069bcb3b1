"""Every package of the code environment really works beside the others: one small use of each."""

import json
import subprocess
from pathlib import Path

import pytest

from samantha.code.environment import CodeEnvironment
from samantha.code.packages import PACKAGES

ROOT = Path(__file__).parents[2]
USED = [each.name for each in PACKAGES if not each.left_out]


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What went wrong with each package; empty for those that work."""
    environment = CodeEnvironment(ROOT / ".venv-code")
    assert environment.ready, environment.sentence
    folder = tmp_path_factory.mktemp("uses")
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(folder)}
    command = [str(environment.python), "-I", str(Path(__file__).with_name("uses.py")), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    return {line["name"]: line["fault"] for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", USED)
def test_a_package_does_something_small(faults: dict[str, str], name: str) -> None:
    assert faults[name] == ""
