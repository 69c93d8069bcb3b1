"""How likely a model finds each token of a given text: one pass over it, the logits of one chunk at a time.

A text longer than the context window is taken in windows that overlap by half, so that every token but the first ones
has at least half a window before it. What is not here: sums, perplexity and comparisons (`learning/score.py`).
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from samantha.errors import ModelError
from samantha.models.llama.context import Context
from samantha.models.llama.trace import Distribution, best_ids, check, rank_of
from samantha.models.llama.weights import Weights
from samantha.models.model import PromptProgress, Scored
from samantha.traces import ScoredToken


def scores(
    weights: Weights, context: Context, tokens: Sequence[int], best: int
) -> Iterator[PromptProgress | Scored]:
    """The tokens in order, each with what the model expected there.

    Args:
        best: how many candidates are named for each token.

    Raises:
        Aborted: the evaluation was aborted.
        ModelError: the context is too small to see anything in, or the logits are no numbers.
    """
    if context.n_ctx < 2:
        raise ModelError(f"A context window of {context.n_ctx} tokens is too small to score a text: raise n_ctx.")
    if tokens:
        yield Scored((ScoredToken(tokens[0], weights.piece(tokens[0], True), None, None, None),))
    done = 1
    yield PromptProgress(min(done, len(tokens)), len(tokens), 0)
    for begin, first in _windows(len(tokens), context.n_ctx):
        context.empty()
        window = tokens[begin : begin + context.n_ctx]
        for start, rows in context.logits_of_each(window):
            scored = []
            for row, logits in enumerate(rows):
                predicted = begin + start + row + 1
                if first <= predicted < min(len(tokens), begin + len(window)):
                    scored.append(_score(weights, logits, tokens[predicted], best))
            if scored:
                done += len(scored)
                yield Scored(tuple(scored))
            yield PromptProgress(done, len(tokens), 0)


def _windows(length: int, n_ctx: int) -> Iterator[tuple[int, int]]:
    """Where each window begins, and the first token that it scores."""
    begin, first = 0, 1
    while first < length:
        yield begin, first
        first = begin + n_ctx
        begin = first - n_ctx // 2


def _score(weights: Weights, logits: NDArray[np.float32], token: int, best: int) -> ScoredToken:
    check(logits)
    distribution = Distribution(None, logits)
    likeliest = best_ids(logits, min(best, logits.size))
    named = zip(likeliest.tolist(), distribution.probabilities(logits[likeliest]), strict=True)
    surprisal = distribution.log_sum_exp - float(logits[token])
    return ScoredToken(
        token, weights.piece(token, True), max(0.0, surprisal / math.log(2)) if math.isfinite(surprisal) else None,
        rank_of(logits, token), distribution.entropy,
        tuple((number, weights.piece(number, True), share) for number, share in named),
    )  # fmt: skip
