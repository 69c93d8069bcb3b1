"""The models in memory, and which models there are."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from samantha import settings
from samantha.chain.chain import Chain
from samantha.chain.engine import run
from samantha.errors import ModelError, ModelNotFound
from samantha.events import StepFinished
from samantha.hyperparameters import Hyperparameters
from samantha.models import library, memory
from samantha.models.model import Loading, LoadOptions
from samantha.models.remote import RemoteModel
from samantha.models.residency import Residency

OPTIONS = LoadOptions(n_ctx=512, n_threads=1)


@pytest.fixture
def residency() -> Iterator[Residency]:
    residency = Residency()
    yield residency
    residency.close()


def acquired(residency: Residency, name: str, options: LoadOptions = OPTIONS) -> RemoteModel:
    model = list(residency.acquire(name, options, lambda: False))[-1]
    assert isinstance(model, RemoteModel)
    return model


def test_a_model_stays_loaded_between_steps(random_gguf: Path, residency: Residency) -> None:
    first = acquired(residency, str(random_gguf))
    residency.release(first)
    again = list(residency.acquire(str(random_gguf), OPTIONS, lambda: False))
    assert again == [first]


def test_another_n_ctx_keeps_the_worker_and_another_file_replaces_it(
    random_gguf: Path, tmp_path: Path, residency: Residency
) -> None:
    first = acquired(residency, str(random_gguf))
    residency.release(first)
    wider = acquired(residency, str(random_gguf), LoadOptions(n_ctx=700, n_threads=1))
    assert wider is first
    assert wider.describe().n_ctx == 700
    residency.release(wider)
    other = tmp_path / "other.gguf"
    shutil.copy(random_gguf, other)
    second = acquired(residency, str(other))
    assert not first.alive
    assert residency.resident() == "other"
    residency.release(second)


def test_unload_frees_the_model_unless_it_is_in_use(random_gguf: Path, residency: Residency) -> None:
    model = acquired(residency, str(random_gguf))
    residency.unload()
    assert model.alive
    residency.release(model)
    residency.unload()
    assert not model.alive
    assert residency.resident() is None


def test_two_sessions_share_one_model_and_both_finish(random_gguf: Path, residency: Residency) -> None:
    def chain(seed: int) -> Chain:
        return Chain(models=(str(random_gguf),), prompts="one\ntwo\nthree", seed=seed,
                     hyperparameters=Hyperparameters(max_tokens=40, temperature=1.0))

    alone = [[e.text for e in run(chain(seed), residency) if isinstance(e, StepFinished)] for seed in (1, 2)]
    together: dict[int, list[str]] = {}

    def play(seed: int) -> None:
        together[seed] = [e.text for e in run(chain(seed), residency) if isinstance(e, StepFinished)]

    threads = [threading.Thread(target=play, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[1], together[2]] == alone


def test_waiting_for_a_model_in_use_can_be_cancelled(random_gguf: Path, residency: Residency) -> None:
    model = acquired(residency, str(random_gguf))
    with pytest.raises(ModelError, match="cancelled"):
        list(residency.acquire(str(random_gguf), OPTIONS, lambda: True))
    assert model.alive
    residency.release(model)


def test_a_cancelled_load_leaves_nothing_behind(random_gguf: Path, residency: Residency) -> None:
    with pytest.raises(ModelError):
        list(residency.acquire(str(random_gguf), OPTIONS, lambda: True))
    assert residency.resident() is None
    assert [step for step in residency.acquire(str(random_gguf), OPTIONS, lambda: False) if isinstance(step, Loading)]


def test_models_are_found_by_name_in_the_folders_of_the_settings(random_gguf: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "deep"
    folder.mkdir(parents=True)
    shutil.copy(random_gguf, folder / "fox-Q8_0.gguf")
    for part in (1, 2):
        shutil.copy(random_gguf, folder / f"owl-{part:05d}-of-00002.gguf")
    (folder / "broken.gguf").write_text("no")
    settings.save(settings.Settings(model_folders=(str(tmp_path / "models"),)))
    assert library.names() == ["tiny", "broken", "fox-Q8_0", "owl"]
    assert library.find("fox-Q8_0").path == library.find("fox-Q8_0.gguf").path == folder / "fox-Q8_0.gguf"
    described = {model.name: model for model in library.models()}
    assert "not a GGUF" in described["broken"].problem
    header = described["fox-Q8_0"].header
    assert header is not None
    assert header.architecture == "llama"
    with pytest.raises(ModelNotFound, match="Did you mean fox-Q8_0"):
        library.find("fox-Q8")


def copies(random_gguf: Path, folder: Path, count: int) -> list[str]:
    paths = [folder / f"model-{number}.gguf" for number in range(count)]
    for path in paths:
        shutil.copy(random_gguf, path)
    return [str(path) for path in paths]


def used(residency: Residency, name: str) -> RemoteModel:
    model = acquired(residency, name)
    residency.release(model)
    return model


def test_with_a_budget_several_models_stay_and_the_least_recently_used_goes_first(
    random_gguf: Path, tmp_path: Path, residency: Residency
) -> None:
    one, two, three = copies(random_gguf, tmp_path, 3)
    size = used(residency, one).memory()
    assert size > 0
    residency.budget = int(2.5 * size)
    first, second = used(residency, one), used(residency, two)
    assert [name for name, _ in residency.loaded()] == ["model-0", "model-1"]
    assert used(residency, one) is first
    third = used(residency, three)
    assert [name for name, _ in residency.loaded()] == ["model-0", "model-2"]
    assert (first.alive, second.alive, third.alive) == (True, False, True)


def test_a_model_that_is_larger_than_the_budget_is_loaded_alone(
    random_gguf: Path, tmp_path: Path, residency: Residency
) -> None:
    residency.budget = 1
    one, two = copies(random_gguf, tmp_path, 2)
    first = used(residency, one)
    assert used(residency, two).alive
    assert not first.alive


def test_models_that_alternate_within_the_budget_keep_their_contexts(
    random_gguf: Path, tmp_path: Path, residency: Residency
) -> None:
    residency.budget = 1 << 40
    chain = Chain(
        models=tuple(copies(random_gguf, tmp_path, 2)), system="a system prompt of many words " * 40, prompts="go",
        loops=2, seed=3, hyperparameters=Hyperparameters(max_tokens=5, n_threads=1),
    )  # fmt: skip
    ends = [event for event in run(chain, residency) if isinstance(event, StepFinished)]
    assert [end.reused for end in ends[:2]] == [0, 0]
    assert [end.reused for end in ends[2:]] == [end.prompt_tokens for end in ends[2:]]


def test_unloading_frees_all_but_a_model_in_use(random_gguf: Path, tmp_path: Path, residency: Residency) -> None:
    residency.budget = 1 << 40
    one, two = copies(random_gguf, tmp_path, 2)
    idle, busy = used(residency, one), acquired(residency, two)
    assert residency.unload() == ["model-0"]
    assert not idle.alive
    assert busy.alive
    residency.release(busy)
    assert residency.unload("other") == []
    assert residency.unload("model-1") == ["model-1"]
    assert residency.loaded() == []


def test_the_model_that_comes_next_is_read_while_the_present_one_works(
    random_gguf: Path, tmp_path: Path, residency: Residency
) -> None:
    one, two = copies(random_gguf, tmp_path, 2)
    chain = Chain(models=(one, two), prompts="go", hyperparameters=Hyperparameters(max_tokens=5, n_threads=1))
    assert [event.reason for event in run(chain, residency) if isinstance(event, StepFinished)]
    residency._ahead.join(10)
    assert residency._ahead.read == Path(two).stat().st_size


def test_a_hint_that_leads_nowhere_is_no_error(residency: Residency, tmp_path: Path) -> None:
    residency.expect("no-such-model")
    residency.expect(str(tmp_path / "gone.gguf"))
    assert residency._ahead.read == 0


def test_a_worker_that_was_killed_while_idle_is_replaced(random_gguf: Path, residency: Residency) -> None:
    model = used(residency, str(random_gguf))
    model.kill()
    again = used(residency, str(random_gguf))
    assert again is not model
    assert again.alive


def test_a_file_that_was_replaced_is_loaded_anew(random_gguf: Path, tmp_path: Path, residency: Residency) -> None:
    (path,) = copies(random_gguf, tmp_path, 1)
    first = used(residency, path)
    Path(path).unlink()
    shutil.copy(library.TINY_PATH, path)
    second = used(residency, path)
    assert second is not first
    assert second.describe().n_vocab != first.describe().n_vocab


def test_a_model_that_is_too_large_is_refused_with_the_numbers(
    random_gguf: Path, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = memory.memory()
    monkeypatch.setattr(memory, "memory", lambda: memory.Memory(available=1 << 20, total=1 << 26))
    with pytest.raises(ModelError, match=r"too large: with a context window of 512 tokens it needs about .* free"):
        list(residency.acquire(str(random_gguf), OPTIONS, lambda: False))
    assert residency.loaded() == []
    monkeypatch.setattr(memory, "memory", lambda: there)
    assert used(residency, str(random_gguf)).alive


def test_where_memory_is_short_a_model_goes_though_the_budget_would_keep_it(
    random_gguf: Path, tmp_path: Path, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    residency.budget = 1 << 40
    one, two = copies(random_gguf, tmp_path, 2)
    first = used(residency, one)
    monkeypatch.setattr(memory, "memory", lambda: memory.Memory(available=50 << 20, total=1 << 33))
    assert used(residency, two).alive
    assert not first.alive


def test_the_number_of_threads_that_was_measured_is_used_where_none_is_asked_for(
    random_gguf: Path, residency: Residency
) -> None:
    settings.save(settings.Settings(n_threads=2))
    free = used_with(residency, random_gguf, LoadOptions(n_ctx=512))
    assert free.describe().n_threads == 2
    asked = used_with(residency, random_gguf, LoadOptions(n_ctx=512, n_threads=1))
    assert asked.describe().n_threads == 1


def used_with(residency: Residency, path: Path, options: LoadOptions) -> RemoteModel:
    model = acquired(residency, str(path), options)
    residency.release(model)
    return model


def test_a_model_that_the_library_calls_like_a_repository_is_no_link(
    random_gguf: Path, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "names", lambda: ["tiny", "somebody/owl:latest"])
    monkeypatch.setattr(library, "find", lambda name: library.ModelFile(name, random_gguf))
    assert used(residency, "somebody/owl:latest").name == "somebody/owl:latest"
