"""The view: a pure fold of events, cheap per token, the same for a live run and a stored one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import events
from samantha.chain import engine
from samantha.chain.chain import Chain
from samantha.errors import WorkerDied
from samantha.events import Event
from samantha.models.scripted import ScriptedSource
from samantha.runs.store import RunStore
from samantha.ui.text import GrowingText
from samantha.ui.view import Card, Notice, RunLine, View, fold, interrupted, rebuilt


def played(chain: Chain, answers: dict[str, list[object]]) -> list[Event]:
    return list(engine.run(chain, ScriptedSource(answers)))  # type: ignore[arg-type]


def cards(view: View) -> list[Card]:
    return [line for line in view.shown() if isinstance(line, Card)]


def started(step: int, time: float = 0.0, group: tuple[int, ...] = ()) -> Event:
    return events.StepStarted(
        run="r", step=step, time=time, model="m", prompt=f"p{step}", rendered="R", seed=1, group=group
    )


def token(step: int, shown: str, time: float) -> Event:
    return events.TokenGenerated(run="r", step=step, time=time, id=1, piece=shown.encode(), shown=shown)


def test_a_run_becomes_a_heading_and_a_card_for_each_step() -> None:
    view = rebuilt(played(Chain(prompts="Hi\nHo"), {"tiny": ["one two", "three"]}))
    heading, first, second = view.shown()
    assert isinstance(heading, RunLine)
    assert (heading.steps, heading.reason) == (2, "done")
    assert isinstance(first, Card)
    assert isinstance(second, Card)
    assert (first.step, str(first.text), first.reason, first.state) == (1, "one two", "end", "finished")
    assert (second.prompt, str(second.text), view.last) == ("Ho", "three", "three")
    assert view.progress.phase == "finished"
    assert view.progress.done == 2
    assert view.active == ()


def test_every_character_the_model_was_given_is_in_the_card() -> None:
    view = rebuilt(played(Chain(prompts="Hi", system="Be brief."), {"tiny": ["x"]}))
    assert cards(view)[0].rendered == "system: Be brief.\nuser: Hi"


def test_text_grows_token_by_token_and_only_the_active_card_changes() -> None:
    view = View()
    stream = played(Chain(prompts="Hi\nHo"), {"tiny": ["one two three", "four five"]})
    seen = []
    for event in stream:
        before = view
        view = fold(view, event)
        if isinstance(event, events.TokenGenerated):
            assert view.lines is before.lines
            seen.append(str(view.active[0].text))
    assert seen == ["one", "one two", "one two three", "four", "four five"]


def test_samples_of_a_group_grow_side_by_side_in_their_own_cards() -> None:
    view = View()
    widest = 0
    for event in played(Chain(prompts="Hi", responses=3), {"tiny": ["a b c", "d e", "f"]}):
        view = fold(view, event)
        widest = max(widest, len(view.active))
    assert widest == 3
    assert [(card.step, card.response, str(card.text)) for card in cards(view)] == [
        (1, 1, "a b c"), (2, 2, "d e"), (3, 3, "f"),
    ]  # fmt: skip


def test_a_failed_step_keeps_its_message_and_the_run_goes_on() -> None:
    view = rebuilt(played(Chain(prompts="Hi\nHo"), {"tiny": [WorkerDied("It died."), "fine"]}))
    failed, fine = cards(view)
    assert (failed.state, failed.message) == ("failed", "It died.")
    assert (fine.state, str(fine.text)) == ("finished", "fine")
    assert view.responses() == ["fine"]


def test_a_step_that_never_started_has_a_card_too() -> None:
    view = rebuilt(played(Chain(models=("none",), prompts="Hi"), {"tiny": ["x"]}))
    (card,) = cards(view)
    assert card.state == "failed"
    assert card.prompt == "Hi"
    assert "none" in card.message


def test_partial_text_survives_the_failure_of_its_step() -> None:
    view = fold(fold(fold(View(), started(1)), token(1, "Half", 0.1)), events.StepFailed(run="r", step=1, message="x"))
    assert str(cards(view)[0].text) == "Half"


def test_notices_are_lines_of_their_own() -> None:
    view = fold(View(), events.Notice(run="r", message="Dropped 2."))
    assert view.shown() == [Notice("Dropped 2.")]


def test_a_second_run_stands_below_the_first() -> None:
    view = rebuilt([*played(Chain(prompts="Hi"), {"tiny": ["a"]}), *played(Chain(prompts="Ho"), {"tiny": ["b"]})])
    assert [type(line).__name__ for line in view.lines] == ["RunLine", "Card", "RunLine", "Card"]
    assert view.responses() == ["a", "b"]


def test_a_run_that_breaks_off_leaves_its_partial_answers() -> None:
    view = rebuilt([events.RunStarted(run="r", seed=1, chain={}), started(1), token(1, "Half", 0.1)])
    view = interrupted(view, "The disk is full.")
    assert view.active == ()
    assert (cards(view)[0].state, str(cards(view)[0].text)) == ("failed", "Half")
    heading = view.lines[0]
    assert isinstance(heading, RunLine)
    assert heading.reason == "failed"


def test_code_and_its_output_belong_to_their_card() -> None:
    stream: list[Event] = [
        events.RunStarted(run="r", seed=1, chain={}), started(1),
        events.StepFinished(run="r", step=1, text="t", reason="end"),
        events.CodeFound(run="r", step=1, code="print(1)"),
        events.CodeOutput(run="r", step=1, stream="stdout", text="1\n"),
        events.CodeFinished(run="r", step=1, output="1", reason="ok"),
    ]  # fmt: skip
    (card,) = cards(rebuilt(stream))
    assert card.code is not None
    assert (card.code.code, card.code.printed("stdout"), card.code.reason) == ("print(1)", "1\n", "ok")


def test_the_rate_counts_from_the_first_token_and_the_rest_is_estimated_from_steps_done() -> None:
    stream: list[Event] = [events.RunStarted(run="r", seed=1, chain={}, steps=3), started(1, 1.0)]
    stream += [token(1, "x", 2.0 + index) for index in range(5)]
    view = rebuilt(stream)
    assert view.progress.rate == 1.0
    assert view.progress.seconds_left is None
    view = fold(view, events.StepFinished(run="r", step=1, time=11.0, text="xxxxx", reason="end"))
    assert view.progress.seconds_left == pytest.approx(20.0)


def test_an_endless_run_has_no_time_left() -> None:
    view = rebuilt([events.RunStarted(run="r", seed=1, chain={}, steps=None), started(1)])
    assert view.progress.seconds_left is None


def test_a_stored_run_is_rebuilt_as_it_was_shown(tmp_path: Path) -> None:
    run = engine.run(Chain(prompts="Hi\nHo", responses=2), ScriptedSource({"tiny": ["a **b**", "c", "d"]}))
    with RunStore(tmp_path / "runs.sqlite3") as store:
        live = rebuilt(store.record(run))
        assert rebuilt(store.events(run.id)) == live


def test_tokens_of_a_step_that_is_not_there_are_ignored() -> None:
    assert fold(View(), token(7, "x", 0.1)) == View()


@given(st.lists(st.text(max_size=5)))
def test_a_growing_text_is_the_text(pieces: list[str]) -> None:
    text = GrowingText()
    for piece in pieces:
        text = text.plus(piece)
    assert str(text) == "".join(pieces)
    assert text.length == len(str(text))


def copied(pieces: Iterator[str]) -> int:
    """How many characters were copied into new chunks."""
    text, work = GrowingText(), 0
    for piece in pieces:
        before, text = text, text.plus(piece)
        work += sum(len(chunk) for chunk in text.chunks if all(chunk is not old for old in before.chunks))
    return work


def test_a_growing_text_copies_little() -> None:
    length = 20_000
    assert copied("word " for _ in range(length // 5)) < 20 * length


def branched_run() -> list[events.Event]:
    """A step whose answer is left after its first token, and a branch that is added once the run is over."""
    at = {"run": "r", "step": 1}
    return [
        events.RunStarted(run="r", seed=1, chain={}, steps=1),
        events.StepStarted(**at, model="tiny", prompt="Hi", rendered="Hi", seed=1),
        events.TokenGenerated(**at, id=1, piece=b"one", shown="one"),
        events.TokenGenerated(**at, id=2, piece=b" two", shown=" two"),
        events.StepFinished(**at, text="one two", reason="branched", tokens=2),
        events.BranchStarted(**at, branch=1, position=1, token=3, text="one", changed={"temperature": 1.0}),
        events.TokenGenerated(**at, id=3, piece=b" ten", shown=" ten", branch=1),
        events.HyperparametersChanged(**at, branch=1, position=2, changed={"temperature": 2.0}),
        events.StepFinished(**at, text="one ten", reason="end", branch=1, tokens=1),
        events.RunFinished(run="r", reason="done"),
        events.BranchStarted(**at, branch=2, position=0, token=4),
        events.TokenGenerated(**at, id=4, piece=b"zero", shown="zero", branch=2),
        events.StepFinished(**at, text="zero", reason="end", branch=2, tokens=1),
    ]


def test_a_step_that_goes_on_as_a_branch_keeps_its_card() -> None:
    view = View()
    shown = []
    for event in branched_run()[:9]:
        view = fold(view, event)
        shown.append([str(card.text) for card in view.shown() if isinstance(card, Card)])
    assert shown[4:] == [["one two"], ["one"], ["one ten"], ["one ten"], ["one ten"]]
    card = view.lines[1]
    assert isinstance(card, Card)
    assert (card.branch, card.changed, card.reason) == (1, {"temperature": 2.0}, "end")
    assert view.progress.done == 1
    assert view.responses() == ["one ten"]


def test_what_follows_the_end_of_a_run_changes_no_card() -> None:
    before = rebuilt(branched_run()[:10])
    assert rebuilt(branched_run()) == before
