"""Commands in this process, with models that answer from a script."""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest

from samantha.cli import running
from samantha.cli.main import main
from samantha.models.model import ModelSource
from samantha.models.scripted import Answer, ScriptedSource


class Result(msgspec.Struct):
    status: int
    out: str
    err: str


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Piped(io.TextIOWrapper):
    def __init__(self, text: str | bytes) -> None:
        super().__init__(io.BytesIO(text if isinstance(text, bytes) else text.encode()), encoding="utf-8")


Samantha = Callable[..., Result]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> ScriptedSource:
    """What `samantha` answers with; `answer` changes it."""
    source = ScriptedSource({"tiny": ["One two three."], "other": ["Eins zwei."], "broken": [], "third": ["Tres."]})

    @contextlib.contextmanager
    def model_source() -> Iterator[ModelSource]:
        yield source

    monkeypatch.setattr(running, "model_source", model_source)
    return source


def answer(source: ScriptedSource, *answers: Answer, name: str = "tiny") -> None:
    source.models[name]._answers = answers


@pytest.fixture
def samantha(models: ScriptedSource, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Samantha:
    """Runs a command line and gives its status and outputs. `typed` is standard input, None a terminal's."""

    def samantha(*arguments: str, typed: str | bytes | None = None) -> Result:
        monkeypatch.setattr("sys.stdin", Terminal() if typed is None else Piped(typed))
        try:
            status = main(arguments)
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 1
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return samantha


def sentences(text: str) -> Sequence[str]:
    return text.strip().splitlines()
