"""The files around the installer: the scripts, CI's command, the lock files."""

import re
import stat
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.installation.offline import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-install.txt", "requirements-code.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("install_samantha.bat", '%PYTHON% "%~dp0install.py" %*'),
        ("open_samantha.bat", '"%~dp0install_samantha.bat" --open %*'),
    ],
)
def test_the_windows_scripts_pass_everything_on(name: str, command: str) -> None:
    content = (ROOT / name).read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n"), "cmd.exe wants CRLF"
    lines = content.decode("ascii").splitlines()
    assert command in lines
    assert len(lines) <= 8


def test_ci_runs_the_test_command_without_more() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and line[0] != "#"]
    assert lines == ['exec sh "$(dirname "$0")/../test_samantha.sh"']


@pytest.mark.parametrize("name", ["install_samantha.sh", "open_samantha.sh", "test_samantha.sh", ".ci/run", ".ci/lock"])
def test_the_scripts_can_be_run_and_read(name: str) -> None:
    assert (ROOT / name).stat().st_mode & stat.S_IXUSR
    shell = "bash" if name.startswith(".ci") else "sh"
    assert subprocess.run([shell, "-n", name], cwd=ROOT, capture_output=True).stderr == b""


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if not entry.startswith("#")]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links| @ ", text)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.txt", PROJECT["project"]["dependencies"]),
        ("requirements-dev.txt", PROJECT["dependency-groups"]["dev"]),
        ("requirements-code.txt", PROJECT["dependency-groups"]["code"]),
        ("requirements-install.txt", [*PROJECT["dependency-groups"]["install"], "llama-cpp-python==0.3.36"]),
    ],
)
def test_the_locks_are_what_pyproject_asks_for(name: str, wanted: list[str]) -> None:
    pins = dict(PIN.findall((ROOT / name).read_text("utf-8")))
    for requirement in map(Requirement, wanted):
        if (name, requirement.name) == ("requirements.txt", "llama-cpp-python"):
            continue
        assert requirement.name in pins, f"run .ci/lock: {requirement} is in no lock file"
        assert requirement.specifier.contains(pins[requirement.name]), f"run .ci/lock: {requirement}"


def test_llama_is_pinned_once_and_what_it_needs_is_locked() -> None:
    pins = dict(PIN.findall((ROOT / "requirements.txt").read_text("utf-8")))
    asked = [one for one in PROJECT["project"]["dependencies"] if one.startswith("llama-cpp-python")]
    locked = PIN.findall((ROOT / "requirements-install.txt").read_text("utf-8"))
    assert asked == [f"llama-cpp-python=={dict(locked)['llama-cpp-python']}"]
    assert "llama-cpp-python" not in pins
    assert {"numpy", "jinja2", "diskcache", "typing-extensions"} <= set(pins)


def test_the_two_lists_agree() -> None:
    def versions(name: str) -> set[tuple[str, str]]:
        return set(PIN.findall((ROOT / name).read_text("utf-8")))

    program, dev = versions("requirements.txt"), versions("requirements-dev.txt")
    shared = {name for name, _ in program} & {name for name, _ in dev}
    assert {one for one in program if one[0] in shared} == {one for one in dev if one[0] in shared}
