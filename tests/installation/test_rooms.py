"""The installer's parts, one property each."""

import ast
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from installation import llama, locks, pythons, running, system
from tests.installation.offline import ROOT

SOURCES = [ROOT / "install.py", *sorted((ROOT / "installation").glob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_python_3_8_can_read_it(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_only_the_standard_library_is_imported(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= {*sys.stdlib_module_names, "installation"}


def test_help_is_the_docstring() -> None:
    shown = subprocess.run([sys.executable, ROOT / "install.py", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "--fresh" in shown.stderr


def test_an_unknown_option_installs_nothing() -> None:
    refused = subprocess.run([sys.executable, ROOT / "install.py", "--dve"], capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (2, "")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("error: dns error: failed to lookup address", "cannot be reached"),
        ("Temporary failure in name resolution", "cannot be reached"),
        ("Max retries exceeded: SSLError([SSL: CERTIFICATE_VERIFY_FAILED]", "SSL_CERT_FILE"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was locked"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "CMAKE_BUILD_PARALLEL_LEVEL=1"),
        ("PermissionError: [Errno 13] Permission denied", "cannot be written"),
        ("one\nCMake Error: something of its own\n\n", "CMake Error: something of its own"),
        ("", "exit status 9"),
    ],
)
def test_a_failure_becomes_one_sentence(output: str, said: str) -> None:
    sentence = running.advice(output, 9)
    assert said in sentence
    assert "install.log" in sentence
    assert "\n" not in sentence


def test_the_first_python_that_fits_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old, bare, good = (python(tmp_path / name, line) for name, line in [
        ("old", "3.10.4\\tTrue\\tTrue\\t/old"),
        ("bare", "3.12.1\\tTrue\\tFalse\\t/bare"),
        ("good", "3.11.9\\tTrue\\tTrue\\t/good"),
    ])  # fmt: skip
    monkeypatch.setattr(pythons, "candidates", lambda: iter([["/nowhere"], [old], [bare], [good]]))
    assert pythons.find_python() == ("3.11.9", "/good")
    assert pythons.venv_package() == ""


def python(path: Path, line: str) -> str:
    """A program that answers the probe as a Python of some kind would."""
    path.write_text(f"#!/bin/sh\nprintf '{line}\\n'\n")
    path.chmod(0o755)
    return str(path)


def test_a_python_without_venv_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = python(tmp_path / "bare", "3.12.1\\tTrue\\tFalse\\t/bare")
    monkeypatch.setattr(pythons, "candidates", lambda: iter([[bare]]))
    assert pythons.venv_package() == "python3.12-venv"
    with pytest.raises(running.InstallError, match=r"apt-get install python3\.12-venv"):
        pythons.find_python()


@pytest.mark.parametrize("line", ["3.10.4 True True /x", "3.14.0 True True /x", "3.12.1 False True /x", ""])
def test_without_a_fitting_python_the_message_says_which_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    wrong = python(tmp_path / "wrong", line.replace(" ", "\\t"))
    monkeypatch.setattr(pythons, "candidates", lambda: iter([[wrong]]))
    with pytest.raises(running.InstallError, match=r"3\.11, 3\.12 or 3\.13.*uv python install"):
        pythons.find_python()


def test_pyenv_is_looked_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("3.10.1", "3.12.3"):
        (tmp_path / "versions" / version / "bin").mkdir(parents=True)
        python(tmp_path / "versions" / version / "bin" / "python3", "")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = [command[0] for command in pythons.candidates() if command[0].startswith(str(tmp_path))]
    assert found == [str(tmp_path / "versions" / "3.12.3" / "bin" / "python3")]


def test_the_running_python_comes_first() -> None:
    version, path = pythons.find_python()
    assert version == sys.version.split()[0]
    assert Path(path).resolve() == Path(sys.executable).resolve()


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("[ 45%] Building CXX object a.o", 45),
        ("  [100%] Built target llama", 100),
        ("  [20/193] /usr/bin/g++ -O3", 10),
        ("[0/0] nothing", 0),
        ("-- Found OpenMP [1/2]", None),
        ("", None),
    ],
)
def test_progress_is_read_from_make_and_ninja(line: str, percent: int | None) -> None:
    assert llama.progress(line) == percent


def test_an_index_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama, "INDEX_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert llama.fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/") == ""


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://name.invalid/", "no address at all"])
def test_an_index_that_cannot_be_reached_is_no_error(url: str) -> None:
    assert llama.fetch(url) == ""


def test_the_kept_wheel_belongs_to_one_cpu_and_one_set_of_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    plain = llama.cpu()
    assert llama.cpu() == plain
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_CUDA=on")
    assert llama.cpu() != plain


def test_missing_debian_packages_are_those_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    query = tmp_path / "dpkg-query"
    query.write_text("#!/bin/sh\nprintf 'bubblewrap installed\\nespeak-ng config-files\\n'\nexit 0\n")
    query.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin-that-is-not-there")
    monkeypatch.setattr(system, "venv_package", lambda: "")
    monkeypatch.setattr(system, "quiet", lambda command: running.quiet(["/bin/sh", str(query)]))
    assert system.missing_packages(dev=True) == ["espeak-ng", "build-essential", "chromium"]
    assert system.missing_packages(dev=False) == ["espeak-ng", "build-essential"]


def test_without_root_the_command_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    system.system_packages(["bubblewrap", "espeak-ng"])
    assert "`sudo apt-get install bubblewrap espeak-ng`" in capsys.readouterr().err
    system.system_packages([])
    assert capsys.readouterr().err == ""


def test_an_entry_of_the_lock_file_is_read_whole() -> None:
    entry = locks.locked("uv")
    assert entry.startswith("uv==")
    assert entry.count("--hash=sha256:") > 5
    assert "llama" not in entry
    with pytest.raises(running.InstallError, match="no entry for nothing"):
        locks.locked("nothing")
