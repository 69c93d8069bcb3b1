"""Hostile chat templates in real model files, rendered by real workers in chains: a sentence, and the run goes on."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import random_model
from samantha import events
from samantha.chain.chain import Chain
from samantha.chain.engine import run
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models import rendering
from samantha.models.residency import Residency
from tests.models import hostile_templates

SHORT = Hyperparameters(max_tokens=3, n_threads=1, n_ctx=512)
LIMIT = 10.0
"""Seconds, five times the figure: against hanging."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarm that ends a process")


@pytest.fixture(scope="module")
def residency() -> Iterator[Residency]:
    """Keeps the sound model loaded beside the hostile ones."""
    residency = Residency(budget=1 << 40)
    yield residency
    residency.close()


@pytest.fixture(autouse=True)
def never_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of the page reads no stranger's template."""

    def refuse(source: str) -> Any:
        raise AssertionError("a template was compiled in the program's own process")

    monkeypatch.setattr(rendering, "compiled", refuse)


def played(template: str, folder: Path, sound: Path, residency: Residency) -> list[Event]:
    """A step of a model with this template, and one of a sound model."""
    hostile = folder / "hostile.gguf"
    random_model.write(hostile, layers=1, width=128, words=1024, context=512, template=template)
    chain = Chain(models=(str(hostile), str(sound)), prompts="hi", system="Be brief.", hyperparameters=SHORT, seed=1)
    found = list(run(chain, residency))
    residency.unload("hostile")
    return found


@pytest.mark.parametrize("name", hostile_templates.REFUSED)
def test_a_hostile_template_is_a_sentence_and_the_next_step_answers(
    name: str, tmp_path: Path, random_gguf: Path, residency: Residency
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = played(hostile_templates.REFUSED[name], tmp_path, random_gguf, residency)
    (failed,) = [event for event in found if isinstance(event, events.StepFailed)]
    (finished,) = [event for event in found if isinstance(event, events.StepFinished)]
    assert (failed.step, finished.step, finished.reason) == (1, 2, "max_tokens")
    assert "chat template" in failed.message
    assert "\n" not in failed.message
    assert len(failed.message) < 400
    loaded = next(event for event in found if isinstance(event, events.ModelLoaded))
    assert failed.time - loaded.time < LIMIT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize("name", hostile_templates.ODD)
def test_an_odd_template_that_shows_all_turns_is_used(
    name: str, tmp_path: Path, random_gguf: Path, residency: Residency
) -> None:
    found = played(hostile_templates.ODD[name], tmp_path, random_gguf, residency)
    assert not [event for event in found if isinstance(event, events.StepFailed)]
    (started, _) = [event for event in found if isinstance(event, events.StepStarted)]
    assert "Be brief.hi" in started.rendered
