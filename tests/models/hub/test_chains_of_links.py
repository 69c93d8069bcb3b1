"""Whole chains whose models are links: fetched by the run, reported, never fetched twice, bad ones left out."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from samantha import events
from samantha.chain.chain import Chain
from samantha.chain.engine import run
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models import hub as room
from samantha.models import library
from samantha.models.hub import Cache
from samantha.models.residency import Residency
from tests.models.hub.conftest import FILE, HASTE, model
from tests.models.hub.faults import Slow
from tests.models.hub.hub_server import HubServer

T = TypeVar("T")
SHORT = Hyperparameters(max_tokens=4, n_threads=1)


@pytest.fixture
def residency(hub: HubServer, cache: Cache) -> Iterator[Residency]:
    tiny = library.TINY_PATH.read_bytes()
    hub.add("user/tiny", {"samantha-tiny-Q8_0.gguf": tiny})
    hub.add("other/tiny", {"same-tiny-Q8_0.gguf": tiny})
    residency = Residency()
    residency._links = room.Links(cache, HASTE)
    yield residency
    residency.close()


def of(kind: type[T], found: Sequence[Event]) -> list[T]:
    return [event for event in found if isinstance(event, kind)]


def test_a_link_is_fetched_loaded_and_answers(hub: HubServer, residency: Residency) -> None:
    chain = Chain(models=("user/tiny:Q8_0",), prompts="hi\nho", loops=2, seed=1, hyperparameters=SHORT)
    found = list(run(chain, residency))
    ends = of(events.StepFinished, found)
    embedded = list(run(Chain(prompts="hi\nho", loops=2, seed=1, hyperparameters=SHORT), residency))
    assert [end.text for end in ends] == [end.text for end in of(events.StepFinished, embedded)]
    downloads = of(events.Downloading, found)
    assert downloads[-1].done == downloads[-1].total == library.TINY_PATH.stat().st_size
    assert len(hub.asked("store")) == 1
    again = list(run(chain, residency))
    assert not of(events.Downloading, again)
    assert len(hub.asked("store")) == 1


def test_a_bad_link_is_said_at_once_and_costs_its_own_steps_alone(hub: HubServer, residency: Residency) -> None:
    hub.repos["user/repo"].files[FILE] = model(20_000)  # bytes that no model is made of
    chain = Chain(models=("user/none", "user/repo", "user/tiny:Q8_0"), prompts="hi", hyperparameters=SHORT)
    found = list(run(chain, residency))
    kinds = [type(event).__name__ for event in found]
    assert kinds[:2] == ["RunStarted", "Notice"]
    assert "user/none" in of(events.Notice, found)[0].message
    failed = of(events.StepFailed, found)
    assert [event.model for event in failed] == ["user/none", "user/repo"]
    assert [end.reason for end in of(events.StepFinished, found)] == ["max_tokens"]
    assert found[-1].reason == "done"  # type: ignore[union-attr]


def test_the_next_link_is_fetched_while_the_present_model_answers(hub: HubServer, residency: Residency) -> None:
    chain = Chain(models=("user/tiny:Q8_0", "other/tiny:Q8_0"), prompts="hi", hyperparameters=SHORT)
    fetched: list[int] = []
    found: list[Event] = []
    for event in run(chain, residency):
        found.append(event)
        if isinstance(event, events.StepFinished) and not fetched:
            assert residency._fetching is not None
            residency._fetching[1].wait()
            fetched.append(len(hub.asked("store")))
    assert fetched == [2]
    assert len(hub.asked("store")) == 2
    assert len(of(events.StepFinished, found)) == 2


def test_stop_ends_a_download(hub: HubServer, residency: Residency, tmp_path: Path) -> None:
    hub.add("user/large", {"large-Q8_0.gguf": model(40_000_000)})
    playing = run(Chain(models=("user/large",), prompts="hi", hyperparameters=SHORT), residency)
    found: list[Event] = []
    for event in playing:
        found.append(event)
        if isinstance(event, events.Downloading):
            playing.stop()
    assert found[-1].reason == "stopped"  # type: ignore[union-attr]
    assert not of(events.StepFailed, found)


@pytest.mark.parametrize(("action", "end", "last"), [("stop", [], "stopped"), ("skip", ["skipped"], "failed")])
def test_a_download_is_ended_at_20_moments(
    hub: HubServer, residency: Residency, action: str, end: list[str], last: str
) -> None:
    """Asked from another thread, as the page does; nothing goes on in the background."""
    before = threading.active_count()
    hub.add("user/large", {"large-Q8_0.gguf": model(4_000_000)})
    for number in range(20):
        hub.faults.append(Slow(20_000))
        playing = run(Chain(models=("user/large",), prompts="hi", hyperparameters=SHORT), residency)
        found: list[Event] = []
        for event in playing:
            found.append(event)
            if isinstance(event, events.Downloading) and len(of(events.Downloading, found)) == 1:
                threading.Timer(number * 0.02, getattr(playing, action)).start()
        assert [event.reason for event in of(events.StepFinished, found)] == end
        assert found[-1].reason == last  # type: ignore[union-attr]
        assert not of(events.StepFailed, found)
        hub.faults.clear()
    hub.close()
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.02)
    assert threading.active_count() <= before


def test_a_path_that_exists_is_no_link(
    hub: HubServer, residency: Residency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("user").mkdir()
    Path("user/repo").write_bytes(library.TINY_PATH.read_bytes())
    found = list(run(Chain(models=("user/repo",), prompts="hi", hyperparameters=SHORT), residency))
    assert [end.model for end in of(events.StepStarted, found)] == ["user/repo"]
    assert not hub.asked("store")
    assert of(events.StepFinished, found)
