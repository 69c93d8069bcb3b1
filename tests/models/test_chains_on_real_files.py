"""Whole chains through engine, residency and worker on a real file: reuse is counted, errors are sentences."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from samantha import events
from samantha.chain.chain import Chain
from samantha.chain.engine import run
from samantha.events import Event
from samantha.hyperparameters import Hyperparameters
from samantha.models.residency import Residency

T = TypeVar("T")
SHORT = Hyperparameters(max_tokens=5, n_threads=1)


@pytest.fixture
def residency() -> Iterator[Residency]:
    residency = Residency()
    yield residency
    residency.close()


def of(kind: type[T], found: Sequence[Event]) -> list[T]:
    return [event for event in found if isinstance(event, kind)]


def test_a_shared_system_prompt_is_evaluated_once(random_gguf: Path, residency: Residency) -> None:
    chain = Chain(
        models=(str(random_gguf),), system="a system prompt of many words " * 80, prompts="one\ntwo\nthree",
        hyperparameters=SHORT,
    )  # fmt: skip
    ends = of(events.StepFinished, list(run(chain, residency)))
    assert ends[0].prompt_tokens > 1000
    assert ends[0].reused == 0
    for end in ends[1:]:
        assert end.prompt_tokens - end.reused < 2 * 64


def test_reset_model_gives_the_same_answers(random_gguf: Path, residency: Residency) -> None:
    chain = Chain(
        models=(str(random_gguf),), system="a system prompt of many words " * 20, prompts="one\ntwo\nthree", seed=3,
        feedback_loop=True, hyperparameters=Hyperparameters(max_tokens=60, temperature=1.0, top_k=0, top_p=1.0),
    )  # fmt: skip
    import msgspec

    fresh = msgspec.structs.replace(chain, reset_model=True)
    kept, forgotten = (of(events.StepFinished, list(run(each, residency))) for each in (chain, fresh))
    assert [end.text for end in kept] == [end.text for end in forgotten]
    assert sum(end.reused for end in kept) > 0
    assert sum(end.reused for end in forgotten) == 0


def test_the_same_seed_gives_the_same_run(random_gguf: Path, residency: Residency) -> None:
    chain = Chain(models=(str(random_gguf),), prompts="one\ntwo", responses=3, seed=9,
                  hyperparameters=Hyperparameters(max_tokens=30, temperature=1.0))
    texts = [[end.text for end in of(events.StepFinished, list(run(chain, residency)))] for _ in range(2)]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 1


def test_stop_empties_the_context(random_gguf: Path, residency: Residency) -> None:
    chain = Chain(models=(str(random_gguf),), prompts="a long prompt " * 50 + "$$$",
                  hyperparameters=Hyperparameters(max_tokens=0))
    stream = run(chain, residency)
    for event in stream:
        if isinstance(event, events.TokenGenerated):
            stream.stop()
            break
    assert of(events.StepFinished, list(stream))[0].reason == "stopped"
    again = of(events.StepFinished, list(run(Chain(models=chain.models, prompts=chain.prompts, hyperparameters=SHORT),
                                             residency)))
    assert again[0].reused == 0


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "truncated", "empty", "link"])
def test_a_model_that_cannot_be_used_is_one_sentence_and_the_next_is_tried(
    kind: str, random_gguf: Path, tmp_path: Path, residency: Residency
) -> None:
    bad = {"missing": tmp_path / "none.gguf", "folder": tmp_path, "link": "https://example.org/model.gguf"}.get(
        kind, tmp_path / f"{kind}.gguf"
    )
    if kind in ("text", "truncated", "empty"):
        content = {"text": b"hello", "truncated": random_gguf.read_bytes()[:-1000], "empty": b""}[kind]
        (tmp_path / f"{kind}.gguf").write_bytes(content)
    found = list(run(Chain(models=(str(bad), str(random_gguf)), prompts="p", hyperparameters=SHORT), residency))
    failed = of(events.StepFailed, found)
    assert [event.step for event in failed] == [1]
    assert failed[0].message.endswith(".")
    assert "\n" not in failed[0].message
    assert [end.step for end in of(events.StepFinished, found)] == [2]


def test_too_small_an_n_ctx_is_refused_with_the_numbers(random_gguf: Path, residency: Residency) -> None:
    chain = Chain(models=(str(random_gguf),), prompts="word " * 100 + "$$$",
                  hyperparameters=Hyperparameters(n_ctx=64))
    failed = of(events.StepFailed, list(run(chain, residency)))[0]
    assert "n_ctx holds 64" in failed.message


def test_a_crash_costs_one_step_and_the_next_gets_a_fresh_worker(random_gguf: Path, residency: Residency) -> None:
    import signal

    import psutil

    chain = Chain(models=(str(random_gguf),), prompts="p\nq",
                  hyperparameters=Hyperparameters(max_tokens=400, n_threads=1))
    killed = False
    found = []
    stream = run(chain, residency)
    for event in stream:
        found.append(event)
        if isinstance(event, events.TokenGenerated) and not killed:
            killed = True
            (resident,) = residency._residents.values()
            process = psutil.Process(resident.model.pid)
            (process.children(recursive=True) or [process])[-1].send_signal(signal.SIGSEGV)
    failed = of(events.StepFailed, found)
    assert len(failed) == 1
    assert "SIGSEGV" in failed[0].message
    assert failed[0].text
    assert [end.step for end in of(events.StepFinished, found)] == [2]
