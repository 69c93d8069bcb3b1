"""Runs of the real engine in the store."""

from pathlib import Path

import pytest

from samantha.chain.chain import Chain
from samantha.chain.engine import run as run_chain
from samantha.models.scripted import ScriptedSource
from samantha.runs.store import RunStore


def test_a_run_of_the_engine_comes_back_as_it_was(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite3")
    models = ScriptedSource({"one": ["An answer.", "Another one."], "two": ["A third."]})
    chain = Chain(models=("one", "two"), prompts="First\nSecond", responses=2, seed=3)
    seen = list(store.record(run_chain(chain, models)))
    run_id = store.find("last")
    assert list(store.events(run_id)) == seen
    assert [step.number for step in store.steps(run_id)] == list(range(1, 9))
    assert store.run(run_id).status == "done"
    assert store.chain(run_id) == {"models": ["one", "two"], "prompts": "First\nSecond", "responses": 2, "seed": 3}


@pytest.mark.parametrize(
    ("chain", "title"),
    [
        (Chain(prompts="---no\n\nFirst\nSecond"), "First"),
        (Chain(prompts="x" * 100), "x" * 79 + "…"),
        (Chain(prompts="One line", raw=True), "One line"),
        (Chain(prompts="system\nuser\nand then\n$$$", raw=True), "… and then"),
        (Chain(prompts="{{text}}", variables={"text": "a\nb\n"}, raw=True), "… b"),
    ],
)
def test_a_run_is_named_by_what_it_is_about(tmp_path: Path, chain: Chain, title: str) -> None:
    with RunStore(tmp_path / "runs.sqlite3") as store:
        list(store.record(run_chain(chain, ScriptedSource({"tiny": ["Answer."]}))))
        assert [run.title for run in store.runs()] == [title]
