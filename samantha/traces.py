"""What was seen when a token was chosen, as plain data: what each sampler did to the candidates.

Measured in `models/llama/trace.py`; read by page, command line, store and what-if. Probabilities are shares of 1,
entropies and surprisals are bits. What is not here: how it is measured, and how it is drawn.
"""

import math

import msgspec

BEST = 512
"""How many of the best raw logits a trace keeps; of the rest it keeps statistics."""


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """A token that could have come. `logit`, `probability` and `rank` (1: the likeliest) are before any sampler.

    `after` holds its probability after each stage of the trace, None from the stage on that removed it.
    `logit` is None where the model gives minus infinity.
    """

    id: int
    piece: bytes
    logit: float | None
    probability: float
    rank: int
    after: tuple[float | None, ...] = ()


class Stage(msgspec.Struct, frozen=True, array_like=True):
    """The candidates after one sampler: how many have a probability left, and the entropy of these.

    `name` is a sampler's name, `tfs_z`, `mirostat` or `grammar`. Samplers that are off have no stage.
    """

    name: str
    survivors: int
    entropy: float


class Rest(msgspec.Struct, frozen=True, array_like=True):
    """The raw logits beyond the best: how many are finite, and of these maximum, mean, deviation, log-sum-exp.

    The numbers are None where nothing is left. The deviation is that of the population.
    """

    count: int
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    log_sum_exp: float | None = None


class TokenTrace(msgspec.Struct, frozen=True, array_like=True):
    """Everything that was seen when one token was chosen. What was chosen stands beside it, in the token's event.

    `rank` (1: the likeliest), `logit`, `probability` are the chosen token's before any sampler, `entropy` that of all
    candidates. `candidates` come by rank; the chosen token is among them, last where it is not one of the likeliest.
    `ids` and `logits` are the best `BEST` raw logits by rank, little-endian int32 and float32. `dry` is what the
    sampler of that name subtracted, as (id, amount). `forced` says that the user chose the token.
    """

    rank: int
    logit: float | None
    probability: float
    entropy: float
    stages: tuple[Stage, ...]
    candidates: tuple[Candidate, ...]
    ids: bytes = b""
    logits: bytes = b""
    rest: Rest = Rest(0)
    dry: tuple[tuple[int, float], ...] = ()
    forced: bool = False

    @property
    def surprisal(self) -> float:
        """-log2 of the chosen token's probability before any sampler, in bits; infinite where it had none."""
        return -math.log2(self.probability) if self.probability > 0 else math.inf

    @property
    def unlikely(self) -> bool:
        """Whether a likelier token was there: rank above 1."""
        return self.rank > 1


class ScoredToken(msgspec.Struct, frozen=True, array_like=True):
    """A token of a given text: how likely the model found it after what stands before it.

    `surprisal` (bits), `rank` and `entropy` (bits, of all candidates) are None for the first token, which nothing
    precedes. `best` holds the likeliest candidates as (id, piece, probability).
    """

    id: int
    piece: bytes
    surprisal: float | None
    rank: int | None
    entropy: float | None
    best: tuple[tuple[int, bytes, float], ...] = ()


class VocabularyToken(msgspec.Struct, frozen=True, array_like=True):
    """One token of a model's vocabulary.

    `kind` is one of normal, unknown, control, user_defined, unused, byte; `ends_answer` says that an answer ends with
    it. `score` is the tokenizer's own (0 where it has none).
    """

    id: int
    piece: bytes
    kind: str
    ends_answer: bool = False
    score: float = 0.0
