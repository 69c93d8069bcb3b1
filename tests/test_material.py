"""The shipped material: every chain reads, validates and runs in order; every entry of a collection can be used."""

from itertools import product
from pathlib import Path

import pytest

from samantha.chain import engine, steps
from samantha.chain.collections import Collection, Entry, chain_files, collections
from samantha.chain.files import from_toml, read, to_toml, validate
from samantha.chain.prompts import parse, parts
from samantha.events import RunFinished, StepFinished
from samantha.models.scripted import ScriptedSource
from samantha.settings import ROOT

CHAINS = {path.stem: path for path in chain_files()}
COLLECTIONS = {each.name: each for each in collections()}
ENTRIES = [(each, entry) for each in COLLECTIONS.values() for entry in each.entries()]


def test_the_material_is_the_checkouts_own() -> None:
    assert {path.parent for path in CHAINS.values()} == {ROOT / "prompts"}
    assert len(CHAINS) >= 12
    assert len(COLLECTIONS["system_prompts"].entries()) >= 12
    assert len(COLLECTIONS["user_prompts"].entries()) >= 20


@pytest.mark.parametrize("path", CHAINS.values(), ids=CHAINS)
def test_a_chain_says_what_it_shows_and_is_valid(path: Path) -> None:
    head = path.read_text("utf-8").split("format = 1")[0].strip().splitlines()
    assert len(head) >= 3
    assert all(line.startswith("# ") for line in head)
    chain = read(path)
    validate(chain)
    assert from_toml(to_toml(chain)) == chain
    assert chain.run_code == path.stem.startswith("code-")


SILENT = {name: path for name, path in CHAINS.items() if not name.startswith("code-")}
"""The chains that run no code; the others are run in tests/chain/test_code_chains.py."""


@pytest.mark.parametrize("path", SILENT.values(), ids=SILENT)
def test_a_chain_runs_all_its_steps(path: Path) -> None:
    chain = read(path)
    planned = steps.total(chain, parse(chain.prompts, chain.variables).items)
    run = engine.run(chain, ScriptedSource({"tiny": ["An answer."]}))
    finished = 0
    for event in run:
        finished += isinstance(event, StepFinished)
        if planned is None and finished == 3:
            run.stop()
        last = event
    assert finished == (planned or 3)
    assert isinstance(last, RunFinished)
    assert last.reason == ("done" if planned else "stopped")


def test_the_eight_shapes_are_there() -> None:
    for several_models, several_prompts, feedback in product([False, True], repeat=3):
        models = "several-models" if several_models else "one-model"
        prompts = "several-prompts" if several_prompts else "one-prompt"
        chain = read(CHAINS[f"{models}-{prompts}" + ("-feedback" if feedback else "")])
        shape = (len(chain.models) > 1, len(parse(chain.prompts).items) > 1, chain.feedback_loop)
        assert shape == (several_models, several_prompts, feedback)


@pytest.mark.parametrize(("collection", "entry"), ENTRIES, ids=lambda value: getattr(value, "title", ""))
def test_an_entry_can_be_put_into_its_field(collection: Collection, entry: Entry) -> None:
    if collection.field == "system":
        assert parts(entry.text) == entry.text
    else:
        assert parse(entry.text).items
    assert len(entry.title) <= 100


def test_titles_tell_the_entries_apart() -> None:
    for collection in COLLECTIONS.values():
        titles = [entry.title for entry in collection.entries()]
        assert len(set(titles)) == len(titles)
