"""Pictures are drawn of any answer, whatever its tokens hold."""

import io
from pathlib import Path

import numpy
import pytest
from PIL import Image

from samantha.errors import ChainError
from samantha.learning import pictures

from . import answers


def pixels(picture: bytes) -> numpy.ndarray:
    return numpy.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def share_of(picture: bytes, colour: str) -> float:
    """How much of a picture has that colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return float((pixels(picture) == wanted).all(axis=-1).mean())


def test_an_answer_shows_likely_and_unlikely_tokens_in_different_ways() -> None:
    likely = answers.answer(*[answers.token(b"a", b"b") for _ in range(8)])
    mixed = answers.answer(*[answers.token(b"a", b"b", number=number) for number in (0, 1) * 4])
    unlikely_only_in_legend = share_of(pictures.answer(likely), pictures.UNLIKELY)
    assert share_of(pictures.answer(mixed), pictures.UNLIKELY) > 5 * unlikely_only_in_legend
    assert share_of(pictures.answer(likely), pictures.LIKELY) > share_of(pictures.answer(mixed), pictures.LIKELY)


def test_a_choice_names_every_sampler_and_what_it_removed() -> None:
    token = answers.answer(answers.token(b"b", b"a", b"c", number=1)).tokens[0]
    drawn = pictures.choice(token, "svg").decode()
    for text in ("the model", "top_k", "temperature", "▶ b", "out", "66.7 %", "25.0 %", "survivors"):
        assert f"<!-- {text} -->" in drawn, text


@pytest.mark.parametrize(
    "piece", [b"$x_{1$", b"\\frac", b"$", b"\xff\x00", "中文".encode(), b"", b"x" * 300, b"<!-- -->"]
)
def test_any_token_can_be_drawn(piece: bytes, recwarn: pytest.WarningsRecorder) -> None:
    shown = answers.answer(answers.token(piece, b"other"))
    for picture in (pictures.answer(shown), pictures.choice(shown.tokens[0])):
        assert pixels(picture).shape[2] == 3
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_what_no_font_can_write_is_named_by_its_number() -> None:
    assert pictures._writable("a\U0001f9ff") in ("a\U0001f9ff", "a\\u1F9FF")
    assert pictures._writable("a\U000f0000") == "a\\uF0000"


def test_a_long_answer_keeps_a_size_that_can_be_looked_at() -> None:
    token = answers.token(b"a", b"b")
    height, width, _ = pixels(pictures.answer(answers.answer(*[token] * 5000))).shape
    assert width <= 1600
    assert height <= 500


def test_what_was_not_traced_cannot_be_drawn() -> None:
    shown = answers.answer(answers.token(b"a", traced=False))
    with pytest.raises(ChainError, match="not traced"):
        pictures.answer(shown)
    with pytest.raises(ChainError, match="not traced"):
        pictures.choice(shown.tokens[0])


def test_the_same_picture_is_the_same_bytes() -> None:
    shown = answers.answer(answers.token(b"a", b"b"))
    assert pictures.answer(shown) == pictures.answer(shown)


def test_a_name_that_asks_for_no_picture_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match=r"name it \.png or \.svg"):
        pictures.form_of(Path("a.gif"))
    with pytest.raises(ChainError, match="cannot be written"):
        pictures.save(b"", tmp_path / "none" / "a.png")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "100 %"), (0.9996, "100 %"), (0.99, "99.0 %"), (0.0031, "0.31 %"), (1e-9, "<0.01 %"), (0.0, "0 %")],
)
def test_shares_have_digits_that_say_something(value: float, text: str) -> None:
    assert pictures.share(value) == text
