"""What a tab asks of models runs on its own threads: it is stopped, replaced and let go; vocabularies are kept."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samantha.chain.chain import Chain
from samantha.errors import ModelError
from samantha.models.model import Loading, LoadOptions, Model
from samantha.models.scripted import ScriptedSource
from samantha.traces import VocabularyToken
from samantha.ui.model_desk import (
    KEPT_VOCABULARIES,
    ModelDesk,
    PromptTask,
    ScoreTask,
    TokensTask,
    Vocabularies,
    VocabularyTask,
)

SECONDS = 20


class Busy(ScriptedSource):
    """Its models are used by somebody else until `free` is set."""

    def __init__(self) -> None:
        super().__init__({"tiny": ["Yes."], "two": ["No."]})
        self.free = threading.Event()
        self.released: list[str] = []

    def acquire(self, name: str, options: LoadOptions, cancelled: Callable[[], bool]) -> Iterator[Loading | Model]:
        while not self.free.wait(0.01):
            if cancelled():
                raise ModelError("Waiting for the model that another run uses was cancelled.")
        yield from super().acquire(name, options, cancelled)

    def release(self, model: Model) -> None:
        self.released.append(model.name)


@pytest.fixture
def source() -> Busy:
    return Busy()


def desk(source: Busy, gone: Callable[[], bool] = lambda: False) -> ModelDesk:
    return ModelDesk(source, Vocabularies(), gone)


def test_two_models_score_one_after_the_other_and_are_released(source: Busy) -> None:
    source.free.set()
    task = desk(source).begin(ScoreTask, "one two three", ["tiny", "two"])
    assert task.wait(SECONDS)
    assert isinstance(task, ScoreTask)
    assert (task.phase, len(task.scores), source.released) == ("done", 2, ["tiny", "two"])
    assert task.comparison is not None
    assert task.comparison.bytes == len("one two three")


def test_a_task_waits_for_the_model_and_a_stop_ends_the_waiting(source: Busy) -> None:
    task = desk(source).begin(ScoreTask, "one two", ["tiny"])
    assert not task.wait(0.1)
    assert task.phase == "waiting"
    task.stop()
    assert task.wait(SECONDS)
    assert (task.phase, task.problem, source.released) == ("stopped", "", [])


def test_a_new_task_ends_the_one_before_it_and_leaves_other_kinds_alone(source: Busy) -> None:
    tasks = desk(source)
    first = tasks.begin(TokensTask, "tiny", "one")
    prompt = tasks.begin(PromptTask, Chain(models=("tiny",), prompts="Hi"))
    second = tasks.begin(TokensTask, "tiny", "one two")
    assert first.wait(SECONDS)
    assert (first.phase, prompt.ended, second.ended) == ("stopped", False, False)
    source.free.set()
    assert prompt.wait(SECONDS)
    assert second.wait(SECONDS)
    assert isinstance(second, TokensTask)
    assert isinstance(prompt, PromptTask)
    assert [piece for _, piece in second.tokens] == [b"one", b" two"]
    assert prompt.text == "user: Hi"
    assert first.number < prompt.number < second.number


def test_a_tab_that_is_gone_holds_no_model(source: Busy) -> None:
    gone = threading.Event()
    task = desk(source, gone.is_set).begin(VocabularyTask, "tiny", Vocabularies())
    gone.set()
    assert task.wait(SECONDS)
    assert task.phase == "failed"


def test_a_failure_is_one_sentence_and_the_next_task_works(source: Busy) -> None:
    source.free.set()
    tasks = desk(source)
    failed = tasks.begin(ScoreTask, "one two", ["tiny", "nowhere"])
    assert failed.wait(SECONDS)
    assert (failed.phase, "nowhere" in failed.problem, source.released) == ("failed", True, ["tiny"])
    again = tasks.begin(ScoreTask, "one two", ["tiny"])
    assert again.wait(SECONDS)
    assert again.phase == "done"


def test_the_vocabularies_looked_at_last_are_kept(tmp_path: Path) -> None:
    shelf = Vocabularies()
    names = [f"model-{number}" for number in range(KEPT_VOCABULARIES + 1)]
    for name in names[:-1]:
        shelf.put(name, [VocabularyToken(0, name.encode(), "normal")])
    assert shelf.get(names[0])
    shelf.put(names[-1], [])
    assert shelf.get(names[1]) is None
    assert shelf.get(names[0]) == [VocabularyToken(0, b"model-0", "normal")]


def test_a_file_that_changed_is_another_vocabulary(tmp_path: Path) -> None:
    shelf, path = Vocabularies(), tmp_path / "one.gguf"
    path.write_bytes(b"GGUF")
    before = shelf.key(str(path))
    shelf.put(before, [])
    assert shelf.get(str(path)) == []
    path.write_bytes(b"GGUF and more")
    assert shelf.key(str(path)) != before
    assert shelf.get(str(path)) is None
