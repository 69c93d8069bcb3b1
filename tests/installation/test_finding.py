"""The shell script finds a Python, or says that there is none."""

import subprocess
from pathlib import Path

from tests.installation.offline import ROOT


def run(path: Path, script: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", str(script), "--dev"], capture_output=True, text=True, env={"PATH": str(path), "HOME": str(path)}
    )


def prepare(tmp_path: Path) -> Path:
    """The script alone in a folder, and a path with the few tools that it uses but no Python and no apt-get."""
    script = tmp_path / "checkout" / "install_samantha.sh"
    script.parent.mkdir()
    script.write_text((ROOT / "install_samantha.sh").read_text())
    for tool in ("dirname", "id"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
    return script


def python(path: Path, status: int) -> None:
    """A Python that fits (status 0) or does not, and says what it was called with."""
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit {status}\necho "$0" "$@"\n')
    path.chmod(0o755)


def test_none_is_told_in_a_sentence(tmp_path: Path) -> None:
    script = prepare(tmp_path)
    python(tmp_path / "python3", status=1)
    told = run(tmp_path, script)
    assert (told.returncode, told.stdout) == (1, "")
    assert "needs Python 3.11, 3.12 or 3.13" in told.stderr


def test_the_first_that_can_run_the_installer_gets_every_argument(tmp_path: Path) -> None:
    script = prepare(tmp_path)
    python(tmp_path / "python3.12", status=1)
    python(tmp_path / "python3.11", status=0)
    python(tmp_path / "python3", status=0)
    called = run(tmp_path, script).stdout.split()
    assert called == [str(tmp_path / "python3.11"), str(script.with_name("install.py")), "--system", "--dev"]
