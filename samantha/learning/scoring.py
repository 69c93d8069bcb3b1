"""A text scored by a model: the model is acquired, asked and released, and whoever reads may stop it at any moment.

`score_text` gives progress, tokens as they are scored, and the `Score` at the end. It waits while a run uses the model.
`first_prompt` is what a chain's first step would give its model. What is not here: arithmetic (`score.py`), threads.
"""

import threading
from collections.abc import Callable, Generator, Iterator

from samantha.chain import prompts, steps
from samantha.chain.chain import Chain
from samantha.chain.conversation import Conversation
from samantha.chain.steps import Step
from samantha.errors import ChainError, ModelError, ScoreError
from samantha.learning.score import Score, check
from samantha.models.model import (
    Fetching,
    Loading,
    LoadOptions,
    Model,
    ModelSource,
    PromptProgress,
    Rendered,
    Scored,
    ScoreRequest,
)
from samantha.traces import ScoredToken

LONGEST = 1_000_000
"""Characters of a text that is scored: hours of work on a small computer, and a slip of the clipboard beyond it."""

Progress = Loading | PromptProgress | Scored | Score
Cancelled = Callable[[], bool]


class ScoreText:
    """A text on its way through a model. Iterate it once; `stop` may be called from any thread."""

    def __init__(
        self, source: ModelSource, name: str, text: str, options: LoadOptions, best: int, cancelled: Cancelled
    ) -> None:
        self._cancelled = cancelled
        self._source = source
        self._name = name
        self._text = text
        self._options = options
        self._best = best
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._model: Model | None = None

    def stop(self) -> None:
        """End waiting, loading or scoring; what was scored stands. Thread-safe, returns at once."""
        self._stopped.set()
        with self._lock:
            if self._model:
                self._model.stop()

    def __iter__(self) -> Iterator[Progress]:
        """Loading, progress, tokens, and last the score; it is not complete when it was stopped.

        Raises:
            ScoreError: nothing to score, or the model gave no numbers.
            ModelError: the model cannot be found, loaded or used.
        """
        if not self._text:
            raise ScoreError("There is no text to score: write or paste some.")
        if len(self._text) > LONGEST:
            raise ScoreError(f"The text has {len(self._text):,} characters; at most {LONGEST:,} are scored at once.")
        for loaded in self._acquired():
            if isinstance(loaded, Loading):
                yield loaded
                continue
            try:
                yield from self._asked(loaded)
            finally:
                self._let_go(loaded)

    def _acquired(self) -> Iterator[Loading | Model]:
        try:
            for one in self._source.acquire(self._name, self._options, self._ending):
                yield Loading(one.progress) if isinstance(one, Fetching) else one
        except ModelError:
            if not self._ending():
                raise
            # Stopped before the model was there: nothing was scored, and that is no failure.

    def _asked(self, model: Model) -> Iterator[Progress]:
        with self._lock:
            self._model = model
        tokens: list[ScoredToken] = []
        if not self._ending():
            for output in model.score(ScoreRequest(self._text, self._best)):
                if isinstance(output, Scored):
                    tokens += output.tokens
                yield output
                if self._cancelled():
                    self.stop()
        yield check(Score(model.name, self._text, tuple(tokens), complete=not self._ending()))

    def _ending(self) -> bool:
        return self._stopped.is_set() or self._cancelled()

    def _let_go(self, model: Model) -> None:
        with self._lock:
            self._model = None
        self._source.release(model)


def score_text(
    source: ModelSource,
    name: str,
    text: str,
    options: LoadOptions | None = None,
    best: int = 5,
    cancelled: Cancelled = lambda: False,
) -> ScoreText:
    """How the model of that name or path sees `text`, to be iterated.

    Args:
        source: where models are acquired, usually the program's `Residency`.
        best: how many of the likeliest candidates are named for each token.
        cancelled: asked while waiting, loading and scoring; True ends it as `stop` does.
    """
    return ScoreText(source, name, text, options or LoadOptions(), best, cancelled)


def first_step(chain: Chain) -> Step:
    """The step with which a run of the chain would begin.

    Raises:
        ChainError: a malformed item, or no model or prompt.
    """
    items = prompts.parse(chain.prompts, chain.variables).items
    found = next(steps.groups(chain, items, chain.seed or 0, batches=False), None) if items else None
    if found is None:
        raise ChainError("The chain has no step: choose a model and write a prompt.")
    return found[0]


def first_prompt(chain: Chain, model: Model, say: Callable[[str], None] = lambda _: None) -> str:
    """The prompt of the first step as `model` is given it; nothing is generated. `say` gets the notices.

    Raises:
        ChainError: see `first_step`.
        PromptTooLong, TemplateError: it cannot be rendered.
    """
    request = Conversation(chain).request((first_step(chain),), model, 1, say)
    outputs = model.generate(request)
    try:
        return next((output.text for output in outputs if isinstance(output, Rendered)), request.text or "")
    finally:
        if isinstance(outputs, Generator):
            outputs.close()
