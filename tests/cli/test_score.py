"""samantha score: a text through Samantha Tiny, alone and beside another file of it."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samantha.cli.main import main
from samantha.models.library import TINY_PATH
from samantha.models.scripted import ScriptedSource

from .conftest import Piped, Result, Samantha, Terminal

Tiny = Callable[..., Result]
TEXT = "One day, a fox went to the river. É\n"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tiny:
    def samantha(*arguments: str, typed: str | bytes | None = None) -> Result:
        monkeypatch.setattr(sys, "stdin", Terminal() if typed is None else Piped(typed))
        try:
            status = main(arguments)
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 1
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return samantha


def test_a_text_a_file_and_standard_input_score_alike(tiny: Tiny, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    ways = [tiny("score", TEXT), tiny("score", str(file)), tiny("score", "-", typed=TEXT), tiny("score", typed=TEXT)]
    assert len({way.out for way in ways}) == 1
    assert {(way.status, way.err) for way in ways} == {(0, "")}
    assert "perplexity" in ways[0].out.splitlines()[-1]


def test_lines_add_up_to_the_totals_and_spell_the_text(tiny: Tiny) -> None:
    result = tiny("score", TEXT, "--jsonl", "--top", "2")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert b"".join(bytes.fromhex(line["bytes"][2:]) for line in lines).decode() == TEXT
    assert [line["begin"] for line in lines][1:] == [line["end"] for line in lines][:-1]
    bits = sum(line["surprisal"] or 0.0 for line in lines)
    assert f"{bits:.2f} bits," in result.err
    assert all(len(line["best"]) == 2 for line in lines[1:])
    rows = list(csv.DictReader(io.StringIO(tiny("score", TEXT, "--csv").out)))
    assert [row["surprisal"] for row in rows] == [
        "" if line["surprisal"] is None else str(line["surprisal"]) for line in lines
    ]  # fmt: skip


def test_a_model_agrees_with_itself_piece_by_piece(tiny: Tiny, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    shutil.copy(TINY_PATH, other)
    file = tmp_path / "pieces.csv"
    result = tiny("score", TEXT, "--against", str(other), "--output", str(file))
    assert result.status == 0
    assert "They agree on every piece that both scored." in result.out
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    assert b"".join(bytes.fromhex(row["bytes"][2:]) for row in rows).decode() == TEXT
    assert {row["difference"] for row in rows} == {"", "0.0"}


def test_where_two_models_differ_is_named(samantha: Samantha, models: ScriptedSource) -> None:
    from samantha.models.model import Scored
    from samantha.traces import ScoredToken

    for name, bits in (("tiny", 1.0), ("other", 4.5)):
        first, last = ScoredToken(0, b"One", None, None, None), ScoredToken(1, b" two", bits, 1, 0.0)
        models.models[name].score = lambda _, tokens=(first, last): iter([Scored(tokens)])  # type: ignore[method-assign]
    result = samantha("score", "One two", "--against", "other")
    assert result.status == 0
    assert "other needs +3.50 bits on the 4 bytes that both scored" in result.out
    assert result.out.splitlines()[-1].split() == ["+3.50", "bits", "byte", "3", "␣two"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "There is no text to score"),
        ([""], 2, "There is no text to score"),
        (["Hi", "--top", "101"], 2, "a whole number from 0 to 100"),
        (["Hi", "--model", "nothing"], 1, "There is no model 'nothing'"),
        (["Hi there", "--against", "nothing"], 1, "There is no model 'nothing'"),
        (["Hi", "--output", "x.txt"], 2, "does not say what to write"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(tiny: Tiny, arguments: list[str], status: int, said: str) -> None:
    result = tiny("score", *arguments)
    assert said in result.err
    assert (result.status, result.err.count("\n")) == (status, 1)


def test_a_file_that_holds_no_text_is_told(tiny: Tiny, tmp_path: Path) -> None:
    file = tmp_path / "no.txt"
    file.write_bytes(b"\xff\xfe\x00\x00\x01")
    result = tiny("score", str(file))
    assert result.status == 2
    assert "no.txt" in result.err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_keeps_what_was_scored(tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    file.write_text("One day, a fox went to the river. " * 20_000, encoding="utf-8")
    command = [sys.executable, "-m", "samantha", "score", str(file)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    head = [child.stdout.readline() for _ in range(5)]
    child.send_signal(signal.SIGINT)
    lines = [*head, *child.stdout]
    assert child.wait() == 130
    assert lines[-1].endswith("(stopped before the end)\n")
    assert f"{len(lines) - 4} tokens scored" in lines[-1]
