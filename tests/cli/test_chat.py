"""`samantha chat`: turns, commands and what they leave."""

from pathlib import Path

from samantha.chain.files import read
from samantha.errors import WorkerDied
from samantha.models.model import GenerateRequest
from samantha.models.scripted import ScriptedSource
from samantha.runs.store import RunStore

from .conftest import Samantha, answer


def turns(request: GenerateRequest) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in request.messages]


def test_earlier_turns_travel_along(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, "Hello.", "Fine.")
    result = samantha("chat", "--system", "Be kind.", typed="Hi\nHow are you?\n")
    assert (result.status, result.out) == (0, "Hello.\nFine.\n")
    assert turns(models.models["tiny"].requests[-1]) == [
        ("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello."), ("user", "How are you?"),
    ]  # fmt: skip


def test_nothing_typed_counts_as_grammar(samantha: Samantha, models: ScriptedSource) -> None:
    texts = ["[a] b", "{top_k=1} x", "--- y", "$$$", "a $$$ b", "{{responses}} {{last}}", "[[final]]", "\\[a]"]
    samantha("chat", typed="\n".join([*texts, "//set x"]))
    asked = [request.messages[-1].content for request in models.models["tiny"].requests]
    assert asked == [*texts, "/set x"]


def test_lines_are_joined_and_quoted(samantha: Samantha, models: ScriptedSource) -> None:
    samantha("chat", typed='one\\\ntwo\n"""three\n\n  four"""\n"""\nfive\n"""\n')
    asked = [request.messages[-1].content for request in models.models["tiny"].requests]
    assert asked == ["one\ntwo", "three\n\n  four", "five"]


def test_an_empty_line_continues_the_last_answer_to_the_character(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, "Once upon\n", " a time", " there was")
    samantha("chat", typed="Tell\n\n\nMore\n")
    requests = models.models["tiny"].requests
    assert requests[1].text == "user: TellOnce upon\n"
    assert requests[2].text == "user: TellOnce upon\n a time"
    assert turns(requests[3])[1] == ("assistant", "Once upon\n a time there was")


def test_an_empty_line_before_any_answer_is_told(samantha: Samantha, models: ScriptedSource) -> None:
    result = samantha("chat", typed="\n")
    assert "no answer to go on with" in result.err
    assert not models.loads


def test_set_changes_what_follows_and_checks(samantha: Samantha, models: ScriptedSource) -> None:
    changes = "/set temperature 0.8\n/set stop ['a', 'b']\n/set top_p 3\n/set\n/set x 1\n"
    result = samantha("chat", typed=f"Hi\n{changes}Hi\n")
    first, second = (request.samples[0] for request in models.models["tiny"].requests)
    assert (first.temperature, second.temperature, second.stop) == (0, 0.8, ("a", "b"))
    assert "top_p is 3, but must be a number from 0 to 1" in result.err
    assert "temperature 0.8, stop ('a', 'b')" in result.err
    assert "unknown hyperparameter x" in result.err


def test_system_undo_and_reset(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, "1", "2", "3", "4")
    samantha(
        "chat", "--example", "Q", "A", typed="a\nb\n/undo\n/system Short $$$ please\nc\n/reset\n/system \"\"\nd\n"
    )  # fmt: skip
    requests = models.models["tiny"].requests
    assert turns(requests[2]) == [
        ("system", "Short $$$ please"), ("user", "Q"), ("assistant", "A"), ("user", "a"), ("assistant", "1"),
        ("user", "c"),
    ]  # fmt: skip
    assert turns(requests[3]) == [("user", "Q"), ("assistant", "A"), ("user", "d")]


def test_a_saved_conversation_goes_on(samantha: Samantha, models: ScriptedSource, tmp_path: Path) -> None:
    answer(models, "Hello [there] {x=1}.", "Bye.")
    file = tmp_path / "talk.toml"
    result = samantha("chat", "--top_k", "3", typed=f"Hi $$$\n/save {file}\n")
    assert "goes on from there" in result.err
    assert [(turn.user, turn.assistant) for turn in read(file).examples] == [("Hi $$$", "Hello [there] {x=1}.")]
    samantha("chat", str(file), typed="And?\n")
    request = models.models["tiny"].requests[-1]
    assert turns(request) == [("user", "Hi $$$"), ("assistant", "Hello [there] {x=1}."), ("user", "And?")]
    assert request.samples[0].top_k == 3


def test_thinking_is_shown_but_does_not_travel(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, "<think>hm</think> Yes.", "No.")
    result = samantha("chat", typed="a\nb\n")
    assert "<think>" in result.out
    assert turns(models.models["tiny"].requests[1])[1] == ("assistant", "Yes.")


def test_a_failed_turn_leaves_the_conversation(samantha: Samantha, models: ScriptedSource) -> None:
    answer(models, "Good.", WorkerDied("The worker was killed."), "Again.")
    result = samantha("chat", typed="a\nb\nc\n")
    assert "The worker was killed." in result.err
    assert result.status == 0
    assert turns(models.models["tiny"].requests[-1]) == [("user", "a"), ("assistant", "Good."), ("user", "c")]


def test_an_unknown_command_is_told_and_nothing_is_asked(samantha: Samantha, models: ScriptedSource) -> None:
    result = samantha("chat", typed="/foo\n/set temperature\n/save\n")
    assert result.status == 1
    assert "no command /foo" in result.err
    assert not models.loads


def test_show_tells_everything(samantha: Samantha) -> None:
    result = samantha("chat", "--system", "Be kind.", "--top_k", "3", typed="Hi\n/show\n/help\n/exit\nnot asked\n")
    for text in ("model: tiny", "system: Be kind.", "top_k 3", "> Hi\nOne two three."):
        assert text in result.err


def test_every_turn_is_a_stored_run(samantha: Samantha) -> None:
    samantha("chat", typed="Hi\nHo\n")
    with RunStore() as store:
        assert [(run.title, run.status) for run in store.runs()] == [("Ho", "done"), ("Hi", "done")]


def test_a_chat_has_one_model(samantha: Samantha) -> None:
    result = samantha("chat", "--model", "tiny", "--model", "other", typed="")
    assert result.status == 2
    assert "one model, but 2" in result.err
