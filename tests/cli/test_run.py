"""`samantha run`: what it prints where, and its exit status."""

import json
from pathlib import Path

import pytest

from samantha.errors import WorkerDied
from samantha.events import RunFinished, decode
from samantha.models.scripted import ScriptedSource
from samantha.runs.store import RunStore

from .conftest import Samantha, answer, sentences


def test_one_step_prints_its_text_alone(samantha: Samantha) -> None:
    result = samantha("run", "--prompts", "Count.")
    assert (result.status, result.out, result.err) == (0, "One two three.\n", "")


def test_several_steps_have_a_line_before_each(samantha: Samantha) -> None:
    result = samantha("run", "--prompts", "A\nB", "--model", "tiny", "--model", "other")
    assert result.out == (
        "## 1 · tiny · prompt 1\nOne two three.\n\n## 2 · tiny · prompt 2\nOne two three.\n\n"
        "## 3 · other · prompt 1\nEins zwei.\n\n## 4 · other · prompt 2\nEins zwei.\n"
    )


def test_answers_of_a_batch_are_printed_one_after_the_other(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, "a a a a", "b b", "c")
    result = samantha("run", "--prompts", "Hi", "--responses", "3")
    assert result.out == (
        "## 1 · tiny · prompt 1\na a a a\n\n## 2 · tiny · prompt 1\nb b\n\n## 3 · tiny · prompt 1\nc\n"
    )


@pytest.mark.parametrize("arguments", [("run",), ("run", "-"), ("run", "--prompts", "-")])
def test_prompts_can_be_piped_in(samantha: Samantha, models: ScriptedSource, arguments: tuple[str, ...]) -> None:
    assert samantha(*arguments, typed="Olá\n---left out\nzwei").status == 0
    assert [request.messages[-1].content for request in models.models["tiny"].requests] == ["Olá", "zwei"]


def test_piped_prompts_can_take_the_place_of_a_files(
    samantha: Samantha, models: ScriptedSource, tmp_path: Path
) -> None:
    chain = tmp_path / "chain.toml"
    chain.write_text('system = "Be brief."\nprompts = "Old"')
    assert samantha("run", str(chain), "--prompts", "-", typed="New").status == 0
    request = models.models["tiny"].requests[0]
    assert [message.content for message in request.messages] == ["Be brief.", "New"]


def test_options_win_over_the_file(samantha: Samantha, models: ScriptedSource, tmp_path: Path) -> None:
    chain = tmp_path / "chain.toml"
    chain.write_text(
        'models = ["other"]\nprompts = "{{topic}} {{place}}"\nhyperparameters = {temperature = 0.2, top_k = 7}\n'
        'variables = {topic = "love", place = "here"}'
    )
    options = ["--model", "tiny", "--temperature", "0.9", "--variables", "topic=life"]
    assert samantha("run", str(chain), *options).status == 0
    request = models.models["tiny"].requests[0]
    assert (request.samples[0].temperature, request.samples[0].top_k) == (0.9, 7)
    assert request.messages[-1].content == "life here"


def test_a_text_file_is_a_prompt_list(samantha: Samantha, models: ScriptedSource, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("First\nSecond", encoding="utf-8")
    assert samantha("run", str(prompts)).status == 0
    assert len(models.models["tiny"].requests) == 2


def test_json_is_one_event_a_line(samantha: Samantha) -> None:
    result = samantha("run", "--prompts", "A\nB", "--json", "--seed", "5")
    events = [decode(line) for line in result.out.splitlines()]
    assert json.loads(result.out.splitlines()[0])["seed"] == 5
    assert isinstance(events[-1], RunFinished)
    with RunStore() as store:
        assert list(store.events(events[0].run)) == events


def test_every_run_is_stored_unless_asked_not_to(samantha: Samantha) -> None:
    samantha("run", "--prompts", "Kept")
    samantha("run", "--prompts", "Not kept", "--no-store")
    with RunStore() as store:
        assert [run.title for run in store.runs()] == ["Kept"]


def test_a_failed_step_is_a_sentence_and_status_1(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, WorkerDied("The worker was killed: use a smaller model."))
    result = samantha("run", "--prompts", "A", "--model", "tiny", "--model", "other")
    assert result.status == 1
    assert result.err == "step 1 (tiny): The worker was killed: use a smaller model.\n"
    assert "Eins zwei." in result.out


def test_a_model_that_is_not_there_is_a_sentence_and_status_1(samantha: Samantha) -> None:
    result = samantha("run", "--prompts", "A", "--model", "nothing")
    assert (result.status, result.out) == (1, "")
    assert "no scripted model nothing" in result.err


MISTAKES = {
    "empty list": (["--prompts", "---nothing"], "prompt list is empty"),
    "no prompts": (["--prompts", " "], "There is no prompt"),
    "unknown hyperparameter in braces": (["--prompts", "{temprature=1} x"], "did you mean temperature"),
    "value out of range": (["--prompts", "x", "--top_p", "2"], "a number from 0 to 1"),
    "not a number": (["--prompts", "x", "--temperature", "hot"], "'hot', but must be a number"),
    "unknown option": (["--prompts", "x", "--temprature", "1"], "did you mean --temperature"),
    "abbreviated option": (["--prompts", "x", "--temp", "1"], "--temp is not known"),
    "missing file": (["nowhere.toml"], "There is no file nowhere.toml"),
    "folder for a file": (["."], "is a folder"),
    "undefined variable": (["--prompts", "{{nmae}}", "--variables", "name=x"], "did you mean {{name}}"),
    "variable without a value": (["--prompts", "x", "--variables", "name"], "write NAME=TEXT"),
    "two models shuffled": (["--prompts", "x", "--shuffle_models", "--model", "a"], "shuffle_models needs 3"),
    "no responses": (["--prompts", "x", "--responses", "0"], "at least 1"),
    "seed too large": (["--prompts", "x", "--seed", "4294967295"], "seed"),
    "range of nothing": (["--prompts", "x", "--random_ranges", "top_x=0,1"], "random_ranges cannot have top_x"),
    "not a range": (["--prompts", "x", "--random_ranges", "top_p=high"], "NAME=LOWEST,HIGHEST"),
    "not a table": (["--prompts", "x", "--hyperparameters", "7"], "not a table"),
    "not a template": (["--prompts", "x", "--template", "{user = 1}"], "not a table of prefixes and suffixes"),
    "unknown sampler": (["--prompts", "x", "--samplers", "top_k,luck"], "list of samplers"),
    "no such command": (None, "did you mean run"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence_and_status_2(samantha: Samantha, models: ScriptedSource, case: str) -> None:
    arguments, message = MISTAKES[case]
    result = samantha("rnu") if arguments is None else samantha("run", *arguments)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
    assert len(sentences(result.err)) == 1
    assert not models.loads


def test_malformed_toml_is_told_with_its_place(samantha: Samantha, tmp_path: Path) -> None:
    chain = tmp_path / "chain.toml"
    chain.write_text("prompts = 'open")
    result = samantha("run", str(chain))
    assert result.status == 2
    assert "chain.toml is not valid TOML" in result.err
    assert "line 1" in result.err


def test_bytes_that_are_no_text_are_told(samantha: Samantha) -> None:
    result = samantha("run", typed=b"\xff\xfe\x00A")
    assert (result.status, sentences(result.err)) == (
        2, ["samantha: Standard input is not UTF-8 text (byte 0): save it as UTF-8 first."]
    )  # fmt: skip


def test_an_unwritable_store_is_told_before_anything_runs(
    samantha: Samantha, models: ScriptedSource, samantha_home: Path
) -> None:
    samantha_home.mkdir()
    (samantha_home / "runs.sqlite3").write_bytes(b"not a database, but long enough to be looked at" * 100)
    result = samantha("run", "--prompts", "x")
    assert (result.status, result.out, models.loads) == (1, "", [])
    assert "is not a run store" in result.err
    assert samantha("run", "--prompts", "x", "--no-store").out == "One two three.\n"


def test_a_data_folder_that_cannot_be_made_is_told(samantha: Samantha, samantha_home: Path) -> None:
    samantha_home.write_text("a file")
    result = samantha("run", "--prompts", "x")
    assert result.status == 1
    assert "data folder" in result.err


def test_random_hyperparameters_are_shown(samantha: Samantha) -> None:
    result = samantha("run", "--prompts", "x", "--random_hyperparameters", "--seed", "1")
    assert result.err.startswith("temperature 0.")
