"""Server-sent events: however the bytes are cut, the same events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha.errors import EndpointError
from samantha.models.endpoints.logprobs import NO_ID, chosen
from samantha.models.endpoints.openai import aligned
from samantha.models.endpoints.stream import EventStream

lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=20)


@given(
    st.lists(st.tuples(st.sampled_from(["", "message", "error"]), st.lists(lines, min_size=1, max_size=3))), st.data()
)
def test_events_come_out_as_they_went_in_however_they_are_cut(
    events: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    ending = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = ""
    for name, parts in events:
        text += f"event: {name}{ending}" if name else f": a comment{ending}"
        text += "".join(f"data: {part}{ending}" for part in parts) + ending
    encoded = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=8)))
    stream, found = EventStream(), []
    for begin, end in zip([0, *cuts], [*cuts, len(encoded)], strict=True):
        found += stream.feed(encoded[begin:end])
    found += stream.finish()
    assert found == [(name, "\n".join(parts)) for name, parts in events]


def test_the_last_event_counts_without_its_blank_line() -> None:
    stream = EventStream()
    assert stream.feed(b"data: 1\n\ndata: 2") == [("", "1")]
    assert stream.finish() == [("", "2")]


def test_a_line_without_end_is_refused() -> None:
    stream = EventStream()
    for _ in range(32):
        stream.feed(b"x" * (1 << 17))
    with pytest.raises(EndpointError, match="without end"):
        stream.feed(b"x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats(allow_nan=True) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "content",
                    "tokens",
                    "token",
                    "logprob",
                    "bytes",
                    "top_logprobs",
                    "token_logprobs",
                    "id",
                    "text_offset",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_no_form_of_probabilities_makes_an_answer_fail(value: object) -> None:
    for token in chosen(value):
        assert token.id >= NO_ID
        if token.trace is not None:
            assert 0 <= token.trace.probability <= 1
            assert token.trace.rank >= 1


@given(st.text(max_size=10), st.lists(st.text(max_size=4), max_size=4))
def test_tokens_show_together_exactly_the_text(text: str, pieces: list[str]) -> None:
    tokens = chosen({"content": [{"token": piece, "logprob": -0.5} for piece in pieces]})
    assert "".join(part.text for part in aligned(text, tokens)) == text  # type: ignore[union-attr]


def test_candidates_without_ids_are_told_apart_and_the_chosen_one_is_found() -> None:
    top = [{"token": piece, "logprob": number} for piece, number in (("a", -0.1), ("b", -2.5), ("c", -4.0))]
    (token,) = chosen({"content": [{"token": "b", "logprob": -2.5, "top_logprobs": top}]})
    assert token.trace is not None
    ids = [candidate.id for candidate in token.trace.candidates]
    assert (len(set(ids)), ids[1], token.id) == (3, NO_ID, NO_ID)
    assert all(number < 0 for number in ids)


def test_a_chosen_token_below_the_likeliest_ones_is_listed_last() -> None:
    (token,) = chosen(
        {"content": [{"token": "c", "logprob": -3.0, "id": 9, "top_logprobs": [
            {"token": "a", "logprob": -0.1, "id": 1}, {"token": "b", "logprob": -2.5, "id": 2}]}]}
    )  # fmt: skip
    assert token.trace is not None
    assert token.trace.rank == 3
    assert [candidate.id for candidate in token.trace.candidates] == [1, 2, 9]
    assert token.trace.ids == b""
