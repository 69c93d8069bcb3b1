"""The guide to learning mode: its sums are right, its commands work, its pictures and fields are the program's."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks import learning_pictures
from samantha.chain.record import Record
from samantha.cli.main import main
from samantha.events import BranchStarted
from samantha.hyperparameters import DEFAULTS, SAMPLERS, changed
from samantha.learning import export, samplers
from samantha.runs.store import RunStore
from samantha.settings import ROOT

PAGES = [page for page in ("learning.md", "learning.pt.md") if (ROOT / "docs" / page).exists()]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text("utf-8")


def words(text: str) -> dict[str, float]:
    """Lines of a word and its logit."""
    return {word: float(logit) for word, logit in map(str.split, text.strip().splitlines())}


def chances(logits: dict[str, float], settings: str) -> str:
    """What is left of the words, and their chances, as the page writes them. `before` are words that came already."""
    given = tomllib.loads(settings)
    names = list(logits)
    before = [names.index(word) for word in given.pop("before", "").split()]
    values = changed(DEFAULTS, {**OFF, **given})
    left = samplers.candidates(range(len(names)), list(logits.values()))
    for name in SAMPLERS:
        if name == "penalties":
            left = samplers.penalties(
                left, before, values.repeat_penalty, values.presence_penalty, values.frequency_penalty
            )
        elif samplers.is_on(name, values):
            left = getattr(samplers, name)(left, getattr(values, name))
    shares = samplers.probabilities(left)
    lines = [f"{names[number]:8}{100 * share:5.1f} %" for number, share in zip(left.ids, shares, strict=True)]
    return "\n".join(lines) + "\n"


def examples() -> list[tuple[str, dict[str, float], str, str]]:
    found = []
    for page in PAGES:
        fences = FENCE.findall(text_of(page))
        (logits,) = [words(text) for kind, text in fences if kind == "logits"]
        pairs = [text for kind, text in fences if kind in ("settings", "chances")]
        assert [kind for kind, _ in fences if kind in ("settings", "chances")] == ["settings", "chances"] * (
            len(pairs) // 2
        )
        found += [(page, logits, *pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
    return found


@pytest.mark.parametrize(("page", "logits", "settings", "expected"), examples())
def test_the_sums_of_the_guide_are_right(page: str, logits: dict[str, float], settings: str, expected: str) -> None:
    assert chances(logits, settings) == expected


def test_every_sampler_that_the_guide_teaches_has_an_example() -> None:
    for page in PAGES:
        together = "".join(settings for one, _, settings, _ in examples() if one == page)
        taught = {"temperature", "top_k", "top_p", "min_p", "typical_p", "tfs_z"}
        taught |= {"repeat_penalty", "presence_penalty", "frequency_penalty"}
        assert taught <= set(re.findall(r"^(\w+) =", together, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_the_guide_work(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.txt").write_text("One day, a fox went to the river.", encoding="utf-8")
    lines = [line for kind, text in FENCE.findall(text_of(page)) if kind == "sh" for line in text.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("samantha ")]
    assert {command[0] for command in commands} >= {"tokens", "score", "vocab", "info"}
    for command in commands:
        assert main(command) == 0, (command, capsys.readouterr().err)
        assert capsys.readouterr().out, command
    with RunStore() as store:
        events = list(store.events(store.find("last")))
    assert any(isinstance(event, BranchStarted) for event in events)
    assert all(answer.traced for answer in Record.of(events).answers.values())
    for made in (word for command in commands for word in command if word.endswith((".csv", ".jsonl", ".png"))):
        assert (tmp_path / made).stat().st_size > 0


@pytest.mark.parametrize("page", PAGES)
def test_the_guide_names_every_field(page: str) -> None:
    text = text_of(page)
    for kind in (export.TokenRow, export.CandidateStageRow, export.ScoreRow, export.PieceRow, export.VocabularyRow):
        for name in kind.__struct_fields__:
            assert f"`{name}`" in text, (kind.__name__, name)


def test_the_pictures_are_made_by_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.learning_pictures", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn == {path.name for path in learning_pictures.FOLDER.glob("*.png")}
    for page in PAGES:
        assert set(re.findall(r"\]\(images/learning/([\w.-]+)\)", text_of(page))) == drawn


