"""Some 350 malformed files, one after the other, as a run would meet them: each is a sentence or an answer."""

import collections
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import random_model
from samantha.errors import ModelError, WorkerDied
from samantha.hyperparameters import Hyperparameters
from samantha.models import gguf
from samantha.models.model import GenerateRequest, LoadOptions, Message, SampleFinished
from samantha.models.remote import RemoteModel
from tests.models import malformed

OPTIONS = LoadOptions(n_ctx=256, n_threads=1)
REQUEST = GenerateRequest(samples=(Hyperparameters(max_tokens=3),), messages=(Message("user", "hello"),))


class Workers:
    """Workers that see one folder. A worker that refused a file takes the next one; one that loaded it has done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._worker: RemoteModel | None = None
        self.died: list[str] = []

    def try_out(self, path: Path, case: str) -> str:
        """The sentence that refuses the file, or "" when it answered."""
        if self._worker is None or not self._worker.alive:
            self._worker = RemoteModel(self._folder, "case")
        self._worker.path = path
        try:
            list(self._worker.open(OPTIONS, lambda: False))
        except WorkerDied as error:
            self.died.append(f"{case}: {error}")
            return str(error)
        except ModelError as error:
            return str(error)
        try:
            return self._answer(case)
        finally:
            self.close()

    def _answer(self, case: str) -> str:
        assert self._worker
        try:
            end = list(self._worker.generate(REQUEST))[-1]
        except ModelError as error:
            if isinstance(error, WorkerDied):
                self.died.append(f"{case}: {error}")
            return str(error)
        assert isinstance(end, SampleFinished)
        return ""

    def close(self) -> None:
        if self._worker:
            self._worker.close()
        self._worker = None


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    (tmp_path / "cases").mkdir()
    made = Workers(tmp_path / "cases")
    yield made
    made.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.gguf"
    random_model.write(path, layers=1, width=128, words=1024, context=512)
    return path


def test_a_file_taken_apart_and_put_together_is_the_same(sound: Path) -> None:
    content = sound.read_bytes()
    assert malformed.together(malformed.apart(content)) == content
    assert gguf.read(sound, thorough=True).architecture == "llama"


def test_malformed_files_are_a_sentence_or_an_answer(sound: Path, workers: Workers, tmp_path: Path) -> None:
    outcomes: collections.Counter[str] = collections.Counter()
    odd: list[str] = []
    for number, (case, content) in enumerate(malformed.cases(sound)):
        path = tmp_path / "cases" / f"{number}.gguf"
        path.write_bytes(content)
        said, stage = _refusal(path), "before loading"
        if not said:
            said, stage = workers.try_out(path, case), "while loading"
        outcomes[stage if said else "answered"] += 1
        if said and not (20 < len(said) < 600 and "\n" not in said and "Traceback" not in said):
            odd.append(f"{case}: {said[:200]!r}")
        path.unlink()
    assert outcomes.total() >= 300
    assert outcomes["before loading"] > outcomes["while loading"]
    assert outcomes["answered"] > 20  # not everything that is odd is a reason to refuse a model
    assert workers.died == []
    assert odd == []


def _refusal(path: Path) -> str:
    """What the program itself says, before any native code sees the file."""
    try:
        gguf.read_model(path)
    except ModelError as error:
        return str(error)
    return ""
