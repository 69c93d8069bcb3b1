"""A vocabulary is searched by text, id, range, bytes and type; every token is seen as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.errors import SearchError
from samantha.learning.vocabulary import search, unescaped, visible
from samantha.traces import VocabularyToken

PIECES = [b"<s>", b"</s>", b" ", b"\n", b"the", b" the", b"The", b"\xe2\x82", b"2", b"12-3", b'"', b"\\", b"\xc3\xa9"]
VOCABULARY = [
    VocabularyToken(id, piece, "control" if id < 2 else "byte" if len(piece) == 1 else "normal", id == 1)
    for id, piece in enumerate(PIECES)
]


def ids(query: str = "", **given: object) -> list[int]:
    return [token.id for token in search(VOCABULARY, query, **given)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", list(range(13))), ("the", [4, 5]), (" the", [5]), ("The", [6]), ("5", [5]), (" 5 ", [5]),
        ("3-5", [3, 4, 5]), ("3 – 5", [3, 4, 5]), ("3..5", [3, 4, 5]), ("0-0", [0]), ("12-12", [12]),
        ('"2"', [8, 9]), ('"12-3"', [9]), ('"', [10]), ("-", [9]),
        (r"\xE2\x82", [7]), (r"\xe2", [7]), (r"\n", [3]), (r"\\", [11]), (r"\x20", [2, 5]),
        ("é", [12]), ("nowhere", []), (" ", [2, 5]),
    ],
)  # fmt: skip
def test_a_query_finds_what_it_says(query: str, found: list[int]) -> None:
    assert ids(query) == found


def test_types_and_ends_narrow_what_is_found() -> None:
    assert ids(kinds=["control"]) == [0, 1]
    assert ids("s", kinds=["control"], ends_answer=True) == [1]
    assert ids("0-4", kinds=["byte", "normal"]) == [2, 3, 4]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("5-3", "write 3-5"), ("2000", "0 to 12"), ("4-13", "13 is beyond"),
        ("-5", "begin with 0"), ("3--1", "begin with 0"), ("3-", "two numbers"),
        (r"\xZZ", "no byte"), (r"\x4", "no byte"), (r"a\q", "no byte"), ("\\", "no byte"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_meant_gets_one_sentence(query: str, said: str) -> None:
    with pytest.raises(SearchError, match=said.replace("\\", "\\\\")):
        ids(query)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(SearchError, match="'odd'"):
        ids(kinds=["odd"])


@given(st.binary(max_size=12))
def test_what_is_seen_of_a_token_shows_every_character_and_moves_nothing(piece: bytes) -> None:
    shown = visible(piece)
    assert shown.isprintable()
    assert " " not in shown
    assert bool(shown) == bool(piece)


def test_white_space_and_halves_of_characters_are_seen() -> None:
    assert visible(" a\n\té".encode()) == "␣a↵⇥é"
    assert visible(b"\xe2\x82") == "\\xE2\\x82"
    assert visible("\u202e\u200b\x07".encode()) == "\\u202E\\u200B\\x07"


@given(st.binary(max_size=20))
def test_bytes_written_as_numbers_are_those_bytes(piece: bytes) -> None:
    assert unescaped("".join(f"\\x{byte:02X}" for byte in piece)) == piece
