"""samantha tokens: the choices of a new run, of a stored one, and branches, on Samantha Tiny."""

import contextlib
import csv
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from samantha.chain.record import Record
from samantha.cli.main import main
from samantha.cli.token_table import Paint, TokenTable, fit, width
from samantha.events import BranchStarted, StepFinished
from samantha.models.scripted import ScriptedSource
from samantha.runs.store import RunStore
from tests.learning import answers

from .conftest import Result, Samantha, Terminal, answer

Tiny = Callable[..., Result]
PROMPT = ("Write a short story about a fox.", "--seed", "5", "--max_tokens", "8", "--temperature", "1")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tiny:
    """Runs a command line in this process with the real models."""

    def samantha(*arguments: str) -> Result:
        monkeypatch.setattr("sys.stdin", Terminal())
        try:
            status = main(arguments)
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 1
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return samantha


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The store of a run on Samantha Tiny, and its lines of JSON. It is made once: loading a model takes a second."""
    home, out = tmp_path_factory.mktemp("recorded"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("SAMANTHA_HOME", str(home))
        assert main(["tokens", *PROMPT, "--jsonl"]) == 0
    return home, out.getvalue()


@pytest.fixture
def traced(recorded: tuple[Path, str], samantha_home: Path) -> list[dict[str, object]]:
    """The lines of JSON of a run that is now the last one in the store."""
    shutil.copytree(recorded[0], samantha_home)
    return [json.loads(line) for line in recorded[1].splitlines()]


def test_every_token_comes_with_its_candidates_and_what_samplers_did(traced: list[dict[str, object]]) -> None:
    assert [row["position"] for row in traced] == list(range(8))
    for row in traced:
        selected = [one for one in row["candidates"] if one["selected"]]
        assert [one["id"] for one in selected] == [row["id"]]
        assert len(row["candidates"]) in (10, 11)
        assert all(len(one["after"]) == len(row["samplers"]) for one in row["candidates"])
        assert selected[0]["after"][-1] == row["final_probability"]
    with RunStore() as store:
        (step,) = store.steps(store.find("last"))
    assert step.text.replace(" ", "␣").replace("\n", "↵").startswith("".join(str(row["text"]) for row in traced[:7]))


def test_a_stored_run_shows_what_was_seen_when_it_ran(tiny: Tiny, traced: list[dict[str, object]]) -> None:
    again = [json.loads(line) for line in tiny("tokens", "--run", "last", "--jsonl").out.splitlines()]
    assert again == traced
    unlikely = tiny("tokens", "--run", "last", "--jsonl", "--unlikely")
    expected = [row["position"] for row in traced if row["rank"] > 1]
    assert expected
    assert [json.loads(line)["position"] for line in unlikely.out.splitlines()] == expected
    one = json.loads(tiny("tokens", "--run", "last", "--jsonl", "--at", "2", "--top", "3").out)
    assert (one["position"], {row["rank"] <= 3 or row["selected"] for row in one["candidates"]}) == (2, {True})


def test_tables_for_programs_have_a_row_each(tiny: Tiny, traced: list[dict[str, object]]) -> None:
    rows = list(csv.DictReader(io.StringIO(tiny("tokens", "--run", "last", "--csv").out)))
    assert [int(row["id"]) for row in rows] == [row["id"] for row in traced]
    assert [float(row["logit"]) for row in rows] == [row["logit"] for row in traced]
    rows = list(csv.DictReader(io.StringIO(tiny("tokens", "--run", "last", "--csv_candidates").out)))
    expected = sum(len(row["candidates"]) * (1 + len(row["samplers"])) for row in traced)
    assert len(rows) == expected


def test_a_file_gets_the_lines_and_the_terminal_the_table(
    tiny: Tiny, traced: list[dict[str, object]], tmp_path: Path
) -> None:
    file, picture = tmp_path / "tokens.csv", tmp_path / "answer.png"
    shown = tiny("tokens", "--run", "last", "--output", str(file), "--png", str(picture), "--top", "0")
    assert shown.status == 0
    assert file.read_text(encoding="utf-8").count("\n") == 9
    assert len(shown.out.splitlines()) == 8 + 2
    assert Image.open(picture).format == "PNG"
    svg = tmp_path / "choice.svg"
    assert tiny("tokens", "--run", "last", "--at", "0", "--png", str(svg)).status == 0
    assert "top_k" in svg.read_text(encoding="utf-8")


@pytest.mark.parametrize("way", ["id", "as it is shown", "as it is"])
def test_a_forced_token_makes_a_branch_in_the_record(
    tiny: Tiny, traced: list[dict[str, object]], way: str
) -> None:
    other = next(one for one in traced[3]["candidates"] if not one["selected"])
    text = {"id": str(other["id"]), "as it is shown": other["text"], "as it is": other["text"].replace("␣", " ")}[way]
    made = tiny("tokens", "--run", "last", "--force", f"3={text}", "--temperature", "0", "--jsonl")
    assert made.status == 0
    rows = [json.loads(line) for line in made.out.splitlines()]
    assert (rows[0]["position"], rows[0]["id"], rows[0]["forced"], rows[0]["branch"]) == (3, other["id"], True, 1)
    assert {row["rank"] for row in rows[1:]} == {1}
    with RunStore() as store:
        events = list(store.events(store.find("last")))
    assert [(event.position, event.token) for event in events if isinstance(event, BranchStarted)] == [(3, other["id"])]
    whole = Record.of(events).answers[1, 1]
    shown = tiny("tokens", "--run", "last", "--branch", "1", "--jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in shown] == [token.id for token in whole.tokens]
    assert [json.loads(line)["shared"] for line in shown] == [True] * 3 + [False] * (len(shown) - 3)


def test_a_token_of_the_vocabulary_that_was_no_candidate_can_be_forced(
    tiny: Tiny, traced: list[dict[str, object]]
) -> None:
    seen = {one["text"] for one in traced[1]["candidates"]}
    assert "␣river" not in seen
    made = tiny("tokens", "--run", "last", "--force", "1= river", "--max_tokens", "3", "--jsonl")
    assert json.loads(made.out.splitlines()[0])["text"] == "␣river"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--run nope", "No stored run has an id that begins with nope"),
        ("--run last --step 4", "has no step 4: there are 1"),
        ("--run last --branch 7", "no branch 7"),
        ("--run last --at 99", "There is no token 99: the positions are 0 to 7"),
        ("--run last --force 99=3", "There is no token 99: the positions are 0 to 7"),
        ("--run last --force 1=99999", "the vocabulary of tiny has the ids 0 to 2520"),
        ("--run last --force x", "must be POSITION=TOKEN"),
        ("--run last --force 1=quixotic", "'quixotic' is no token of tiny"),
        ("--run last --force 1=9 --n_ctx 500", "n_ctx cannot change in a branch"),
        ("--run last --force 1=9 --system Hi", "--system cannot be changed in a branch"),
        ("--run last --force 1=9 --no-store", "leave --no-store out"),
        ("--run last --temperature 1", "--temperature changes nothing of a stored run"),
        ("--run last again", "not both"),
        ("--branch 2 Hi", "--branch is for a stored run"),
        ("--top 300 Hi", "a whole number from 0 to 100"),
        ("--jsonl --csv Hi", "One format at a time"),
        ("--output picture.gif Hi", "does not say what to write"),
        ("--output nowhere/tokens.csv Hi", "There is no folder"),
        ("--png tokens.gif Hi", "name it .png or .svg"),
        ("nothing.toml", "There is no file nothing.toml"),
        ("", "There is no prompt"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(
    tiny: Tiny, traced: list[dict[str, object]], arguments: str, said: str
) -> None:
    result = tiny("tokens", *arguments.split())
    assert said in result.err
    assert (result.status, result.out, result.err.count("\n")) == (1 if "nope" in arguments else 2, "", 1)


def test_a_run_that_was_not_traced_says_how_to_trace(samantha: Samantha, models: ScriptedSource) -> None:
    samantha("run", "--prompts", "Hi")
    result = samantha("tokens", "--run", "last")
    assert result.status == 2
    assert re.search(r"was not traced.*`samantha runs chain (\S+) > again.toml` and `samantha tokens", result.err)


def test_a_mistake_leaves_an_existing_file_alone(tiny: Tiny, tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    file.write_text("precious")
    assert tiny("tokens", "Hi", "--model", "nothing", "--output", str(file)).status == 1
    assert tiny("tokens", "--run", "nope", "--output", str(file)).status == 1
    assert file.read_text() == "precious"


def test_a_prompt_is_taken_as_it_is(samantha: Samantha, models: ScriptedSource, tmp_path: Path) -> None:
    for text in ("[a] {top_k=1} b", "two\nlines", "--- no"):
        assert samantha("tokens", "--", text).status == 0
        assert models.models["tiny"].requests[-1].messages[-1].content == text
    samantha("tokens", "-", typed="piped")
    assert models.models["tiny"].requests[-1].messages[-1].content == "piped"
    samantha("tokens", "--raw", "Once ")
    assert models.models["tiny"].requests[-1].text == "Once "
    chain = tmp_path / "chain.toml"
    chain.write_text('prompts = "One\\nTwo"\nrun_code = true')
    result = samantha("tokens", str(chain), "--top", "0")
    assert "The code of the answers is not run here" in result.err
    assert "## 2 · tiny · prompt 2" in result.out
    assert models.models["tiny"].requests[-1].trace == 1


def test_several_steps_ask_which_one_is_forced(samantha: Samantha, models: ScriptedSource, tmp_path: Path) -> None:
    chain = tmp_path / "chain.toml"
    chain.write_text('prompts = "One\\nTwo"')
    samantha("tokens", str(chain))
    assert "has 2 steps: say with --step" in samantha("tokens", "--run", "last", "--force", "0=1").err
    shown = samantha("tokens", "--run", "last", "--top", "0").out
    assert shown.count("## ") == 2
    picture = tmp_path / "picture.png"
    samantha("tokens", "--run", "last", "--png", str(picture))
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["picture-1.png", "picture-2.png"]


@pytest.mark.parametrize("space", [40, 60, 80, 200])
@pytest.mark.parametrize("top", [0, 10])
def test_lines_fit_the_width(space: int, top: int) -> None:
    shown = answers.answer(*[answers.token(piece, b"x" * 50, "中文字".encode()) for piece in (b"y" * 90, b" \n", b"")])
    table = TokenTable(space, Paint(io.StringIO()), top)
    lines = (table.head() + "".join(table.token(shown, position) for position in range(3))).splitlines()
    assert max(map(width, lines)) <= space
    assert any("out" in line for line in lines) or not top


def test_signs_say_what_colours_say() -> None:
    shown = answers.answer(answers.token(b"b", b"a", number=1), answers.token(b"a", b"b"))
    table = TokenTable(100, Paint(Terminal()), 0)
    unlikely, likely = table.token(shown, 0), table.token(shown, 1)
    assert "0!" in unlikely
    assert "\x1b[" in unlikely
    assert "\x1b[" not in likely
    assert "\x1b[" not in TokenTable(100, Paint(io.StringIO()), 0).token(shown, 0)


def test_nobody_is_coloured_who_asks_not_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert Paint(Terminal())("a", "1") == "a"


def test_wide_characters_take_two_columns() -> None:
    assert (width("中a"), fit("中文字", 4), fit("a", 3)) == (3, "中… ", "a  ")


def test_a_token_cannot_command_the_terminal() -> None:
    shown = answers.answer(answers.token(b"\x1b[2J\x07\xe2\x80\xae", b"\x1b]0;x\x07"))
    drawn = TokenTable(100, Paint(io.StringIO()), 10).token(shown, 0)
    assert all(character == "\n" or character.isprintable() for character in drawn)


@pytest.mark.skipif(os.name == "nt", reason="terminals and signals of POSIX")
def test_ctrl_c_keeps_what_was_shown() -> None:
    """In a terminal of its own, with the real model."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "samantha", "tokens", "Write a long story.", "--temperature", "2", "--top", "0"]
    child = subprocess.Popen([*command, "--top_k", "0", "--min_p", "0"], stdout=slave, stderr=slave, stdin=slave)
    os.close(slave)
    seen = b""
    while seen.count(b"\n") < 12 and select.select([master], [], [], 60)[0]:
        seen += os.read(master, 4096)
    child.send_signal(signal.SIGINT)
    while select.select([master], [], [], 60)[0]:
        try:
            seen += os.read(master, 4096)
        except OSError:
            break
    assert child.wait() == 130
    with RunStore() as store:
        events = list(store.events(store.find("last")))
    (end,) = [event for event in events if isinstance(event, StepFinished)]
    assert end.reason == "stopped"
    assert end.tokens >= 5
    assert b"\x1b[33m" in seen


def test_a_model_that_fails_is_told(samantha: Samantha, models: ScriptedSource) -> None:
    from samantha.errors import ModelError

    answer(models, ModelError("It broke."))
    result = samantha("tokens", "Hi")
    assert (result.status, result.out) == (1, "")
    assert "step 1 (tiny): It broke." in result.err


def test_a_stored_run_whose_model_could_not_be_loaded_says_why_it_has_no_tokens(samantha: Samantha) -> None:
    assert samantha("tokens", "Hi", "--model", "nowhere").status == 1
    result = samantha("tokens", "--run", "last")
    assert (result.status, result.out) == (2, "")
    assert "has no tokens: There is no scripted model nowhere" in result.err
