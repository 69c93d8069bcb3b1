"""The shipped chains that run code, from the first prompt to the last output: Samantha Tiny, sandbox and engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samantha import events
from samantha.chain import engine
from samantha.chain.chain import Chain
from samantha.chain.collections import chain_files
from samantha.chain.files import read
from samantha.code.runner import SandboxRunner
from samantha.events import Event
from samantha.models.residency import Residency
from samantha.sandbox.access import Access

CHAINS = {path.stem: path for path in chain_files()}


@pytest.fixture(scope="module")
def models() -> Iterator[Residency]:
    residency = Residency()
    yield residency
    residency.close()


def played(chain: Chain, models: Residency, root: Path) -> list[Event]:
    runner = SandboxRunner(Access(readable=tuple(map(Path, chain.files))), root=root)
    try:
        return list(engine.run(chain, models, code=runner))
    finally:
        runner.close()


def ends(found: list[Event]) -> list[events.CodeFinished]:
    return [event for event in found if isinstance(event, events.CodeFinished)]


def last(found: list[Event]) -> str:
    assert isinstance(found[-1], events.RunFinished)
    return found[-1].reason


def test_code_that_fails_is_mended_by_the_next_step(models: Residency, tmp_path: Path) -> None:
    found = played(read(CHAINS["code-mends-itself"]), models, tmp_path)
    first, second = ends(found)
    assert first.reason == "raised"
    assert "TypeError: can only concatenate str" in first.output
    assert (second.reason, second.output) == ("ok", "Price: 90")
    told = [event.previous for event in found if isinstance(event, events.StepStarted)]
    assert first.output in told[1]
    assert last(found) == "done"


def test_numbers_are_drawn_until_one_is_below_4(models: Residency, tmp_path: Path) -> None:
    found = played(read(CHAINS["code-draw-until-below-4"]), models, tmp_path)
    outputs = [end.output for end in ends(found)]
    assert last(found) == "stop_condition"
    assert outputs == [""] * (len(outputs) - 1) + ["FOUND"]


def test_a_six_prints_the_word_that_ends_the_run(models: Residency, tmp_path: Path) -> None:
    found = played(read(CHAINS["code-stop-samantha"]), models, tmp_path)
    outputs = [end.output for end in ends(found)]
    assert last(found) == "stop_samantha"
    assert outputs[-1] == "STOP_SAMANTHA"
    assert set(outputs[:-1]) <= set("12345")


def test_a_wish_in_portuguese_becomes_code_that_runs(models: Residency, tmp_path: Path) -> None:
    found = played(read(CHAINS["code-translate-refine-run-correct"]), models, tmp_path)
    texts = [event.text for event in found if isinstance(event, events.StepFinished)]
    table = "\n".join(f"7 x {number} = {7 * number}" for number in range(1, 11))
    assert "Python" in texts[0]
    assert "7" in texts[0]
    assert texts[1].startswith(texts[0].rstrip("."))
    assert [(end.reason, end.output) for end in ends(found)] == [("ok", table), ("ok", table)]


def test_a_description_becomes_a_chart(models: Residency, tmp_path: Path) -> None:
    found = played(read(CHAINS["code-chart-from-a-description"]), models, tmp_path)
    shown = [event for event in found if isinstance(event, events.CodeShown)]
    assert [(each.media, each.title) for each in shown] == [("image/png", "Books"), ("image/png", "Visitors")]
    codes = [event.code for event in found if isinstance(event, events.CodeFound)]
    assert 'labels = ["Rui", "Ana", "Eva"]' in codes[0]
    assert "[3, 8, 5, 13, 9]" in codes[1]


def test_data_is_analysed_step_by_step(models: Residency, tmp_path: Path) -> None:
    chain = read(CHAINS["code-data-analysis"])
    lines = Path(chain.files[0]).read_text("utf-8").splitlines()
    column = {name: place for place, name in enumerate(lines[0].split(","))}
    sold = [int(line.split(",")[column["pieces"]]) for line in lines[1:]]
    prices = [float(line.split(",")[column["price"]]) for line in lines[1:]]
    found = played(chain, models, tmp_path)
    outputs = [end.output for end in ends(found)]
    assert int(float(outputs[0])) == sum(sold)
    assert float(outputs[1]) == pytest.approx(sum(prices) / len(prices))
    assert int(float(outputs[2])) == max(sold)
    assert [event.title for event in found if isinstance(event, events.CodeShown)] == ["pieces"]


def test_every_chain_that_runs_code_is_tried_here() -> None:
    tried = {
        "code-mends-itself", "code-draw-until-below-4", "code-stop-samantha", "code-translate-refine-run-correct",
        "code-chart-from-a-description", "code-data-analysis",
    }  # fmt: skip
    assert {name for name, path in CHAINS.items() if read(path).run_code} == tried


def test_the_output_alone_is_fed_back_when_it_is_asked_for(models: Residency, tmp_path: Path) -> None:
    chain = Chain(
        prompts="With Python: write code that prints the largest of 12, 4, 17, 63\nRepeat the previous response",
        feedback_loop=True, run_code=True, feedback_code_output_only=True,
    )  # fmt: skip
    found = played(chain, models, tmp_path)
    told = [event.previous for event in found if isinstance(event, events.StepStarted)]
    assert told == ["", "Largest: 63"]


def test_full_access_is_recorded(models: Residency, tmp_path: Path) -> None:
    chain = read(CHAINS["code-mends-itself"])
    runner = SandboxRunner(Access(full=True), root=tmp_path)
    try:
        found = list(engine.run(chain, models, code=runner))
    finally:
        runner.close()
    assert [end.isolation for end in ends(found)] == ["full access", "full access"]
    assert ends(found)[-1].output == "Price: 90"
