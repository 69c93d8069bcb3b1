"""Real GGUF files for the tests of this room: random weights for mechanics, Samantha Tiny for answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import random_model
from samantha.models import library
from samantha.models.llama.model import LlamaModel
from samantha.models.model import LoadOptions


@pytest.fixture(scope="session")
def random_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random.gguf"
    random_model.write(path, layers=2, width=128, words=2048)
    return path


@pytest.fixture(scope="session")
def tiny_gguf() -> Path:
    return library.TINY_PATH


@pytest.fixture
def open_model() -> Iterator[Callable[..., LlamaModel]]:
    """Opens models in this process and closes them afterwards."""
    opened: list[LlamaModel] = []

    def open_one(path: Path, **options: int) -> LlamaModel:
        model = LlamaModel(path, path.stem, 0, lambda fraction: True)
        opened.append(model)
        model.prepare(LoadOptions(**{"n_ctx": 1024, "n_threads": 1, **options}))  # type: ignore[arg-type]
        return model

    yield open_one
    for model in opened:
        model.close()
