"""The printer: overlapping steps in order, and a terminal that stays readable."""

import io

from hypothesis import given
from hypothesis import strategies as st

from samantha.cli.code_report import harmless
from samantha.cli.printing import TextPrinter
from samantha.events import (
    CodeFile,
    CodeFinished,
    CodeFound,
    CodeOutput,
    CodeServing,
    CodeShown,
    Event,
    ModelLoaded,
    ModelLoading,
    Notice,
    PromptProcessing,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    TokenGenerated,
)
from samantha.settings import data_folder

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


def code_of(step: int, reason: str = "ok") -> list[Event]:
    return [
        CodeFound(run="r", step=step, code="x"), CodeOutput(run="r", step=step, stream="stdout", text=f"out {step}, "),
        CodeOutput(run="r", step=step, stream="stderr", text="err"),
        CodeFinished(run="r", step=step, output="It took too long.", reason=reason, seconds=0.25, memory=85_000_000,
                     isolation="isolated"),
    ]  # fmt: skip


def test_code_says_all_on_standard_error_and_the_answer_stays_alone() -> None:
    happened = [
        CodeShown(run="r", step=1, media="image/png", file="step-1-ab/0001.png", title="Sales"),
        CodeServing(run="r", step=1, url="http://127.9.9.9:8000/", port=8000),
        CodeFinished(run="r", step=1, output="", reason="ok", files=(CodeFile("a/b.csv", 1200),)),
    ]
    events = [RunStarted(run="r", seed=1, chain={"run_code": True}, steps=1), begun(1, (1,)), token(1, "Ok"),
              finished(1, "Ok"), *happened]  # fmt: skip
    work = data_folder() / "work" / "r"
    assert printed(events) == (
        "Ok\n", f"shown: {work}/shown/step-1-ab/0001.png (Sales)\nserving: http://127.9.9.9:8000/\n"
        f"made: {work}/box/a/b.csv (1 kB)\n"
    )  # fmt: skip


def test_a_limit_is_told_and_on_a_terminal_the_numbers_follow() -> None:
    events = [RunStarted(run="r", seed=1, chain={"run_code": True}, steps=1), begun(1, (1,)), token(1, "Ok"),
              finished(1, "Ok")]  # fmt: skip
    end = "It took too long.\n(code time, 0.2 s, 85 MB, isolated)\n"
    assert printed([*events, *code_of(1, "time")])[1] == f"out 1, err\n{end}"
    assert printed([*events, *code_of(1)])[1] == "out 1, err"
    _, err = printed([*events, *code_of(1)], terminal=True)
    assert err.endswith("out 1, err\n(code ok, 0.2 s, 85 MB, isolated)\n")
    assert "running the code" in err


@given(st.permutations([1, 2, 3]))
def test_code_of_a_batch_follows_the_answer_it_belongs_to(order: list[int]) -> None:
    events: list[Event] = [RunStarted(run="r", seed=1, chain={"run_code": True}, steps=3)]
    events += [begun(number, (1, 2, 3)) for number in (1, 2, 3)]
    for number in order:
        events += [token(number, f"answer {number}"), finished(number, f"answer {number}"), *code_of(number)]
    both = Terminal()
    show = TextPrinter(both, both)
    for event in [*events, RunFinished(run="r", reason="done")]:
        show(event)
    lines = [line.strip() for line in both.getvalue().replace("\r", "\n").splitlines()]
    expected = [part for n in (1, 2, 3) for part in (f"answer {n}", f"out {n}, err")]
    assert [line for line in lines if line.startswith(("answer", "out"))] == expected


@given(st.text())
def test_no_control_sequence_of_code_reaches_a_terminal(text: str) -> None:
    shown = harmless(text)
    assert not any(ord(sign) < 0x20 and sign not in "\n\t\r" for sign in shown)
    assert not any(0x7F <= ord(sign) < 0xA0 for sign in shown)
    assert harmless("\x1b[31mred\x1b[0m\n") == "\x1b[31mred\x1b[0m\n"
    assert "\x1b" not in harmless("\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b2J")
