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
from samantha.models import library
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
    assert library.names() == ["tiny", "broken", "fox-Q8_0", "owl-00001-of-00002"]
    assert library.find("fox-Q8_0").path == library.find("fox-Q8_0.gguf").path == folder / "fox-Q8_0.gguf"
    described = {model.name: model for model in library.models()}
    assert "not a GGUF" in described["broken"].problem
    header = described["fox-Q8_0"].header
    assert header is not None
    assert header.architecture == "llama"
    with pytest.raises(ModelNotFound, match="Did you mean fox-Q8_0"):
        library.find("fox-Q8")
