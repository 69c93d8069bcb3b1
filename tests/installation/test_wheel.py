"""What `pipx install .` and `uv tool install .` would put on a machine: the wheel, with all that ships in it."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import tiny_backend
from tests.installation.offline import ROOT

MATERIAL = ("system_prompts.txt", "user_prompts.txt", "prompts", "install.py", "installation", "requirements-code.txt")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed from its wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    call("-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    wheel = next(folder.glob("*.whl"))
    call("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", folder / "site", wheel, cwd=folder)
    return folder / "site"


def call(*arguments: object, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_every_file_of_the_package_is_in_it(installed: Path) -> None:
    shipped = files(installed / "samantha")
    own = files(ROOT / "samantha")
    assert own.keys() == {name for name in shipped if not name.startswith("material/")}
    assert all(shipped[name] == content for name, content in own.items())


@pytest.mark.parametrize("name", MATERIAL)
def test_the_material_is_found_where_there_is_no_checkout(installed: Path, tmp_path: Path, name: str) -> None:
    code = f"from samantha import settings; print(settings.material({name!r}))"
    found = Path(call("-c", code, cwd=tmp_path, PYTHONPATH=str(installed)).strip())
    assert installed in found.parents
    own = ROOT / name
    assert (files(found) == files(own)) if own.is_dir() else (found.read_bytes() == own.read_bytes())


def test_the_command_starts(installed: Path, tmp_path: Path) -> None:
    shown = call(installed / "bin" / "samantha", "--version", cwd=tmp_path, PYTHONPATH=str(installed))
    assert shown.startswith("samantha ")


def test_the_environment_of_generated_code_is_made_in_the_data_folder(installed: Path, tmp_path: Path) -> None:
    """With the shipped installer, told from its command; what it installs is a tiny package here."""
    code = "from samantha.code.environment import CodeEnvironment as C; e = C(); print(e.state, *e.repair(), sep='\\n')"
    told = call("-c", code, cwd=tmp_path, PYTHONPATH=str(installed), SAMANTHA_HOME=str(tmp_path / "data")).splitlines()
    assert told[0] == "missing"
    assert told[-1] == str(tmp_path / "data" / ".venv-code")
    assert Path(told[2]) == installed / "samantha" / "material" / "install.py"
    copy = tmp_path / "material"
    shutil.copytree(Path(told[2]).parent, copy)
    wheel = tiny_backend.write_wheel(tmp_path, "pebble", "1.0", {"pebble.py": "WEIGHT = 1\n"})
    digest = hashlib.sha256((tmp_path / wheel).read_bytes()).hexdigest()
    (copy / "requirements-code.txt").write_text(f"pebble==1.0 --hash=sha256:{digest}\n")
    call(copy / "install.py", *told[3:], cwd=tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=tmp_path.as_uri())
    ready = call("-c", code, cwd=tmp_path, PYTHONPATH=str(installed), SAMANTHA_HOME=str(tmp_path / "data"))
    assert ready.splitlines()[0] == "ready"
