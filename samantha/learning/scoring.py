"""A text scored by a model: the model is acquired, asked and released, and whoever reads may stop it at any moment.

`score_text` gives progress, tokens as they are scored, and the `Score` at the end. It waits while a run uses the model.
What is not here: arithmetic (`score.py`), threads, and drawing.
"""

import threading
from collections.abc import Iterator

from samantha.errors import ModelError, ScoreError
from samantha.learning.score import Score, check
from samantha.models.model import Loading, LoadOptions, Model, ModelSource, PromptProgress, Scored, ScoreRequest
from samantha.traces import ScoredToken

LONGEST = 1_000_000
"""Characters of a text that is scored: hours of work on a small computer, and a slip of the clipboard beyond it."""

Progress = Loading | PromptProgress | Scored | Score


class ScoreText:
    """A text on its way through a model. Iterate it once; `stop` may be called from any thread."""

    def __init__(self, source: ModelSource, name: str, text: str, options: LoadOptions, best: int) -> None:
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
            yield from self._source.acquire(self._name, self._options, self._stopped.is_set)
        except ModelError:
            if not self._stopped.is_set():
                raise
            # Stopped before the model was there: nothing was scored, and that is no failure.

    def _asked(self, model: Model) -> Iterator[Progress]:
        with self._lock:
            self._model = model
        tokens: list[ScoredToken] = []
        if not self._stopped.is_set():
            for output in model.score(ScoreRequest(self._text, self._best)):
                if isinstance(output, Scored):
                    tokens += output.tokens
                yield output
        yield check(Score(model.name, self._text, tuple(tokens), complete=not self._stopped.is_set()))

    def _let_go(self, model: Model) -> None:
        with self._lock:
            self._model = None
        self._source.release(model)


def score_text(
    source: ModelSource, name: str, text: str, options: LoadOptions | None = None, best: int = 5
) -> ScoreText:
    """How the model of that name or path sees `text`, to be iterated.

    Args:
        source: where models are acquired, usually the program's `Residency`.
        best: how many of the likeliest candidates are named for each token.
    """
    return ScoreText(source, name, text, options or LoadOptions(), best)
