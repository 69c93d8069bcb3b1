"""A model that answers from a script: for trying chains, and for tests of order and logic. It predicts nothing."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from samantha.errors import ModelError, ModelNotFound, PromptTooLong
from samantha.hyperparameters import Hyperparameters
from samantha.models.model import (
    Adjusted,
    Fetching,
    GenerateRequest,
    Loading,
    LoadOptions,
    Model,
    ModelDescription,
    Output,
    PromptProgress,
    Rendered,
    SampleFinished,
    Scored,
    ScoreRequest,
    StopReason,
    Token,
)
from samantha.traces import Candidate, ScoredToken, Stage, TokenTrace, VocabularyToken

Answer = str | Exception | Callable[[GenerateRequest], str]
"""A text, an error to raise after the prompt was rendered, or a function of the request."""


def split(text: str) -> list[str]:
    """The tokens of the scripted vocabulary: words with the white space before them."""
    return re.findall(r"\s*\S+|\s+$", text)


class ScriptedModel:
    """Gives its answers one after the other and begins again after the last."""

    def __init__(self, name: str, answers: Sequence[Answer], n_ctx: int = 4000) -> None:
        self.name = name
        self.requests: list[GenerateRequest] = []
        self.resets = 0
        self._answers = answers
        self._given = 0
        self._n_ctx = n_ctx
        self._ending: StopReason | None = None
        self._adjusting: Hyperparameters | None = None
        self._ids: dict[str, int] = {}

    @property
    def buffered(self) -> int:
        """Nothing is ever ahead of the reader."""
        return 0

    def describe(self) -> ModelDescription:
        """A description with the name and the context window."""
        return ModelDescription(name=self.name, architecture="scripted", n_ctx=self._n_ctx, n_ctx_train=self._n_ctx)

    def render(self, request: GenerateRequest) -> str:
        """The messages as lines `role: content`, or the raw text."""
        if request.text is not None:
            return request.text
        return "\n".join(f"{message.role}: {message.content}" for message in request.messages)

    def count(self, request: GenerateRequest) -> int:
        """Words of the rendered prompt."""
        return len(split(self.render(request)))

    def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Words with ids in the order of their first appearance."""
        return [(self._ids.setdefault(piece, len(self._ids)), piece.encode()) for piece in split(text)]

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        """One scripted answer per sample, the samples taking turns token by token."""
        self._ending = self._adjusting = None
        prompt_tokens = self.count(request)
        if self._n_ctx - prompt_tokens < 16:
            raise PromptTooLong(prompt_tokens, self._n_ctx)
        self.requests.append(request)
        prompt_ids = tuple(token for token, _ in self.tokenize(self.render(request))) if request.trace else ()
        yield Rendered(self.render(request), prompt_tokens, tokens=prompt_ids)
        yield PromptProgress(prompt_tokens, prompt_tokens, 0)
        answers = [self._given_first(request) + self.tokenize(self._next(request)) for _ in request.samples]
        shown = [len(request.prefix)] * len(answers)
        for position in range(len(request.prefix), max(map(len, answers))):
            for sample, answer in enumerate(answers):
                limit = request.samples[sample].max_tokens or len(answer)
                if self._ending is None and position < min(limit, len(answer)):
                    values, self._adjusting = self._adjusting, None
                    if values is not None:
                        yield Adjusted(sample, position, values)
                    shown[sample] += 1
                    yield self._token(sample, *answer[position], traced=bool(request.trace))
        for sample, answer in enumerate(answers):
            yield self._finish(sample, answer, shown[sample], prompt_tokens, len(request.prefix))

    def _given_first(self, request: GenerateRequest) -> list[tuple[int, bytes]]:
        """The tokens that the answer begins with because the request gives them."""
        given = request.prefix if request.force is None else (*request.prefix, request.force)
        pieces = {number: piece.encode() for piece, number in self._ids.items()}
        return [(token, pieces.get(token, b"?")) for token in given]

    def _token(self, sample: int, number: int, piece: bytes, traced: bool) -> Token:
        certain = Candidate(number, piece, 0.0, 1.0, 1, (1.0,))
        trace = TokenTrace(1, 0.0, 1.0, 0.0, (Stage("temperature", 1, 0.0),), (certain,)) if traced else None
        return Token(sample, number, piece, piece.decode(), trace)

    def adjust(self, values: Hyperparameters) -> None:
        """Said again by an `Adjusted`; the script stays as it is."""
        self._adjusting = values

    def score(self, request: ScoreRequest) -> Iterator[PromptProgress | Scored]:
        """Every word is certain to it."""
        words = self.tokenize(request.text)
        yield PromptProgress(len(words), len(words), 0)
        yield Scored(tuple(ScoredToken(number, piece, 0.0, 1, 0.0) for number, piece in words))

    def vocabulary(self) -> list[VocabularyToken]:
        """The words that it met."""
        return [VocabularyToken(number, piece.encode(), "normal") for piece, number in self._ids.items()]

    def _next(self, request: GenerateRequest) -> str:
        answer = self._answers[self._given % len(self._answers)]
        self._given += 1
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, str) else answer(request)

    def _finish(
        self, sample: int, answer: list[tuple[int, bytes]], shown: int, prompt_tokens: int, given: int
    ) -> SampleFinished:
        reason = "end" if shown == len(answer) else self._ending or "max_tokens"
        text = b"".join(piece for _, piece in answer[:shown]).decode()
        return SampleFinished(sample, text, reason, prompt_tokens, 0, shown - given, 0.0, 0.0)

    def stop(self, reason: StopReason = "stopped") -> None:
        """End the answers in progress."""
        self._ending = reason

    def reset(self) -> None:
        """Counted in `resets`; there is nothing to forget."""
        self.resets += 1

    def close(self) -> None:
        """Nothing to free."""


class ScriptedSource:
    """A `ModelSource` of scripted models by name; `loads` records every (name, options) that was acquired anew."""

    def __init__(self, answers: Mapping[str, Sequence[Answer]], n_ctx: int = 4000) -> None:
        self.models = {name: ScriptedModel(name, script, n_ctx) for name, script in answers.items()}
        self.loads: list[tuple[str, LoadOptions]] = []
        self.expected: list[str] = []

    def acquire(
        self, name: str, options: LoadOptions, cancelled: Callable[[], bool]
    ) -> Iterator[Fetching | Loading | Model]:
        """Two steps of progress when the model is not the last one, then the model."""
        if name not in self.models:
            raise ModelNotFound(f"There is no scripted model {name}: known are {', '.join(self.models)}.")
        if not self.loads or self.loads[-1] != (name, options):
            for progress in (0.5, 1.0):
                yield Loading(progress)
                if cancelled():
                    raise ModelError(f"Loading {name} was cancelled.")
            self.loads.append((name, options))
        yield self.models[name]

    def begin(self, names: Sequence[str], cancelled: Callable[[], bool]) -> Sequence[str]:  # noqa: ARG002
        """Nothing has to be looked up."""
        return ()

    def end(self, names: Sequence[str]) -> None:
        """Nothing was kept."""

    def expect(self, name: str) -> None:
        """Recorded in `expected`."""
        self.expected.append(name)

    def release(self, model: Model) -> None:
        """Scripted models stay."""
