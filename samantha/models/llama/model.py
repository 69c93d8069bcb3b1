"""A GGUF file as a `Model`, in this process. The worker holds one; the CLI and tests may hold one directly."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from samantha.errors import ModelError, PromptTooLong
from samantha.events import StepReason
from samantha.hyperparameters import DEFAULTS
from samantha.models import gguf
from samantha.models.llama import native
from samantha.models.llama.context import Context
from samantha.models.llama.generate import LEAST_ROOM, Generation, Sample
from samantha.models.llama.weights import Weights
from samantha.models.model import (
    GenerateRequest,
    LoadOptions,
    ModelDescription,
    Output,
    Rendered,
)
from samantha.models.templates import Templates


class LlamaModel:
    """One file, one context. `prepare` makes or remakes the context; only `stop` may come from another thread."""

    def __init__(self, path: Path, name: str, n_gpu_layers: int, progress: Callable[[float], bool]) -> None:
        """Load the weights.

        Raises:
            ModelError: the file cannot be loaded; `progress` returning False aborts with one too.
        """
        self.name = name
        self._path = path
        self._header = gguf.read(path)
        native.start()
        self._weights = Weights(path, n_gpu_layers, progress)
        self._templates = Templates(self._weights.template(), self._weights.beginning(), self._weights.end())
        self._context: Context | None = None
        self._notices: tuple[str, ...] = ()
        self._ending: StepReason | None = None

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
            hash=sampled_hash(self._path), template=weights.template(), notices=self._notices,
        )  # fmt: skip

    def generate(self, request: GenerateRequest) -> Iterator[Output]:
        """See `models.model.Model.generate`."""
        context = self._open()
        self._ending = None
        context.abort.clear()
        rendered, prompt = self._prompt(request)
        if context.n_ctx - len(prompt) < LEAST_ROOM:
            raise PromptTooLong(len(prompt), context.n_ctx)
        samples = [self._sample(number, request, prompt) for number in range(len(request.samples))]
        try:
            yield rendered
            yield from Generation(context, samples, prompt, lambda: self._ending).run(request.reuse)
        finally:
            for sample in samples:
                sample.close()

    def count(self, request: GenerateRequest) -> int:
        """Tokens of the rendered prompt."""
        return len(self._prompt(request)[1])

    def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Ids and bytes of the tokens of `text`."""
        return [(token, self._weights.piece(token, True)) for token in self._weights.tokenize(text)]

    def stop(self, reason: Literal["skipped", "stopped"] = "stopped") -> None:
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

    def _sample(self, number: int, request: GenerateRequest, prompt: list[int]) -> Sample:
        values = request.samples[number]
        stops = values.stop if request.text is not None else (*values.stop, *self._templates.stops(request.template))
        return Sample(number, self._weights, self._open(), values, stops, prompt)

    def _prompt(self, request: GenerateRequest) -> tuple[Rendered, list[int]]:
        """The rendered text and its tokens, with the beginning-of-text token there exactly once."""
        if request.text is None:
            rendered = self._templates.render(request.messages, request.template)
        else:
            rendered = Rendered(request.text, 0)
        beginning = self._weights.beginning()
        there = bool(beginning) and rendered.text.startswith(beginning)
        tokens = self._weights.tokenize(rendered.text, add_special=self._weights.adds_beginning() and not there)
        return msgspec.structs.replace(rendered, prompt_tokens=len(tokens)), tokens

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


def sampled_hash(path: Path) -> str:
    """SHA-256 over the size and 64 evenly spaced blocks of 64 KiB: tells files apart without reading gigabytes."""
    size, block, blocks = path.stat().st_size, 1 << 16, 64
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for place in range(blocks):
            file.seek(max(0, size - block) * place // (blocks - 1))
            digest.update(file.read(block))
    return f"sampled-sha256:{digest.hexdigest()}"

