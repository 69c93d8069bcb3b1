"""Python to executable: really built, in the sandbox, and really run."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from samantha.code import proof
from samantha.code.code import CodeError
from samantha.code.packaging import Building, Built, Packer

pytestmark = pytest.mark.skipif(proof.proof().mode == "none", reason="a sandbox")

PROGRAM = """import json, sys
open("ran", "w")
print(json.dumps({"packed": sys.argv[1:], "não": getattr(sys, "frozen", False)}))
"""


@pytest.mark.timeout(900)  # minutes, on a computer that is busy with other things
def test_an_executable_is_built_and_runs(tmp_path: Path, samantha_home: Path) -> None:
    *steps, built = Packer(PROGRAM, "tiny program", tmp_path).build()
    assert isinstance(built, Built)
    assert built.size == built.file.stat().st_size > 100_000
    shares = [step.share for step in steps if isinstance(step, Building)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (pytest.approx(0.02), 1.0)
    assert not (tmp_path / "ran").exists()
    done = subprocess.run([built.file, "a", "b"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == '{"packed": ["a", "b"], "n\\u00e3o": true}\n'
    assert (tmp_path / "ran").exists()
    assert [path.name for path in (samantha_home / "work").iterdir()] == []


def stopped_at(packer: Packer, share: float) -> None:
    """Build, and give up from another thread once this share is reached."""
    for step in packer.build():
        if isinstance(step, Building) and step.share >= share:
            threading.Thread(target=packer.stop).start()


def test_building_can_be_stopped_and_leaves_nothing(tmp_path: Path, samantha_home: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    packer = Packer(PROGRAM, "stopped", target)
    with pytest.raises(CodeError, match="The code was stopped"):
        stopped_at(packer, 0.08)
    assert list(target.iterdir()) == []
    assert [path.name for path in (samantha_home / "work").iterdir()] == []


def test_code_that_cannot_be_packed_is_told(tmp_path: Path) -> None:
    with pytest.raises(CodeError, match="No executable of broken was made: SyntaxError"):
        list(Packer("def broken(:\n", "broken", tmp_path).build())
    assert [path.name for path in tmp_path.iterdir() if path.name != "samantha-home"] == []


@pytest.mark.parametrize(
    ("code", "name", "folder", "message"),
    [
        ("", "x", ".", "There is no code"),
        ("x", "../x", ".", "cannot be the name"),
        ("x", "", ".", "cannot be the name"),
        ("x", "x", "missing", "There is no folder"),
        ("x", "there", ".", "is there already"),
    ],
)
def test_mistakes_are_told_before_anything_is_built(
    tmp_path: Path, code: str, name: str, folder: str, message: str
) -> None:
    (tmp_path / ("there.exe" if os.name == "nt" else "there")).touch()
    with pytest.raises(CodeError, match=message):
        Packer(code, name, tmp_path / folder)
