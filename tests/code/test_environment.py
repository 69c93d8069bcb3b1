"""Where the code environment is, how its state is told, and that nothing of the program can be imported from it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samantha import settings
from samantha.code import environment
from samantha.code.environment import CodeEnvironment
from samantha.code.packages import PACKAGES

if sys.platform != "win32":
    import fcntl

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """An environment as the installer leaves it, with two packages and a Python that only has to be there."""
    folder = tmp_path / ".venv-code"
    place = folder / "lib" / "python3.12" / "site-packages"
    for name in ("numpy", "numpy-2.3.5.dist-info", "boulder", "boulder-1.0.dist-info"):
        (place / name).mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").touch()
    contents = {
        "names": sorted(path.name for path in place.iterdir()),
        "packages": {"numpy": "numpy-2.3.5.dist-info", "boulder": "boulder-1.0.dist-info"},
        "size": 1_900_000_000,
        "seconds": 44.0,
    }
    record = {"folder": str(folder), "python": "3.12.1", environment.LOCKED: "0123456789abcdef", "requested": "boulder"}
    (folder / "contents.json").write_text(json.dumps(contents))
    (folder / "installed.json").write_text(json.dumps(record))
    return folder


def test_a_whole_one_is_ready_and_says_what_it_holds(small: Path) -> None:
    found = CodeEnvironment(small)
    assert (found.state, found.ready, found.size, found.seconds) == ("ready", True, 1_900_000_000, 44.0)
    assert "1.9 GB" in found.sentence
    assert found.versions() == {"numpy": "2.3.5", "boulder": "1.0"}
    offered = {each.name: each for each in found.packages()}
    assert offered["numpy"].version == "2.3.5"
    assert offered["boulder"].purpose == "installed on request"
    assert offered["pandas"].version == ""
    assert "second web server" in offered["auto-py-to-exe"].missing


def record(folder: Path, key: str, value: str) -> None:
    path = folder / "installed.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


FAULTS: dict[str, Callable[[Path], object]] = {
    "in part only": lambda folder: record(folder, environment.LOCKED, "unfinished"),
    "moved here from /elsewhere": lambda folder: record(folder, "folder", "/elsewhere"),
    "Python of the code environment is gone": lambda folder: (folder / "bin" / "python").unlink(),
    "taken away (numpy)": lambda folder: package(folder, "numpy").rmdir(),
}


@pytest.mark.parametrize("words", FAULTS)
def test_what_is_wrong_is_said_with_what_to_do(small: Path, words: str) -> None:
    FAULTS[words](small)
    found = CodeEnvironment(small)
    assert (found.state, found.ready) == ("broken", False)
    assert words in found.sentence
    assert "`samantha code packages --repair`" in found.sentence


def test_one_that_is_not_there_is_missing(tmp_path: Path) -> None:
    missing = CodeEnvironment(tmp_path / "nothing")
    assert missing.state == "missing"
    assert "not installed" in missing.sentence
    assert all(each.version == "" and each.missing for each in missing.packages())


def package(folder: Path, name: str) -> Path:
    return folder / "lib" / "python3.12" / "site-packages" / name


def test_a_package_that_was_taken_away_has_no_version(small: Path) -> None:
    package(small, "numpy-2.3.5.dist-info").rmdir()
    assert CodeEnvironment(small).versions() == {"boulder": "1.0"}


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "null", "\x00"])
def test_a_record_that_cannot_be_read_is_an_installation_in_part(small: Path, text: str) -> None:
    (small / "installed.json").write_text(text)
    assert CodeEnvironment(small).state == "broken"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks in another way; see installation.running.Lock")
def test_an_installation_at_work_is_told_with_its_step(small: Path) -> None:
    log = small.with_name(".venv-code.log")
    log.write_text("Installing\n- making .venv-code\n  done in 1.0 s\n- installing requirements-code.txt\n$ uv\n")
    record(small, environment.LOCKED, "unfinished")
    with log.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = CodeEnvironment(small)
        assert found.state == "being installed"
        assert "(installing requirements-code.txt)" in found.sentence
    assert CodeEnvironment(small).state == "broken"


def test_the_reason_of_a_failed_installation_is_told(tmp_path: Path) -> None:
    log = tmp_path / ".venv-code.log"
    log.write_text("- getting it\nNot complete: The package index cannot be reached: check the network.\n")
    found = CodeEnvironment(tmp_path / ".venv-code")
    assert found.sentence.startswith("The package index cannot be reached: check the network. ")


def test_it_lies_in_the_checkout_else_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, samantha_home: Path) -> None:
    assert environment.place() == ROOT / ".venv-code"
    monkeypatch.setattr(environment, "ROOT", settings.PACKAGE)
    assert environment.place() == samantha_home / ".venv-code"
    assert CodeEnvironment().state == "missing"


def test_the_commands_that_mend_and_add_name_the_same_folder(small: Path) -> None:
    found = CodeEnvironment(small)
    assert found.repair()[1:] == (str(ROOT / "install.py"), "--code", "--into", str(small))
    assert found.addition("-x")[2] == "--code-package=-x"


# --- the real one ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> CodeEnvironment:
    """The checkout's own environment, which the installer makes before the tests (`install.py --dev`)."""
    found = CodeEnvironment(ROOT / ".venv-code")
    assert found.ready, found.sentence
    return found


def python(found: CodeEnvironment, code: str, *options: str, **variables: str) -> str:
    """What code prints there, run as bare as the sandbox runs it."""
    plain = {"PATH": "/usr/bin:/bin", **variables}
    done = subprocess.run([found.python, *options, "-c", code], capture_output=True, text=True, env=plain, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


ATTEMPTS = """
import importlib, sys
reached = []
for name in ("samantha", "gradio", "llama_cpp", "msgspec", "installation"):
    try:
        reached.append((name, importlib.import_module(name).__file__))
    except ImportError:
        pass
print(reached)
"""


@pytest.mark.parametrize("options", [(), ("-I",), ("-s",), ("-E",)])
def test_the_program_cannot_be_imported_from_it(real: CodeEnvironment, options: tuple[str, ...]) -> None:
    assert python(real, ATTEMPTS, *options) == "[]\n"


def test_no_path_of_it_leads_to_the_program(real: CodeEnvironment) -> None:
    paths = [Path(line) for line in python(real, "import sys; print(*sys.path, sep='\\n')").splitlines() if line]
    allowed = (real.folder, Path(python(real, "import sys; print(sys.base_prefix)").strip()))
    assert all(any(place in (path, *path.parents) for place in allowed) for path in paths)
    assert not any(place in paths for place in (ROOT, ROOT / "samantha"))
    for path in real.packages_folder.glob("*.pth"):
        lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith(("import ", "#"))]
        assert not any(Path(line).is_absolute() or ".." in line for line in lines), path
    assert "include-system-site-packages = false" in (real.folder / "pyvenv.cfg").read_text("utf-8")


def test_everything_offered_is_installed_or_says_why_not(real: CodeEnvironment) -> None:
    for each in real.packages():
        assert bool(each.version) != bool(each.missing), each


def test_the_offer_and_the_lock_are_of_the_same_packages() -> None:
    import tomllib

    group = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["code"]
    locked = {name.split(">")[0].split("<")[0] for name in group} - {"setuptools"}
    assert {each.name for each in PACKAGES if not each.left_out} == locked


def test_the_list_of_fonts_is_there(real: CodeEnvironment) -> None:
    assert list(real.fonts.glob("fontlist-*.json"))
