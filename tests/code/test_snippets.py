"""Ordinary programs do the same in the sandbox as outside: what they print, how they end, which files they make.

The expectations beside the snippets were written by the plain interpreter (`python -m tests.code.snippets.expected`);
a sample of them is written anew here, so that they cannot grow old unnoticed.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from samantha.code.runner import SandboxRunner
from samantha.code.workplace import workplace
from samantha.sandbox.access import Access, Limits
from tests.code.running import Ran, ran
from tests.code.snippets import expected

RUN = "snippets"
SNIPPETS = expected.snippets()
SAMPLE = ("002-", "007-", "024-", "039-", "046-", "066-", "076-", "095-", "110-", "113-")
"""Snippets that also run outside here: tables, a granted file, chance, pictures, child processes, errors, endings."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def runner(root: Path) -> Iterator[SandboxRunner]:
    """One warm interpreter for all snippets."""
    made = SandboxRunner(Access(readable=(expected.SALES,)), Limits(seconds=200), root)
    yield made
    made.close()


@pytest.fixture
def empty_box(root: Path) -> Path:
    """The run's work folder without what the snippet before left in it."""
    box = workplace(RUN, root).box
    for path in box.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return box


def exit_status(ran: Ran) -> int:
    """The status that the step tells of: a traceback is 1, another one is named."""
    if ran.finished.reason == "ok":
        return 0
    assert ran.finished.reason == "raised", ran.finished.output
    named = re.search(r"^The code ended with exit status (\d+)\.\Z", ran.finished.output, re.MULTILINE)
    return int(named[1]) if named else 1


def inside(runner: SandboxRunner, root: Path, snippet: Path) -> Ran:
    return ran(runner, root, snippet.read_text("utf-8"), expected.number(snippet), RUN)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda path: path.stem)
def test_a_snippet_does_the_same_in_the_sandbox(
    runner: SandboxRunner, root: Path, empty_box: Path, snippet: Path
) -> None:
    done = inside(runner, root, snippet)
    name = f"step-{expected.number(snippet)}.py"
    seen = expected.outcome(exit_status(done), done.stderr, done.stdout, empty_box, name)
    assert seen.text() == expected.stored(snippet)
    if seen.status:
        lines = [line for line in done.finished.output.splitlines() if line]
        said = lines[:-1] if lines[-1].startswith("The code ended with exit status") else lines
        assert said[-1:] == ([seen.error] if seen.error else [])
    assert [file.name for file in done.finished.files] == sorted(name for name, _ in seen.files)


def test_there_are_a_hundred_snippets_and_each_has_its_expectation() -> None:
    assert len(SNIPPETS) >= 100
    assert {path.stem for path in SNIPPETS} == {path.stem for path in expected.HERE.glob("[0-9]*.txt")}


@pytest.mark.parametrize("start", SAMPLE)
def test_the_plain_interpreter_still_does_what_was_stored(
    runner: SandboxRunner, root: Path, empty_box: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory,
    start: str,
) -> None:  # fmt: skip
    snippet = next(path for path in SNIPPETS if path.name.startswith(start))
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    assert expected.run_plainly(snippet, tmp_path, home).text() == expected.stored(snippet)
    inside(runner, root, snippet)
    for picture in tmp_path.rglob("*.png"):
        same = empty_box / picture.relative_to(tmp_path)
        assert same.read_bytes() == picture.read_bytes(), f"{picture.name} is drawn otherwise in the sandbox"
