"""A GGUF file as a `Model`, in this process. The worker holds one; the CLI and tests may hold one directly."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
import psutil

from samantha.errors import ModelError, PromptTooLong
from samantha.events import StepReason
from samantha.hyperparameters import DEFAULTS, Hyperparameters
from samantha.models import gguf
from samantha.models.llama import native
from samantha.models.llama.context import Aborted, Context
from samantha.models.llama.generate import Generation, Sample
from samantha.models.llama.score import scores
from samantha.models.llama.weights import Weights
from samantha.models.model import (
    LEAST_ROOM,
    GenerateRequest,
    LoadOptions,
    ModelDescription,
    Output,
    PromptProgress,
    Rendered,
    Scored,
    ScoreRequest,
    StopReason,
)
from samantha.models.templates import Templates
from samantha.traces import VocabularyToken


class LlamaModel:
    """One file, one context. `prepare` makes or remakes the context; only `stop` may come from another thread."""

    def __init__(
        self, path: Path, name: str, n_gpu_layers: int, progress: Callable[[float], bool],
        confined: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:  # fmt: skip
        """Load the weights.

        Args:
            confined: what the file's chat template is rendered in, see `rendering.confined`.

        Raises:
            ModelError: the file cannot be loaded; `progress` returning False aborts with one too.
        """
        self.name = name
        self._path = path
        self._header = gguf.read(path, thorough=True)
        native.start()
        self._weights = Weights(path, n_gpu_layers, progress)
        weights = self._weights
        self._templates = Templates(weights.template(), weights.beginning(), weights.end(), confined)
        self._context: Context | None = None
        self._notices: tuple[str, ...] = ()
        self._ending: StepReason | None = None
        self._adjusting: Hyperparameters | None = None

    def prepare(self, options: LoadOptions) -> None:
        """Make the context for `options`, unless it is there already.

        Raises:
            ModelError: it does not fit into memory.
        """
        fitting, self._notices = self._fitting(options)
        if self._context and self._context.options == fitting:
            return
        if self._context:
            self._context.close()
            self._context = None
        self._context = Context(self._weights, fitting, fitting.n_threads or default_threads())

    def describe(self) -> ModelDescription:
        """What the file and the context say."""
        weights, context = self._weights, self._open()
        return ModelDescription(
            name=self.name, path=str(self._path), architecture=self._header.architecture,
            description=weights.description(), size=self._header.size, parameters=weights.parameters(),
            n_vocab=weights.n_vocab, n_ctx=context.n_ctx, n_ctx_train=weights.n_ctx_train, n_threads=context.threads,
            hash=gguf.sampled_hash(self._path), template=weights.template(), notices=self._notices,
        )  # fmt: skip

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        """See `models.model.Model.generate`."""
        context = self._open()
        self._ending = self._adjusting = None
        context.abort.clear()
        self._check(request)
        rendered, prompt = self._prompt(request)
        if context.n_ctx - len(prompt) - len(request.prefix) < LEAST_ROOM:
            raise PromptTooLong(len(prompt) + len(request.prefix), context.n_ctx)
        samples = [self._sample(number, request, prompt) for number in range(len(request.samples))]
        try:
            yield rendered
            ending, adjusting = lambda: self._ending, self._take_adjustment
            yield from Generation(context, samples, prompt, ending, adjusting).run(request.reuse)
        finally:
            for sample in samples:
                sample.close()

    def count(self, request: GenerateRequest) -> int:
        """Tokens of the rendered prompt."""
        return len(self._prompt(request)[1])

    def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Ids and bytes of the tokens of `text`."""
        return [(token, self._weights.piece(token, True)) for token in self._weights.tokenize(text)]

    def adjust(self, values: Hyperparameters) -> None:
        """Other hyperparameters from the next token on. Thread-safe."""
        self._adjusting = values

    def score(self, request: ScoreRequest) -> Iterator[PromptProgress | Scored]:
        """See `models.model.Model.score`; what was evaluated last is forgotten."""
        context = self._open()
        self._ending = None
        context.abort.clear()
        tokens = self._weights.tokenize(request.text, add_special=self._adds_beginning(request.text))
        try:
            yield from scores(self._weights, context, tokens, request.best)
        except Aborted:
            return
        finally:
            context.empty()

    def vocabulary(self) -> list[VocabularyToken]:
        """Every token, by id."""
        return self._weights.vocabulary()

    def stop(self, reason: StopReason = "stopped") -> None:
        """End the generation in progress, in a prompt pass too. Thread-safe."""
        self._ending = reason
        if self._context:
            self._context.abort.set()

    def reset(self) -> None:
        """Forget every evaluated token."""
        self._open().reset()

    @property
    def buffered(self) -> int:
        """Nothing is ever ahead of the reader in this process."""
        return 0

    @property
    def evaluated(self) -> int:
        """Tokens evaluated by the present context."""
        return self._open().evaluated

    def close(self) -> None:
        """Free context and weights."""
        if self._context:
            self._context.close()
            self._context = None
        self._weights.close()

    def _open(self) -> Context:
        if self._context is None:
            raise ModelError(f"{self.name} has no context yet: prepare it first.")
        return self._context

    def _take_adjustment(self) -> Hyperparameters | None:
        values, self._adjusting = self._adjusting, None
        return values

    def _check(self, request: GenerateRequest) -> None:
        """Refuse tokens that are not in the vocabulary, and a prefix for several samples."""
        given = request.prefix if request.force is None else (*request.prefix, request.force)
        if given and len(request.samples) > 1:
            raise ModelError("An answer that begins with given tokens is generated alone: ask for one sample.")
        outside = next((token for token in given if not 0 <= token < self._weights.n_vocab), None)
        if outside is not None:
            highest = self._weights.n_vocab - 1
            raise ModelError(f"There is no token {outside}: the vocabulary of {self.name} has the ids 0 to {highest}.")

    def _sample(self, number: int, request: GenerateRequest, prompt: list[int]) -> Sample:
        values = request.samples[number]
        templated = request.text is None or request.rendered
        stops = (*values.stop, *self._templates.stops(request.template)) if templated else values.stop
        return Sample(
            number, self._weights, self._open(), values, stops, prompt, request.prefix, request.force, request.trace
        )

    def _prompt(self, request: GenerateRequest) -> tuple[Rendered, list[int]]:
        """The rendered text and its tokens, with the beginning-of-text token there exactly once."""
        if request.text is None:
            rendered = self._templates.render(request.messages, request.template)
        else:
            rendered = Rendered(request.text, 0)
        tokens = self._weights.tokenize(rendered.text, add_special=self._adds_beginning(rendered.text))
        ids = tuple(tokens) if request.trace else ()
        return msgspec.structs.replace(rendered, prompt_tokens=len(tokens), tokens=ids), tokens

    def _adds_beginning(self, text: str) -> bool:
        """Whether the beginning-of-text token is wanted before the text and not there yet."""
        beginning = self._weights.beginning()
        there = bool(beginning) and text.startswith(beginning)
        return self._weights.adds_beginning() and not there

    def _fitting(self, options: LoadOptions) -> tuple[LoadOptions, tuple[str, ...]]:
        """The options within what the model was trained for, and a notice where something was clamped."""
        trained = self._weights.n_ctx_train
        n_ctx = options.n_ctx or trained
        if trained and n_ctx > trained:
            if n_ctx == DEFAULTS.n_ctx:
                return msgspec.structs.replace(options, n_ctx=trained), ()  # nobody asked for the default
            notice = f"n_ctx {n_ctx} is more than this model was trained for: {trained} is used."
            return msgspec.structs.replace(options, n_ctx=trained), (notice,)
        return msgspec.structs.replace(options, n_ctx=n_ctx), ()


def default_threads() -> int:
    """All physical cores but one: llama.cpp's threads spin, and collapse when something else needs their core."""
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return max(1, cores - 1)
