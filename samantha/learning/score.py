"""How a model sees a text: bits, perplexity, surprising tokens; and two such views of one text, where they differ.

Pure arithmetic over `ScoredToken`s. Surprisals are bits: -log2 of the probability that the model gave a token after
what stands before it. A first token that nothing precedes has none: it counts neither as bits nor as bytes.
What is not here: asking a model (`scoring.py`), and drawing.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from samantha.errors import ScoreError
from samantha.traces import ScoredToken

Span = tuple[int, int]
"""From a byte of the text to before another."""


def surprisal(token: ScoredToken) -> float | None:
    """A token's bits: None where nothing precedes it, infinite where the model gave it no probability at all."""
    return math.inf if token.surprisal is None and token.rank is not None else token.surprisal


class Score(msgspec.Struct, frozen=True, dict=True):
    """A text as one model sees it. `complete` is False where scoring was stopped before the end of the text."""

    model: str
    text: str
    tokens: tuple[ScoredToken, ...]
    complete: bool = True

    @cached_property
    def scored(self) -> tuple[ScoredToken, ...]:
        """The tokens that have a surprisal."""
        return tuple(token for token in self.tokens if surprisal(token) is not None)

    @cached_property
    def bits(self) -> float:
        """All surprisals together."""
        return math.fsum(surprisal(token) or 0.0 for token in self.scored)

    @property
    def mean(self) -> float | None:
        """Bits for each token; None where none is scored."""
        return self.bits / len(self.scored) if self.scored else None

    @property
    def perplexity(self) -> float | None:
        """2 to the mean bits of the scored tokens: between so many equally likely tokens the model wavered on average.

        It depends on how the text is cut, so perplexities of models with different tokenizers do not compare.
        """
        if self.mean is None:
            return None
        return 2.0**self.mean if self.mean < 1024 else math.inf

    @property
    def bits_per_byte(self) -> float | None:
        """Bits for each byte of UTF-8 that scored tokens stand for: comparable across tokenizers."""
        return self._per(sum(end - begin for begin, end in self._scored_spans()))

    @property
    def bits_per_character(self) -> float | None:
        """Bits for each Unicode character that begins in a scored token: comparable across tokenizers."""
        written = self.text.encode()
        starts = (sum(byte & 0xC0 != 0x80 for byte in written[begin:end]) for begin, end in self._scored_spans())
        return self._per(sum(starts))

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The bytes of the text that each token stands for; empty for a token that the model put around the text.

        Raises:
            ScoreError: the tokens do not spell the text: the tokenizer rewrites it.
        """
        return _spans(self)

    def most_surprising(self, count: int = 10) -> list[tuple[int, ScoredToken]]:
        """The tokens that the model expected least, worst first, with their places (from 0)."""
        places = [place for place, token in enumerate(self.tokens) if surprisal(token) is not None]
        places.sort(key=lambda place: -(surprisal(self.tokens[place]) or 0.0))
        return [(place, self.tokens[place]) for place in places[:count]]

    def _scored_spans(self) -> Iterator[Span]:
        try:
            spans = self.spans
        except ScoreError:
            spans = tuple(_cumulated(self.tokens, 0, len(self.text.encode())))
        return (span for span, token in zip(spans, self.tokens, strict=True) if surprisal(token) is not None)

    def _per(self, count: int) -> float | None:
        return self.bits / count if count else None


class Piece(msgspec.Struct, frozen=True):
    """A stretch of the text that both tokenizations cut out, and no shorter one within it.

    `begin` and `end` are bytes. `a` and `b` are the bits of the two scores, None where one of the tokens has none;
    `tokens_a` and `tokens_b` say which of their tokens it holds, from and to before.
    """

    begin: int
    end: int
    text: bytes
    a: float | None
    b: float | None
    tokens_a: Span
    tokens_b: Span

    @property
    def difference(self) -> float | None:
        """Bits of b less those of a: above 0 where b is more surprised."""
        if self.a is None or self.b is None:
            return None
        return 0.0 if self.a == self.b else self.b - self.a


class Comparison(msgspec.Struct, frozen=True, dict=True):
    """Two scores of one text, piece by piece. Totals are over the pieces that both scored."""

    a: Score
    b: Score
    pieces: tuple[Piece, ...]

    @cached_property
    def both(self) -> tuple[Piece, ...]:
        """The pieces that both scored."""
        return tuple(piece for piece in self.pieces if piece.a is not None and piece.b is not None)

    @property
    def bits(self) -> tuple[float, float]:
        """The bits of a and of b."""
        return math.fsum(piece.a or 0.0 for piece in self.both), math.fsum(piece.b or 0.0 for piece in self.both)

    @property
    def bytes(self) -> int:
        """How many bytes of the text these bits are for."""
        return sum(piece.end - piece.begin for piece in self.both)

    def biggest(self, count: int = 10) -> list[Piece]:
        """Where they differ most, the largest difference first."""
        differing = [piece for piece in self.both if piece.difference]
        return sorted(differing, key=lambda piece: -abs(piece.difference or 0.0))[:count]


def compare(a: Score, b: Score) -> Comparison:
    """Two scores of the same text, aligned wherever both tokenizations have a boundary.

    Of scores that were stopped, only what both cover is compared.

    Raises:
        ScoreError: the texts differ, or the tokens of one do not spell its text.
    """
    if a.text != b.text:
        raise ScoreError("The two scores are of different texts: score the same text with both models.")
    common = sorted({end for _, end in a.spans if end} & {end for _, end in b.spans})
    written = a.text.encode()
    cut = zip([0, *common[:-1]], common, _cut(a, common), _cut(b, common), strict=True)
    pieces = (
        Piece(begin, end, written[begin:end], bits_a, bits_b, held_a, held_b)
        for begin, end, (bits_a, held_a), (bits_b, held_b) in cut
    )
    return Comparison(a, b, tuple(pieces))


def check(score: Score) -> Score:
    """The score itself, when it says something.

    Raises:
        ScoreError: it holds a number that is none, or not a single token was scored.
    """
    for place, token in enumerate(score.tokens):
        if token.surprisal is not None and math.isnan(token.surprisal):
            raise ScoreError(
                f"{score.model} gave no number as the probability of token {place + 1}: its file is damaged or its"
                " weights overflow. Choose another model or quantization."
            )
    if not score.scored and score.complete:
        raise ScoreError(
            f"The text is a single token for {score.model}, and nothing stands before it, so there is no probability"
            " to show: write a longer text."
        )
    return score


def _cut(score: Score, common: Sequence[int]) -> Iterator[tuple[float | None, Span]]:
    """Bits and tokens of a score up to each boundary. A token of no bytes belongs to what follows, or to the end."""
    place, length = 0, len(score.text.encode())
    for end in common:
        first = place
        while place < len(score.tokens) and _before(score.spans[place], end, length):
            place += 1
        yield _bits(score, first, place), (first, place)


def _before(span: Span, end: int, length: int) -> bool:
    return span[1] <= end and (span[0] < end or end == length)


def _bits(score: Score, first: int, last: int) -> float | None:
    """The bits of some tokens; None when one that stands for bytes of the text has none."""
    within = zip(score.spans[first:last], map(surprisal, score.tokens[first:last]), strict=True)
    bits = [value for (begin, end), value in within if value is not None or end > begin]
    known = [value for value in bits if value is not None]
    return math.fsum(known) if len(known) == len(bits) else None


def _spans(score: Score) -> tuple[Span, ...]:
    written, joined = score.text.encode(), b"".join(token.piece for token in score.tokens)
    for extra in _extras(score.tokens, joined):
        rest = joined[extra:]
        if rest.startswith(written) or (not score.complete and written.startswith(rest)):
            return tuple(_cumulated(score.tokens, extra, len(written)))
    raise ScoreError(
        f"The tokens of {score.model} do not spell the text: its tokenizer rewrites it, so that its pieces cannot be"
        " laid beside those of another model. Compare bits per byte."
    )


def _extras(tokens: Sequence[ScoredToken], joined: bytes) -> Iterator[int]:
    """How many bytes a tokenizer may have put before the text: none, its beginning token, a space, both."""
    beginning = len(tokens[0].piece) if tokens and surprisal(tokens[0]) is None else 0
    yield from dict.fromkeys((0, beginning))
    yield from (at + 1 for at in dict.fromkeys((0, beginning)) if joined[at : at + 1] == b" ")


def _cumulated(tokens: Sequence[ScoredToken], extra: int, length: int) -> Iterator[Span]:
    """Where tokens begin and end in the text, `extra` bytes of theirs standing before it."""
    at = -extra
    for token in tokens:
        begin, at = at, at + len(token.piece)
        yield min(max(begin, 0), length), min(max(at, 0), length)
