"""The environment of generated code from end to end, on tiny packages: made once, mended, filled behind the program."""

import fcntl
import json
import shutil
import time
from pathlib import Path

import pytest

from installation import code
from tests.installation import tiny_backend
from tests.installation.offline import ROOT, Checkout

CODE = ".venv-code"
WEIGHT = "import pebble; print(pebble.WEIGHT)"


def lock(checkout: Checkout, *wheels: str) -> str:
    """A lock file of tiny wheels."""
    pins = [(wheel.replace("-", "==", 1).split("-")[0], checkout.digest(wheel)) for wheel in wheels]
    return "".join(f"{pin} \\\n    --hash=sha256:{digest}\n" for pin, digest in pins)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with its environment of generated code, and without the program's: that one has tests of its own."""
    checkout = Checkout(tmp_path_factory.mktemp("installed") / "place")
    tiny_backend.write_wheel(checkout.index, "gravel", "1.0", {"gravel/__init__.py": "WEIGHT = 3\n"})
    tiny_backend.write_wheel(checkout.index, "boulder", "1.0", {"boulder.py": "WEIGHT = 9\n"})
    checkout.write("requirements-code.txt", lock(checkout, *wheels(checkout)))
    done = checkout.install("--code")
    assert done.returncode == 0, done.stderr
    shutil.copytree(checkout.place, checkout.place.with_name("backup"), symlinks=True)
    return checkout


def wheels(checkout: Checkout) -> list[str]:
    return sorted(path.name for path in checkout.index.glob("*.whl") if not path.name.startswith("boulder"))


@pytest.fixture
def checkout(template: Checkout) -> Checkout:
    """That checkout as it was, in its place."""
    shutil.rmtree(template.place)
    shutil.copytree(template.place.with_name("backup"), template.place, symlinks=True)
    return Checkout(template.place)


def packages(checkout: Checkout) -> Path:
    return next((checkout.folder / CODE / "lib").glob("python3.*/site-packages"))


def test_it_holds_the_locked_packages_and_nothing_of_the_program(checkout: Checkout) -> None:
    assert checkout.python(WEIGHT, CODE) == "1"
    assert checkout.python("import llama_cpp; print('there')", CODE) == ""
    assert not (checkout.folder / ".venv").exists()
    said = json.loads((checkout.folder / CODE / "contents.json").read_text())
    assert said["size"] > 10_000
    assert {"pebble", "gravel"} <= set(said["packages"])


def test_a_complete_one_is_looked_at_and_nothing_is_installed(checkout: Checkout) -> None:
    shutil.rmtree(checkout.index)
    again = checkout.install("--code")
    assert again.returncode == 0, again.stderr
    assert "done in" not in again.stderr
    assert "is complete" in again.stderr


@pytest.mark.parametrize("damage", ["folder", "description", "file", "truncated"])
def test_only_what_is_damaged_is_installed_again(checkout: Checkout, damage: str) -> None:
    place = packages(checkout)
    if damage == "folder":
        shutil.rmtree(place / "gravel")
    elif damage == "description":
        shutil.rmtree(place / "gravel-1.0.dist-info")
    elif damage == "file":
        (place / "gravel" / "__init__.py").unlink()
    else:
        (place / "gravel" / "__init__.py").write_text("WEI")
    tiny_backend.write_wheel(checkout.index, "pebble", "1.0", {"pebble.py": "WEIGHT = 'another'\n"})
    mended = checkout.install("--code")
    assert mended.returncode == 0, mended.stderr
    assert "damaged, and installed again: gravel\n" in mended.stderr
    assert checkout.python("import gravel; print(gravel.WEIGHT)", CODE) == "3"
    assert checkout.python(WEIGHT, CODE) == "1"
    assert "damaged" not in checkout.install("--code").stderr


@pytest.mark.parametrize("name", ["gravel", "gravel-1.0.dist-info", "pebble.py"])
def test_what_was_taken_away_is_noticed_at_one_look(
    checkout: Checkout, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "ROOT", checkout.folder)
    assert code.CodeEnvironment(checkout.folder / CODE).complete()
    packages(checkout).joinpath(name).rename(checkout.place / "elsewhere")
    assert not code.CodeEnvironment(checkout.folder / CODE).complete()


def test_an_environment_that_lacks_a_preparation_is_completed(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "ROOT", checkout.folder)
    (packages(checkout) / "vl_convert").mkdir()
    contents = checkout.folder / CODE / "contents.json"
    known = json.loads(contents.read_text())
    contents.write_text(json.dumps({**known, "names": [*known["names"], "vl_convert"]}))
    assert not code.CodeEnvironment(checkout.folder / CODE).complete()
    assert "could not be bundled" in checkout.install("--code").stderr
    assert code.CodeEnvironment(checkout.folder / CODE).complete()


def test_packages_of_an_installation_that_was_killed_are_all_installed_again(checkout: Checkout) -> None:
    (packages(checkout) / "pebble.py").write_text("WEI")
    record = checkout.folder / CODE / "installed.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), code.LOCKED: "unfinished"}))
    (checkout.folder / CODE / "contents.json").unlink()
    assert checkout.install("--code").returncode == 0
    assert checkout.python(WEIGHT, CODE) == "1"


def test_a_package_on_request_comes_beside_the_others_and_stays(checkout: Checkout) -> None:
    added = checkout.install("--code-package", "boulder")
    assert added.returncode == 0, added.stderr
    assert checkout.python("import boulder; print(boulder.WEIGHT)", CODE) == "9"
    fresh = checkout.install("--code", "--fresh")
    assert fresh.returncode == 0, fresh.stderr
    assert checkout.python("import boulder; print(boulder.WEIGHT)", CODE) == "9"
    (packages(checkout) / "boulder.py").unlink()
    assert "damaged, and installed again: boulder\n" in checkout.install("--code").stderr
    assert checkout.python("import boulder; print(boulder.WEIGHT)", CODE) == "9"


@pytest.mark.parametrize("name", ["pebble==2.0", "nowhere", "--index-url=x", "a b", ""])
def test_a_package_that_cannot_be_had_beside_them_is_refused(checkout: Checkout, name: str) -> None:
    tiny_backend.write_wheel(checkout.index, "pebble", "2.0", {"pebble.py": "WEIGHT = 2\n"})
    refused = checkout.install(f"--code-package={name}")
    assert refused.returncode == (1 if name else 0)
    assert checkout.python(WEIGHT, CODE) == "1"
    if name:
        assert "What generated code needs is not installed yet." in refused.stderr.splitlines()[-1]


def test_it_can_lie_in_another_folder(checkout: Checkout) -> None:
    elsewhere = checkout.place / "user data" / CODE
    done = checkout.install("--code", "--into", str(elsewhere))
    assert done.returncode == 0, done.stderr
    assert checkout.run(str(elsewhere / "bin" / "python"), "-c", WEIGHT).stdout == "1\n"
    assert "is complete" in elsewhere.with_name(CODE + ".log").read_text()


def test_a_failure_is_the_last_line_of_its_log(checkout: Checkout) -> None:
    tiny_backend.write_wheel(checkout.index, "pebble", "2.0", {"pebble.py": "WEIGHT = 'evil'\n"})
    checkout.write("requirements-code.txt", f"pebble==2.0 --hash=sha256:{'0' * 64}\n")
    assert checkout.install("--code").returncode == 1
    last = (checkout.folder / f"{CODE}.log").read_text().splitlines()[-1]
    assert last.startswith("Not complete: A package is not the one that was locked")


def test_the_program_opens_while_what_code_needs_is_installed_behind_it(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write("requirements-code.txt", lock(checkout, "pebble-1.0-py3-none-any.whl"))
    log = checkout.folder / f"{CODE}.log"
    with log.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        opened = checkout.run("sh", "open_samantha.sh", "hello")
        assert (opened.returncode, opened.stdout) == (0, "samantha hello\n"), opened.stderr
        assert "in the background" in opened.stderr
        assert not (checkout.folder / CODE).exists()
    while "is complete" not in log.read_text():
        assert "Not complete" not in log.read_text()
        time.sleep(0.1)
    assert checkout.python(WEIGHT, CODE) == "1"
    again = checkout.run("sh", "open_samantha.sh", "hello")
    assert (again.stdout, again.stderr) == ("samantha hello\n", "")


def test_installing_without_opening_waits_for_both(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write("requirements-code.txt", lock(checkout, "pebble-1.0-py3-none-any.whl"))
    assert checkout.install().returncode == 0
    assert checkout.python(WEIGHT, CODE) == "1"
    assert checkout.python(WEIGHT) == "1"
    assert checkout.install().stderr == ""


def test_a_pin_keeps_its_marker_and_loses_its_hashes() -> None:
    lines = code.pins("a-b==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\nc==2 --hash=sha256:11 \\\n")
    assert lines == ["a-b==1.0 ; sys_platform == 'win32'", "c==2"]


def test_every_entry_of_the_real_lock_is_a_pin() -> None:
    text = (ROOT / code.LOCKED).read_text("utf-8")
    entries = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert len(code.pins(text)) == len(entries) > 200
