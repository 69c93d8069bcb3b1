"""The program's start is quick because it imports little, and rooms import each other in one direction."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("llama_cpp", "gradio", "numpy", "pandas", "jinja2", "huggingface_hub", "fastapi", "matplotlib", "ray", "PIL")


@pytest.mark.parametrize("modules", ["samantha", "samantha, samantha.cli.main"])
def test_the_start_imports_nothing_heavy(modules: str) -> None:
    code = f"import sys, {modules}; print(*sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 0, shown.stderr
    assert not set(HEAVY) & set(shown.stdout.split())


def test_imports_go_one_way() -> None:
    checked = lint(ROOT)
    assert checked.returncode == 0, checked.stdout


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    tool = Path(sys.executable).with_name("lint-imports")
    command = [str(tool), "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("errors.py", "from samantha import events"),
        ("models/wrong.py", "from samantha.chain import chain"),
        ("chain/wrong.py", "import llama_cpp"),
        ("models/wrong.py", "def load():\n    import llama_cpp.llama_cpp"),
        ("cli/wrong.py", "import gradio"),
    ],
)
def test_a_wrong_import_is_noticed(tmp_path: Path, room: str, line: str) -> None:
    for path in (ROOT / "samantha").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    wrong = tmp_path / "samantha" / room
    wrong.write_text((wrong.read_text() if wrong.exists() else "") + f"\n{line}\n")
    checked = lint(tmp_path)
    assert checked.returncode == 1, checked.stdout
    assert "BROKEN" in checked.stdout
