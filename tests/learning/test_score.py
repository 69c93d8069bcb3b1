"""Scores are arithmetic over surprisals; two of one text are laid side by side wherever both cut it."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.errors import ScoreError
from samantha.learning.score import Comparison, Score, check, compare
from samantha.traces import ScoredToken

BITS = st.floats(0, 40, allow_nan=False)


def token(piece: str | bytes, surprisal: float | None) -> ScoredToken:
    written = piece if isinstance(piece, bytes) else piece.encode()
    return ScoredToken(1, written, surprisal, None if surprisal is None else 1, None if surprisal is None else 2.0)


def score(*tokens: tuple[str | bytes, float | None], text: str | None = None, complete: bool = True) -> Score:
    made = tuple(token(piece, surprisal) for piece, surprisal in tokens)
    return Score("m", text if text is not None else b"".join(one.piece for one in made).decode(), made, complete)


@st.composite
def tokenized(draw: st.DrawFn, text: str) -> Score:
    """The text cut anywhere, within characters too, as one model might see it."""
    written = text.encode()
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(written) - 1)))) - {len(written)})
    ends = [0, *cuts, len(written)]
    pieces = [written[begin:end] for begin, end in pairwise(ends)]
    first = draw(st.one_of(st.none(), BITS))
    tokens = [token(pieces[0], first), *(token(piece, draw(BITS)) for piece in pieces[1:])]
    if draw(st.booleans()):
        tokens = [token(draw(st.sampled_from([b"", b"<s>"])), None), token(pieces[0], draw(BITS)), *tokens[1:]]
    return Score("m", text, tuple(tokens))


TEXTS = st.text(min_size=2, max_size=30).filter(lambda text: all(not 0xD800 <= ord(one) < 0xE000 for one in text))
PAIRS = TEXTS.flatmap(lambda text: st.tuples(tokenized(text), tokenized(text)))


@given(PAIRS)
def test_the_pieces_cover_every_byte_once(pair: tuple[Score, Score]) -> None:
    pieces = compare(*pair).pieces
    written = pair[0].text.encode()
    assert b"".join(piece.text for piece in pieces) == written
    assert [piece.begin for piece in pieces] == [0, *(piece.end for piece in pieces[:-1])]
    assert pieces[-1].end == len(written)


@given(PAIRS)
def test_a_piece_ends_at_every_common_boundary_and_nowhere_else(pair: tuple[Score, Score]) -> None:
    boundaries = [{end for _, end in one.spans if end} for one in pair]
    assert [piece.end for piece in compare(*pair).pieces] == sorted(boundaries[0] & boundaries[1])


@given(PAIRS)
def test_the_bits_of_the_pieces_are_the_bits_of_the_tokens(pair: tuple[Score, Score]) -> None:
    compared = compare(*pair)
    for side, one in (("a", pair[0]), ("b", pair[1])):
        known = [getattr(piece, side) for piece in compared.pieces]
        lost = [
            one.tokens[place].surprisal or 0.0
            for piece in compared.pieces if getattr(piece, side) is None
            for place in range(*getattr(piece, f"tokens_{side}"))
        ]  # fmt: skip
        assert math.fsum(bits for bits in known if bits is not None) + math.fsum(lost) == pytest.approx(one.bits)
        held = [place for piece in compared.pieces for place in range(*getattr(piece, f"tokens_{side}"))]
        assert held == list(range(len(one.tokens)))


@given(TEXTS.flatmap(tokenized))
def test_a_score_does_not_differ_from_itself(one: Score) -> None:
    compared = compare(one, one)
    assert [piece.difference for piece in compared.both] == [0.0] * len(compared.both)
    assert compared.bits[0] == compared.bits[1]
    assert compared.biggest() == []


@given(PAIRS)
def test_the_difference_turns_with_the_order(pair: tuple[Score, Score]) -> None:
    forth, back = compare(*pair), compare(*reversed(pair))
    assert [piece.difference for piece in forth.both] == [-(piece.difference or 0.0) for piece in back.both]
    assert forth.bytes == back.bytes


def test_the_figures_of_a_text_computed_by_hand() -> None:
    one = score(("Olá", None), (" mundo", 3.0), (" ação", 5.0))
    assert (one.bits, one.mean, one.perplexity) == (8.0, 4.0, 16.0)
    assert one.bits_per_byte == 8 / len(" mundo ação".encode())
    assert one.bits_per_character == 8 / len(" mundo ação")
    assert [place for place, _ in one.most_surprising(2)] == [2, 1]


def test_where_two_models_differ_most() -> None:
    a = score(("The", None), (" ", 1.0), ("owl", 2.0), (" sang", 9.0))
    b = score(("The", None), (" owl", 7.5), (" sang", 4.0))
    compared: Comparison = compare(a, b)
    assert [(piece.text, piece.a, piece.b) for piece in compared.pieces] == [
        (b"The", None, None), (b" owl", 3.0, 7.5), (b" sang", 9.0, 4.0)
    ]  # fmt: skip
    assert [piece.difference for piece in compared.biggest()] == [-5.0, 4.5]
    assert (compared.bits, compared.bytes) == ((12.0, 11.5), 9)


def test_what_a_model_puts_before_the_text_is_no_part_of_it() -> None:
    plain = score(("Once", 8.0), (" upon", 1.0), text="Once upon")
    begun = score(("<s>", None), (" Once", 6.0), (" upon", 1.0), text="Once upon")
    assert begun.spans == ((0, 0), (0, 4), (4, 9))
    assert begun.bits_per_byte == 7 / 9
    assert [piece.difference for piece in compare(plain, begun).pieces] == [-2.0, 0.0]


def test_a_token_that_ends_the_text_counts_with_its_last_piece() -> None:
    ended = score(("ab", None), ("cd", 2.0), ("</s>", 3.0), text="abcd")
    assert compare(score(("ab", None), ("cd", 2.0)), ended).pieces[-1].b == 5.0


def test_of_a_score_that_was_stopped_only_what_both_cover_is_compared() -> None:
    whole = score(("a", None), ("b", 1.0), ("c", 2.0))
    part = score(("a", None), ("b", 4.0), text="abc", complete=False)
    assert [(piece.text, piece.difference) for piece in compare(whole, part).pieces] == [(b"a", None), (b"b", 3.0)]


def test_a_character_in_two_tokens_counts_once() -> None:
    one = score((b"a", None), (b"\xc3", 3.0), (b"\xa9", 1.0))
    assert (one.bits_per_byte, one.bits_per_character) == (2.0, 4.0)


def test_a_token_without_any_probability_makes_everything_infinite() -> None:
    one = Score("m", "ab", (token("a", None), ScoredToken(1, b"b", None, 40, 2.0)))
    assert (one.bits, one.perplexity, one.bits_per_byte) == (math.inf, math.inf, math.inf)
    assert compare(one, one).pieces[1].difference == 0.0


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: compare(score(("a", None)), score(("b", None))), "different texts"),
        (lambda: check(score(("a", None))), "single token"),
        (lambda: check(score(("a", None), ("b", math.nan))), "token 2"),
        (lambda: compare(score(("a", None)), score(("x", None), text="a")), "rewrites"),
        (lambda: compare(score(("a", None), text="ab"), score(("ab", None))), "rewrites"),
    ],
)
def test_what_cannot_be_scored_or_compared_gets_one_sentence(act: object, said: str) -> None:
    with pytest.raises(ScoreError, match=said):
        act()  # type: ignore[operator]
