"""What is exported comes back: every byte, every number, in any reader of CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import events
from samantha.chain.record import Answer
from samantha.learning import export
from samantha.learning.score import Score, compare
from samantha.traces import ScoredToken, TokenTrace, VocabularyToken

from . import answers

PIECES = st.lists(st.binary(max_size=6), min_size=1, max_size=5)
AWKWARD = [
    "null", "NA", "nan", "None", "1e5", "007", "true", '"', "'", ",", "\n", "\r\n", "\t", " ", "", "é", "中", "\x00",
]  # fmt: skip


def pandas_read(text: str) -> Any:
    """As the documentation says."""
    return pandas.read_csv(io.StringIO(text), dtype={"text": str, "bytes": str}, keep_default_na=False, na_values=[""])


def exported(answer: Answer, form: str) -> str:
    return "".join(export.lines([answer], form))


@given(PIECES)
def test_bytes_come_back_from_every_format(pieces: list[bytes]) -> None:
    shown = answers.answer(*(answers.token(piece, b"x", b"y") for piece in pieces))
    from_lines = [json.loads(line)["bytes"] for line in exported(shown, "jsonl").splitlines()]
    from_table = list(pandas_read(exported(shown, "csv"))["bytes"])
    rows = list(csv.DictReader(io.StringIO(exported(shown, "candidates.csv"), newline="")))
    from_candidates = [row["bytes"] for row in rows if row["selected"] == "true" and row["stage"] == "0"]
    for read in (from_lines, from_table, from_candidates):
        assert [bytes.fromhex(cell.removeprefix("0x")) for cell in read] == pieces


@pytest.mark.parametrize("text", AWKWARD)
def test_no_reader_takes_a_token_for_something_else(text: str) -> None:
    shown = answers.answer(answers.token(text.encode(), b"other"))
    for form in ("csv", "candidates.csv"):
        table = pandas_read(exported(shown, form))
        assert bytes.fromhex(table["bytes"][0][2:]).decode() == text
        assert table["text"].dtype == table["bytes"].dtype
        if text.isprintable() and text.strip() and text:
            assert table["text"][0] == text


def test_numbers_come_back_exactly() -> None:
    shown = answers.answer(answers.token(b"b", b"a", b"c", number=1))
    (line,) = [json.loads(line) for line in exported(shown, "jsonl").splitlines()]
    table = pandas_read(exported(shown, "csv")).iloc[0]
    seen = shown.tokens[0].trace
    assert seen
    for row in (line, table):
        assert (row["logit"], row["probability"], row["rank"]) == (seen.logit, 0.25, 2)
        assert (row["surprisal"], row["entropy"], row["survivors"], row["final_probability"]) == (2.0, 1.75, 2, 1 / 3)
    assert line["changed"] == {"temperature": 0.5} == json.loads(table["changed"])
    assert [candidate["after"] for candidate in line["candidates"]] == [[2 / 3, 2 / 3], [1 / 3, 1 / 3], [None, None]]
    assert [sampler["name"] for sampler in line["samplers"]] == list(answers.NAMES)


def test_the_long_table_says_what_each_sampler_did() -> None:
    table = pandas_read(exported(answers.answer(answers.token(b"b", b"a", b"c", number=1)), "candidates.csv"))
    assert len(table) == 3 * 3
    assert list(table["sampler"].fillna("")) == ["", "top_k", "temperature"] * 3
    removed = table[table["probability"].isna()]
    assert set(removed["text"]) == {"c"}
    assert list(removed["stage"]) == [1, 2]
    kept = table[table["stage"] == 2].dropna()
    assert math.isclose(kept["probability"].sum(), 1)
    assert set(table[table["selected"]]["text"]) == {"b"}


def test_a_branch_holds_its_whole_answer_and_says_what_it_shares() -> None:
    record = answers.with_branch()
    table = pandas_read("".join(export.lines(record.answers.values(), "csv")))
    assert list(table["branch"]) == [0, 0, 1, 1, 1]
    assert list(table["position"]) == [0, 1, 0, 1, 2]
    assert list(table["shared"]) == [False, False, True, False, False]
    assert "".join(table[table["branch"] == 1]["text"]) == "One␣night␣fell"


def test_what_was_not_traced_has_empty_cells() -> None:
    shown = answers.answer(answers.token(b"a", traced=False))
    row = pandas_read(exported(shown, "csv")).iloc[0]
    assert row["text"] == "a"
    assert row[["forced", "logit", "probability", "rank", "surprisal", "entropy", "survivors"]].isna().all()
    assert exported(shown, "candidates.csv").count("\n") == 1
    assert json.loads(exported(shown, "jsonl"))["candidates"] == []


def test_an_impossible_token_is_infinitely_surprising_and_exported_as_unknown() -> None:
    seen = TokenTrace(2, None, 0.0, 1.0, (), ())
    shown = answers.answer(events.TokenGenerated(run="r1", step=1, id=1, piece=b"a", shown="a", trace=seen))
    row = json.loads(exported(shown, "jsonl"))
    assert (row["surprisal"], row["probability"], row["final_probability"]) == (None, 0.0, None)
    assert pandas_read(exported(shown, "csv")).isna().iloc[0]["surprisal"]


@pytest.mark.parametrize("sign", "=+-@")
def test_a_cell_is_never_a_formula_that_does_something(sign: str) -> None:
    shown = answers.answer(answers.token(f'{sign}HYPERLINK("x")'.encode()), answers.token(sign.encode()))
    harmful, harmless = csv.DictReader(io.StringIO(exported(shown, "csv")))
    assert harmful["text"] == f'\\x{ord(sign):02X}HYPERLINK("x")'
    assert bytes.fromhex(harmful["bytes"][2:]).decode() == f'{sign}HYPERLINK("x")'
    assert harmless["text"] == sign


@pytest.mark.parametrize("form", export.FORMATS)
def test_lines_come_before_the_next_answer_is_looked_at(form: str) -> None:
    def one_after_the_other() -> Iterator[Answer]:
        yield answers.answer(answers.token(b"a"))
        pytest.fail("it was read ahead")

    stream = export.lines(one_after_the_other(), form)
    assert all(next(stream).endswith("\n") for _ in range(1 if form == "jsonl" else 2))


def test_scores_and_their_comparison_are_rows() -> None:
    one = (ScoredToken(1, b"ab", None, None, None), ScoredToken(2, b"c", 3.0, 4, 2.5, ((7, b" \n", 0.5),)))
    other = (ScoredToken(1, b"a", None, None, None), ScoredToken(2, b"b", 1.0, 1, 2), ScoredToken(3, b"c", 1.0, 1, 2))
    a, b = Score("m", "abc", one), Score("n", "abc", other)
    last = [json.loads(export.json_line(row)) for row in export.score_rows(a, a.spans)][1]
    assert (last["begin"], last["end"], last["surprisal"], last["rank"], last["text"]) == (2, 3, 3.0, 4, "c")
    assert last["best"] == [{"id": 7, "text": "␣↵", "bytes": "0x200a", "probability": 0.5}]
    pieces = list(csv.DictReader(export.csv_lines(export.PieceRow, export.piece_rows(compare(a, b)))))
    assert [(piece["text"], piece["a"], piece["b"], piece["difference"]) for piece in pieces] == [
        ("ab", "", "", ""), ("c", "3.0", "1.0", "-2.0"),
    ]  # fmt: skip


def test_a_vocabulary_is_rows() -> None:
    row = export.vocabulary_row(VocabularyToken(5, b"\xff", "byte", False, -1.5))
    assert json.loads(export.json_line(row)) == {
        "id": 5, "text": "\\xFF", "bytes": "0xff", "kind": "byte", "ends_answer": False, "score": -1.5,
    }  # fmt: skip
