"""What happens to code is folded the same from events and from a runner's outcomes, and sent piece by piece."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from samantha import events
from samantha.code.code import Finished, Found, Printed, Serving, Shown, as_event
from samantha.ui import wire
from samantha.ui.code_view import LARGEST_OUTPUT, CodeBlock, happened
from samantha.ui.view import Card, View, fold

RUN = "20250101-000000-abcd"


def folded(happenings: Sequence[Any]) -> CodeBlock:
    block = CodeBlock(RUN, 1)
    for happening in happenings:
        block = happened(block, told(happening))
    return block


def told(happening: Any) -> Any:
    return happening if isinstance(happening, events.EventBase) else as_event(happening, RUN, 1, 0.0)


OUTCOMES = [
    Found("print(1)", "<b>hi</b>"), Printed("stdout", "1\n"), Printed("stderr", "careful\n"), Printed("stdout", "2\n"),
    Shown("image/png", "step-1-ab/0001.png", "Sales"), Serving("http://127.1.2.3:8050/", 8050),
    Finished("1\n2", "ok", 0.5, 1000, "isolated", (events.CodeFile("out.csv", 3),)),
]  # fmt: skip
EVENTS = [
    events.CodeFound(run=RUN, step=1, code="print(1)", html="<b>hi</b>"),
    events.CodeOutput(run=RUN, step=1, stream="stdout", text="1\n"),
    events.CodeOutput(run=RUN, step=1, stream="stderr", text="careful\n"),
    events.CodeOutput(run=RUN, step=1, stream="stdout", text="2\n"),
    events.CodeShown(run=RUN, step=1, media="image/png", file="step-1-ab/0001.png", title="Sales"),
    events.CodeServing(run=RUN, step=1, url="http://127.1.2.3:8050/", port=8050),
    events.CodeFinished(
        run=RUN, step=1, output="1\n2", reason="ok", seconds=0.5, memory=1000, isolation="isolated",
        files=(events.CodeFile("out.csv", 3),),
    ),
]  # fmt: skip


def test_events_and_outcomes_fold_to_the_same_block() -> None:
    assert folded(OUTCOMES) == folded(EVENTS)


def test_streams_are_told_apart_in_the_order_they_came() -> None:
    block = folded(OUTCOMES)
    assert [(piece.stream, str(piece.text)) for piece in block.pieces] == [
        ("stdout", "1\n"), ("stderr", "careful\n"), ("stdout", "2\n"),
    ]  # fmt: skip
    assert block.printed("stdout") == "1\n2\n"
    assert block.printed("stderr") == "careful\n"


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(max_size=8)), max_size=30), st.data())
def test_pieces_sent_one_after_the_other_are_the_whole_output(printed: list[tuple[Any, str]], data: Any) -> None:
    block, sent = CodeBlock(RUN, 1), ""
    for stream, text in printed:
        before = block.length
        block = happened(block, told(Printed(stream, text)))
        if data.draw(st.booleans()):
            sent += "".join(piece for _, piece in wire.code(block, len(sent))["pieces"])
        assert block.length == before + len(text)
    sent += "".join(piece for _, piece in wire.code(block, len(sent))["pieces"])
    assert sent == "".join(text for _, text in printed)


def test_more_than_the_page_shows_is_counted_not_sent() -> None:
    block = folded([Printed("stdout", "x" * (LARGEST_OUTPUT - 1)), Printed("stderr", "y" * 10)])
    sent = wire.code(block)
    assert sum(len(text) for _, text in sent["pieces"]) == LARGEST_OUTPUT
    assert sent["cut"] == 9


def test_only_addresses_of_this_computer_can_be_opened() -> None:
    urls = [
        "http://127.1.2.3:80/", "http://localhost:8501/", "http://evil.test/", "javascript:alert(1)",
        "data:text/html,x",
        "http://127.0.0.1.evil.test:80/", "http://127.0.0.1:80@evil.test/", "https://127.0.0.1:1/a?token=b",
    ]  # fmt: skip
    block = folded([Serving(url, 1) for url in urls])
    assert [server["open"] for server in wire.code(block)["servers"]] == [
        True, True, False, False, False, False, False, True
    ]  # fmt: skip


def test_blank_is_what_says_nothing() -> None:
    for printed, blank in (("", True), (" \n\t", True), ("None\n", True), ("0", False), ("None None", False)):
        assert wire.code(folded([Printed("stdout", printed)]))["blank"] is blank
    assert wire.code(folded([Printed("stderr", "a warning")]))["blank"] is True


def test_what_code_prints_after_the_answer_does_not_send_the_answer_again() -> None:
    started = events.StepStarted(run=RUN, step=1, model="m", prompt="p", rendered="R", seed=1)
    finished = events.StepFinished(run=RUN, step=1, text="a long answer " * 100, reason="end")
    view, stream = View(), wire.Stream()
    for event in (events.RunStarted(run=RUN, seed=1, chain={}), started, finished):
        view = fold(view, event)
        stream.update(view)
    lines = []
    for one in EVENTS:
        view = fold(view, one)
        lines += stream.update(view)["lines"]
    assert all(set(line) == {"place", "new", "kind", "code"} for line in lines)
    assert [text for line in lines for _, text in line["code"]["pieces"]] == ["1\n", "careful\n", "2\n"]
    assert lines[0]["code"]["code"] == "print(1)"
    assert all("code" not in line["code"] for line in lines[1:])
    card = next(line for line in view.lines if isinstance(line, Card))
    assert card.code == folded(EVENTS)


def test_a_name_means_nothing_in_an_address() -> None:
    block = folded([Finished("", "ok", 0.1, files=(events.CodeFile('../"><script>\n?#%2e', 1),))])
    (file,) = wire.code(block)["files"]
    assert not set(file["url"]) & set('"<>?#%\n. ')


def test_while_code_runs_the_step_is_its_own_and_nothing_is_left_of_a_last_step() -> None:
    view = View()
    for event in (
        events.RunStarted(run=RUN, seed=1, chain={}, steps=1),
        events.StepStarted(run=RUN, step=1, time=0.1, model="m", prompt="p", rendered="R", seed=1),
        events.StepFinished(run=RUN, step=1, time=1.0, text="t", reason="end"),
        events.CodeFound(run=RUN, step=1, time=1.1, code="x"),
    ):
        view = fold(view, event)
    assert (view.progress.phase, view.progress.step, view.progress.seconds_left) == ("code", 1, None)


def test_the_time_that_code_takes_counts_for_the_estimate() -> None:
    view = View()
    for event in (
        events.RunStarted(run=RUN, seed=1, chain={}, steps=3),
        events.StepStarted(run=RUN, step=1, time=0.0, model="m", prompt="p", rendered="R", seed=1),
        events.StepFinished(run=RUN, step=1, time=1.0, text="t", reason="end"),
        events.CodeFinished(run=RUN, step=1, time=10.0, output="", reason="ok", seconds=9.0),
    ):
        view = fold(view, event)
    assert view.progress.stepping == 10.0
