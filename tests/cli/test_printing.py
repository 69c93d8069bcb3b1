"""The printer: overlapping steps in order, and a terminal that stays readable."""

import io

from hypothesis import given
from hypothesis import strategies as st

from samantha.cli.printing import TextPrinter
from samantha.events import (
    Event,
    ModelLoaded,
    ModelLoading,
    Notice,
    PromptProcessing,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    TokenGenerated,
)

from .conftest import Terminal


def begun(step: int, group: tuple[int, ...]) -> StepStarted:
    return StepStarted(run="r", step=step, model="tiny", prompt="p", rendered="p", seed=1, group=group, prompt_number=1)


def token(step: int, shown: str) -> TokenGenerated:
    return TokenGenerated(run="r", step=step, id=1, piece=shown.encode(), shown=shown)


def finished(step: int, text: str) -> StepFinished:
    return StepFinished(run="r", step=step, text=text, reason="end", tokens=161, seconds=58.4)


def printed(events: list[Event], *, terminal: bool = False) -> tuple[str, str]:
    out, err = (Terminal(), Terminal()) if terminal else (io.StringIO(), io.StringIO())
    show = TextPrinter(out, err)
    for event in events:
        show(event)
    return out.getvalue(), err.getvalue()


@given(st.data())
def test_any_interleaving_is_printed_step_by_step(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.lists(st.sampled_from(["a", " b", "\n", "c\n"]), max_size=4), min_size=2, max_size=4))
    numbers = tuple(range(1, len(words) + 1))
    scripts = [
        [*(token(number, word) for word in own), finished(number, "".join(own))]
        for number, own in zip(numbers, words, strict=True)
    ]
    events: list[Event] = [RunStarted(run="r", seed=1, chain={}, steps=len(words))]
    events += [begun(number, numbers) for number in numbers]
    while any(scripts):
        script = data.draw(st.sampled_from([script for script in scripts if script]))
        events.append(script.pop(0))
    expected = []
    for number, own in zip(numbers, words, strict=True):
        text = "".join(own)
        expected.append(f"## {number} · tiny · prompt 1\n{text}" + ("" if text.endswith("\n") or not text else "\n"))
    assert printed(events)[0] == "\n".join(expected)


def test_a_failure_in_a_batch_waits_for_its_turn() -> None:
    failed = StepFailed(run="r", step=1, message="it died", text="a", model="tiny")
    events = [
        RunStarted(run="r", seed=1, chain={}, steps=2), begun(1, (1, 2)), begun(2, (1, 2)), token(2, "b"),
        finished(2, "b"), token(1, "a"), failed,
    ]  # fmt: skip
    assert printed(events) == ("## 1 · tiny · prompt 1\na\n\n## 2 · tiny · prompt 1\nb\n", "step 1 (tiny): it died\n")


def progress() -> list[Event]:
    return [
        RunStarted(run="r", seed=1, chain={}, steps=1), ModelLoading(run="r", model="tiny", progress=0.5),
        ModelLoaded(run="r", model="tiny"), begun(1, (1,)), PromptProcessing(run="r", step=1, done=64, total=128),
        PromptProcessing(run="r", step=1, done=128, total=128), token(1, "Ok"), finished(1, "Ok"),
    ]  # fmt: skip


def test_without_a_terminal_there_is_no_progress_and_no_footer() -> None:
    assert printed(progress()) == ("Ok\n", "")


def test_on_a_terminal_progress_rewrites_its_line_and_a_footer_follows() -> None:
    out, err = printed(progress(), terminal=True)
    assert out == "Ok\n"
    lines = err.split("\r")
    assert "loading tiny 50%" in lines
    assert "reading the prompt: 64 of 128 tokens" in lines
    assert lines[-1] == "(161 tokens, 58.4 s, 2.8 tok/s, end)\n"
    assert set(lines[-2]) == {" "}  # the line of progress was wiped


def test_on_a_terminal_a_notice_does_not_run_into_the_answer() -> None:
    events = [*progress()[:-1], Notice(run="r", message="The context window is full."), finished(1, "Ok")]
    _, err = printed(events, terminal=True)
    assert "\nThe context window is full.\n" in err
