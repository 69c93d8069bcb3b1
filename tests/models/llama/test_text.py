"""Visible text: characters that span tokens and stop strings, whatever way the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from samantha.models.llama.text import TextStream


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(data[start : start + size])
        start += size
    return [*pieces, data[start:]]


def played(stops: list[str], pieces: list[bytes]) -> tuple[str, list[str], TextStream]:
    stream = TextStream(stops)
    shown = []
    for piece in pieces:
        shown.append(stream.feed(piece))
        if stream.stopped:
            break
    return "".join(shown) + stream.finish(), shown, stream


@given(st.text(), st.lists(st.integers(0, 5), max_size=40))
def test_text_without_stops_arrives_whole_however_it_is_cut(text: str, sizes: list[int]) -> None:
    assert played([], cut(text.encode(), sizes))[0] == text


@given(st.text("abE", max_size=30), st.lists(st.text("abE", min_size=1, max_size=4), min_size=1, max_size=3),
       st.lists(st.integers(0, 3), max_size=40))
def test_text_ends_before_the_first_stop_that_completes(text: str, stops: list[str], sizes: list[int]) -> None:
    whole, _, stream = played(stops, cut(text.encode(), sizes))
    assert all(stop not in whole for stop in stops)
    assert text.startswith(whole)
    assert stream.stopped == any(stop in text for stop in stops)
    if not stream.stopped:
        assert whole == text


@given(st.text("abE", max_size=30), st.text("abE", min_size=2, max_size=4))
def test_a_stop_string_is_never_shown_half(text: str, stop: str) -> None:
    _, shown, stream = played([stop], cut(text.encode(), [1] * len(text)))
    if stream.stopped:
        position = text.index(stop)
        assert "".join(shown) == text[:position]


def test_a_broken_character_at_the_end_is_shown_as_one_mark() -> None:
    stream = TextStream([])
    assert stream.feed("é".encode()[:1]) == ""
    assert stream.finish() == "\ufffd"
