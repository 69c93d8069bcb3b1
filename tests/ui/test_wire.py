"""What is sent to the page: everything once, then only what changed."""

from samantha import events
from samantha.chain import engine
from samantha.chain.chain import Chain
from samantha.models.scripted import ScriptedSource
from samantha.ui.view import View, fold
from samantha.ui.wire import Stream, whole

LONG = "\n\n".join(f"Paragraph {number} with some words in it." for number in range(60))


def test_the_stream_adds_up_to_the_whole() -> None:
    view, stream, page = View(), Stream(), {}
    for event in engine.run(Chain(prompts="Hi\nHo", responses=2), ScriptedSource({"tiny": [LONG, "**b**", "c\n\nd"]})):
        view = fold(view, event)
        for line in stream.update(view).get("lines", []):
            part = page.setdefault(line["place"], {"fixed": ""})
            fixed = line["fixed"] if "fixed" in line else part["fixed"] + line.get("append", "")
            page[line["place"]] = {**part, **line, "fixed": fixed}
    for line in whole(view):
        assert page[line["place"]]["fixed"] == line.get("fixed", "")


def test_an_update_holds_what_changed_and_no_more() -> None:
    view, stream = View(), Stream()
    for event in engine.run(Chain(prompts="Hi"), ScriptedSource({"tiny": [LONG]})):
        view = fold(view, event)
        update = stream.update(view)
        if isinstance(event, events.TokenGenerated):
            (line,) = update["lines"]
            assert len(line["append"]) + len(line["tail"]) < 200
            assert "rendered" not in line
    assert stream.update(view) == {}


def test_a_page_that_comes_late_gets_everything() -> None:
    view = View()
    for event in list(engine.run(Chain(prompts="Hi\nHo"), ScriptedSource({"tiny": ["a", "b"]})))[:-3]:
        view = fold(view, event)
    update = Stream().update(view)
    assert [line["kind"] for line in update["lines"]] == ["run", "card", "card"]
    assert all(line["new"] for line in update["lines"])


def test_clearing_is_told() -> None:
    stream = Stream()
    stream.update(fold(View(), events.Notice(run="r", message="x")))
    assert stream.update(View()).get("clear") is True


def test_a_card_that_goes_on_as_a_branch_is_drawn_anew() -> None:
    at = {"run": "r", "step": 1}
    stream, view = Stream(), View()
    for event in (
        events.RunStarted(run="r", seed=1, chain={}, steps=1),
        events.StepStarted(**at, model="tiny", prompt="Hi", rendered="Hi", seed=1),
        events.TokenGenerated(**at, id=1, piece=b"", shown="one\n\ntwo"),
    ):
        view = fold(view, event)
    assert "<p>one</p>" in stream.update(view)["lines"][1]["append"]
    view = fold(view, events.BranchStarted(**at, branch=1, position=1, text="ten", changed={"top_k": 3}))
    change = stream.update(view)["lines"][0]
    assert (change["fixed"], change["branch"], change["changed"]) == ("", 1, {"top_k": 3})
    assert "ten" in change["tail"]
    view = fold(view, events.HyperparametersChanged(**at, branch=1, position=2, changed={"top_k": 4}))
    assert stream.update(view)["lines"][0]["changed"] == {"top_k": 4}
    view = fold(view, events.TokenGenerated(**at, id=1, piece=b"", shown=" more", branch=1))
    assert "changed" not in stream.update(view)["lines"][0]
