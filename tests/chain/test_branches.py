"""Answers that are adjusted, forced and branched, while they are generated and afterwards; scripted and real."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from samantha import events
from samantha.chain.branches import branch
from samantha.chain.chain import Chain
from samantha.chain.engine import run
from samantha.chain.record import Record
from samantha.errors import ChainError, HyperparameterError
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models import library
from samantha.models.residency import Residency
from samantha.models.scripted import ScriptedSource
from samantha.runs.store import RunStore

T = TypeVar("T")


@pytest.fixture
def residency() -> Iterator[Residency]:
    residency = Residency()
    yield residency
    residency.close()


def of(kind: type[T], found: Sequence[Event]) -> list[T]:
    return [event for event in found if isinstance(event, kind)]


def acting(chain: Chain, models: Any, after: int, act: Callable[[Any], None], **options: Any) -> list[Event]:
    """The events of a traced run; `act` is called once, after its token number `after`."""
    playing = run(chain, models, trace=5, **options)
    found: list[Event] = []
    for event in playing:
        found.append(event)
        if isinstance(event, events.TokenGenerated) and len(of(events.TokenGenerated, found)) == after:
            act(playing)
    return found


def test_a_step_in_progress_goes_on_as_a_branch_and_the_chain_with_what_it_answers() -> None:
    source = ScriptedSource({"m": ["one two three", "four five", "six"]})
    chain = Chain(models=("m",), prompts="p\nq", feedback_loop=True)
    found = acting(chain, source, 2, lambda playing: playing.branch(1, 0, 1, 77))
    ends = of(events.StepFinished, found)
    assert [(end.step, end.branch, end.reason) for end in ends] == [(1, 0, "branched"), (1, 1, "end"), (2, 0, "end")]
    begun = of(events.BranchStarted, found)[0]
    assert (begun.parent, begun.position, begun.token, begun.text) == (0, 1, 77, "one")
    record = Record.of(found)
    assert [token.id for token in record.answers[1, 1].tokens][:2] == [record.answers[1, 0].tokens[0].id, 77]
    assert source.models["m"].requests[-1].messages[-2].content == ends[1].text
    assert [events.decode(events.encode(event)) for event in found] == found


def test_knobs_change_from_the_next_token_on_and_the_record_says_so(residency: Residency) -> None:
    chain = Chain(prompts="Write about the sea", seed=3, hyperparameters=Hyperparameters(max_tokens=20, n_threads=1))
    found = acting(chain, residency, 4, lambda playing: playing.adjust({"temperature": 1.2, "top_k": 3}))
    changes = of(events.HyperparametersChanged, found)
    assert [(change.step, change.position, change.changed["top_k"]) for change in changes] == [(1, 4, 3)]
    answer = Record.of(found).answers[1, 0]
    assert [answer.values(position).top_k for position in (0, 3, 4, 9)] == [40, 40, 3, 3]
    survivors = [token.trace.stages[0].survivors for token in answer.tokens if token.trace]
    assert survivors[:4] == [40] * 4
    assert set(survivors[4:]) == {3}


@pytest.mark.parametrize(
    ("overrides", "named"),
    [({"n_ctx": 99}, "n_ctx cannot change"), ({"seed": 1}, "seed cannot"), ({"grammar": "x"}, "grammar cannot"),
     ({"temperature": -1}, "temperature"), ({"temprature": 1}, "temperature")],
)  # fmt: skip
def test_knobs_that_cannot_change_now_are_refused_and_the_answer_goes_on(overrides: dict[str, Any], named: str) -> None:
    source = ScriptedSource({"m": ["one two three"]})

    def act(playing: Any) -> None:
        with pytest.raises(HyperparameterError, match=named):
            playing.adjust(overrides)

    found = acting(Chain(models=("m",), prompts="p"), source, 1, act)
    assert of(events.StepFinished, found)[0].text == "one two three"


@pytest.mark.parametrize(
    ("asked", "said"),
    [((2, 0, 0, 5), "Step 2 is not being generated"), ((1, 4, 0, 5), "no branch 4"), ((1, 0, 9, 5), "at token 10"),
     ((1, 0, -1, 5), "at token 0")],
)  # fmt: skip
def test_a_branch_that_cannot_be_is_one_sentence_and_the_answer_goes_on(asked: tuple[int, ...], said: str) -> None:
    source = ScriptedSource({"m": ["one two three"]})

    def act(playing: Any) -> None:
        with pytest.raises(ChainError, match=said):
            playing.branch(*asked)

    found = acting(Chain(models=("m",), prompts="p"), source, 2, act)
    assert [end.reason for end in of(events.StepFinished, found)] == ["end"]


@pytest.mark.parametrize(("interrupt", "reason"), [("stop", "stopped"), ("skip", "skipped")])
@pytest.mark.parametrize("branch_first", [True, False])
def test_a_branch_that_was_asked_for_together_with_an_interruption_is_interrupted(
    residency: Residency, interrupt: str, reason: str, branch_first: bool
) -> None:
    def act(playing: Any) -> None:
        asked = [lambda: playing.branch(1, 0, 1, 40), getattr(playing, interrupt)]
        for ask in asked if branch_first else asked[::-1]:
            ask()

    knobs = Hyperparameters(max_tokens=60, n_threads=1)
    found = acting(Chain(prompts="Write about the sea", seed=3, hyperparameters=knobs), residency, 4, act)
    ends = of(events.StepFinished, found)
    assert [end.branch for end in ends] == [0, 1]
    assert (ends[1].reason, ends[1].tokens <= 1) == (reason, True)


def test_nothing_is_adjusted_or_branched_when_no_step_runs() -> None:
    playing = run(Chain(models=("m",), prompts="p"), ScriptedSource({"m": ["one"]}), trace=5)
    with pytest.raises(ChainError, match="not being generated"):
        playing.adjust({"temperature": 1})
    list(playing)
    with pytest.raises(ChainError, match="not being generated"):
        playing.branch(1, 0, 0, 5)


def test_tracing_can_begin_with_the_next_step() -> None:
    source = ScriptedSource({"m": ["one two", "three four"]})
    playing = run(Chain(models=("m",), prompts="p\nq", responses=1, feedback_loop=True), source)
    traces = []
    for event in playing:
        if isinstance(event, events.TokenGenerated):
            traces.append(event.trace is not None)
            playing.trace = 5
    assert traces == [False, False, True, True]


def stored_answer(residency: Residency, store: RunStore, **fields: Any) -> tuple[str, Record]:
    knobs = Hyperparameters(max_tokens=30, n_threads=1)
    chain = Chain(**{"prompts": "Write about the sea", "seed": 3, "hyperparameters": knobs} | fields)
    playing = run(chain, residency, trace=10)
    list(store.record(playing))
    return playing.id, Record.of(store.events(playing.id))


def test_a_stored_answer_is_branched_and_the_branch_is_in_the_record(residency: Residency, tmp_path: Path) -> None:
    with RunStore(tmp_path / "runs.sqlite3") as store:
        run_id, record = stored_answer(residency, store)
        first = record.answers[1, 0]
        seen = first.tokens[3].trace
        assert seen is not None
        other = next(one.id for one in seen.candidates if one.id != first.tokens[3].id)
        before = list(store.events(run_id))
        found = list(store.extend(branch(before, residency, step=1, position=3, token=other)))
        assert list(store.events(run_id)) == before + found
        again = Record.of(store.events(run_id)).answers[1, 1]
        assert [token.id for token in again.tokens[:4]] == [*(token.id for token in first.tokens[:3]), other]
        assert again.tokens[3].trace is not None
        assert again.tokens[3].trace.forced
        assert again.reason == "end" or len(again.tokens) == 30
        assert of(events.PromptProcessing, found)[0].reused >= first.tokens[0].trace.rank  # type: ignore[union-attr]
        assert store.run(run_id).status == "done"
        assert store.steps(run_id)[0].text == first.text
        rows = store._database.rows("SELECT * FROM branches")
        assert [(row["step"], row["number"], row["position"], row["token"], row["text"]) for row in rows] == [
            (1, 1, 3, other, again.text)
        ]


def test_the_same_token_and_knobs_give_the_same_answer_again(residency: Residency, tmp_path: Path) -> None:
    with RunStore(tmp_path / "runs.sqlite3") as store:
        run_id, record = stored_answer(residency, store)
        first = record.answers[1, 0]
        ids = [token.id for token in first.tokens]
        list(store.extend(branch(store.events(run_id), residency, step=1, position=5, token=ids[5])))
        list(store.extend(branch(store.events(run_id), residency, step=1, parent=1, position=8, token=ids[8])))
        grown = Record.of(store.events(run_id))
        assert [[token.id for token in grown.answers[1, number].tokens] for number in (1, 2)] == [ids, ids]
        assert grown.answers[1, 2].parent is grown.answers[1, 1]
        assert grown.answers[1, 2].text == first.text


def test_other_settings_without_a_forced_token(residency: Residency, tmp_path: Path) -> None:
    with RunStore(tmp_path / "runs.sqlite3") as store:
        run_id, _ = stored_answer(residency, store)
        found = list(
            branch(store.events(run_id), residency, step=1, position=2, overrides={"temperature": 1.5, "seed": 11})
        )
        begun = of(events.BranchStarted, found)[0]
        assert (begun.token, begun.seed, begun.changed["temperature"]) == (None, 11, 1.5)
        assert found == [events.decode(events.encode(event)) for event in found]


def test_a_branch_can_be_stopped(residency: Residency, tmp_path: Path) -> None:
    with RunStore(tmp_path / "runs.sqlite3") as store:
        run_id, _ = stored_answer(residency, store)
        branching = branch(store.events(run_id), residency, step=1, position=2, token=40)
        found = []
        for event in store.extend(branching):
            found.append(event)
            if len(of(events.TokenGenerated, found)) == 3:
                branching.stop()
        assert of(events.StepFinished, found)[0].reason == "stopped"
        assert len(of(events.TokenGenerated, found)) <= 4
        assert list(run(Chain(prompts="hi", hyperparameters=Hyperparameters(max_tokens=3)), residency))


def test_a_stop_that_comes_before_the_model_has_begun_the_branch_is_not_lost() -> None:
    source = ScriptedSource({"m": ["one two three four five", "six seven eight nine ten"]})
    stored = list(run(Chain(models=("m",), prompts="p"), source, trace=5))
    branching = branch(stored, source, step=1, position=1, token=0)
    found = []
    for event in branching:
        found.append(event)
        if isinstance(event, events.BranchStarted):
            branching.stop()
    assert [end.reason for end in of(events.StepFinished, found)] == ["stopped"]
    assert of(events.TokenGenerated, found) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"step": 2, "position": 0}, "no answer of step 2"), ({"step": 1, "parent": 3, "position": 0}, "branch 3"),
     ({"step": 1, "position": 99}, "at token 100"), ({"step": 1, "position": 0, "token": 10**6}, "no token 1000000"),
     ({"step": 1, "position": 0, "token": -1}, "no token -1")],
)  # fmt: skip
def test_a_recorded_answer_that_cannot_be_branched_so(
    residency: Residency, tmp_path: Path, asked: dict[str, int], said: str
) -> None:
    with RunStore(tmp_path / "runs.sqlite3") as store:
        run_id, _ = stored_answer(residency, store)
        before = list(store.events(run_id))
        with pytest.raises(ChainError, match=said):
            branch(before, residency, **asked)  # type: ignore[arg-type]
        assert list(store.events(run_id)) == before


@pytest.mark.parametrize("what", ["changed", "gone"])
def test_a_model_file_that_is_not_the_same_any_more(residency: Residency, tmp_path: Path, what: str) -> None:
    path = tmp_path / "copy.gguf"
    shutil.copy(library.TINY_PATH, path)
    with RunStore(tmp_path / "runs.sqlite3") as store:
        run_id, _ = stored_answer(residency, store, models=(str(path),))
        if what == "gone":
            path.unlink()
        else:
            data = bytearray(path.read_bytes())
            data[-1000] ^= 255
            path.unlink()
            path.write_bytes(data)
        with pytest.raises(ChainError, match=f"(is|has) {what}"):
            branch(store.events(run_id), residency, step=1, position=1, token=3)


def test_a_run_that_is_being_written_is_not_extended(tmp_path: Path) -> None:
    from samantha.errors import StoreError

    source = ScriptedSource({"m": ["one two three"]})
    with RunStore(tmp_path / "runs.sqlite3") as store:
        playing = run(Chain(models=("m",), prompts="p"), source)
        recorded = store.record(playing)
        for event in recorded:
            if isinstance(event, events.TokenGenerated):
                break
        stored = list(store.events(playing.id))
        with pytest.raises(StoreError, match="being written now"):
            list(store.extend(branch(stored, source, step=1, position=0, token=1)))
        list(recorded)


def test_a_step_that_went_on_as_a_branch_is_stored_with_the_answer_of_the_branch(tmp_path: Path) -> None:
    source = ScriptedSource({"m": ["one two three", "four five"]})
    with RunStore(tmp_path / "runs.sqlite3") as store:
        playing = run(Chain(models=("m",), prompts="p"), source, trace=5)
        seen = 0
        for event in store.record(playing):
            seen += isinstance(event, events.TokenGenerated)
            if seen == 2 and isinstance(event, events.TokenGenerated):
                playing.branch(1, 0, 1, 0)
        (step,) = store.steps(playing.id)
        assert step.reason == "end"
        assert step.text.startswith("one")
        assert step.text.endswith("four five")
        assert step.tokens == 2 + 3
