"""The tokenizer: digits alone, words split the same with and without a space before them, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from training.corpus.words import CONSONANTS, VOWELS
from training.tokenizer import ALPHABET, SPACE, SPECIAL, PlainEncoder

ENCODER = PlainEncoder()
TOKENS = list(ENCODER.numbers)
BYTES = {character: byte for byte, character in ALPHABET.items()}
WORDS = some.lists(some.sampled_from(CONSONANTS + VOWELS), min_size=1, max_size=6).map("".join)


def decode(numbers: list[int]) -> str:
    """The text of tokens that are not special."""
    return bytes(BYTES[character] for number in numbers for character in TOKENS[number]).decode()


@given(some.text(some.characters(exclude_characters="<|>", codec="utf-8")))
def test_decoding_gives_the_text_back(text: str) -> None:
    assert decode(ENCODER.encode(text)) == text


@given(some.integers(min_value=0))
def test_each_digit_is_a_token(number: int) -> None:
    assert len(ENCODER.encode(str(number))) == len(str(number))


@given(WORDS)
def test_a_space_before_a_word_changes_no_split(word: str) -> None:
    bare, spaced = ENCODER.split(word), ENCODER.split(" " + word)
    assert "".join(spaced) == SPACE + "".join(bare)
    assert spaced in ([SPACE + bare[0], *bare[1:]], [SPACE, *bare])


def test_special_tokens_are_single() -> None:
    assert ENCODER.encode("".join(SPECIAL)) == [ENCODER.numbers[token] for token in SPECIAL]
