"""Answers, scores and vocabularies as rows: JSON lines with everything nested, CSV for tables. All of it streams.

The fields below are the documentation of the columns, and their names are stable. Probabilities are shares of 1;
surprisals and entropies are bits; None (an empty cell) stands for what is not known or infinite. What is not here:
where answers come from, and files.

`text` is for reading: white space and control characters are seen. `bytes` is exact: `0x` and two digits a byte, so
that no program takes it for a number; `bytes.fromhex(cell[2:])` gives it back. pandas reads such a CSV with

    pandas.read_csv(file, dtype={"text": str, "bytes": str}, keep_default_na=False, na_values=[""])

because a token may well be `null` or `NA`.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from samantha.chain.record import Answer, Seen
from samantha.hyperparameters import differences
from samantha.learning.score import Comparison, Score
from samantha.learning.score import surprisal as bits_of
from samantha.learning.vocabulary import visible
from samantha.traces import Candidate, ScoredToken, TokenTrace, VocabularyToken

FORMATS = ("jsonl", "csv", "candidates.csv")
"""A line of JSON for each token; a line of CSV for each token; one for each candidate and sampler."""


class SamplerRow(msgspec.Struct, frozen=True):
    """What one sampler left, and the probability that the chosen token then had (None: removed)."""

    name: str
    survivors: int
    entropy: float
    probability: float | None


class CandidateRow(msgspec.Struct, frozen=True):
    """A candidate in a line of JSON. `after` is its probability after each of the row's `samplers`, None: removed."""

    id: int
    text: str
    bytes: str
    logit: float | None
    probability: float
    rank: int
    selected: bool
    after: tuple[float | None, ...]


class TokenRow(msgspec.Struct, frozen=True):
    """A token of an answer. A CSV has all columns but `samplers` and `candidates`; `changed` is JSON there.

    `branch` is 0 for a step's first answer; `position` counts from 0 in the answer. `shared` says that the token stands
    in the answer that the branch leaves, too. `logit`, `probability`, `rank`, `surprisal` and `entropy` are before any
    sampler; `survivors` and `final_probability` after the last one. `changed` are the hyperparameters in force that
    differ from the defaults. Everything from `forced` to `final_probability` is None where nothing was traced.
    """

    run: str
    step: int
    branch: int
    model: str
    position: int
    shared: bool
    id: int
    text: str
    bytes: str
    forced: bool | None
    logit: float | None
    probability: float | None
    rank: int | None
    surprisal: float | None
    entropy: float | None
    survivors: int | None
    final_probability: float | None
    changed: dict[str, Any]
    samplers: tuple[SamplerRow, ...]
    candidates: tuple[CandidateRow, ...]


class CandidateStageRow(msgspec.Struct, frozen=True):
    """A candidate of a token after one stage, for tables in long form. Stage 0 is the model itself: no sampler yet.

    `id`, `text`, `bytes`, `logit` and `rank` are the candidate's; `selected` says that it was the one chosen. There is
    no `probability` from the stage on that removed it.
    """

    run: str
    step: int
    branch: int
    position: int
    shared: bool
    id: int
    text: str
    bytes: str
    logit: float | None
    rank: int
    selected: bool
    stage: int
    sampler: str
    probability: float | None


class ScoreRow(msgspec.Struct, frozen=True):
    """A token of a scored text. `begin` and `end` are bytes of the text, None where the tokens do not spell it.

    `best` (JSON only) are the likeliest candidates there.
    """

    model: str
    position: int
    begin: int | None
    end: int | None
    id: int
    text: str
    bytes: str
    surprisal: float | None
    rank: int | None
    entropy: float | None
    best: tuple["BestRow", ...]


class BestRow(msgspec.Struct, frozen=True):
    """A likely candidate at a token of a scored text."""

    id: int
    text: str
    bytes: str
    probability: float


class PieceRow(msgspec.Struct, frozen=True):
    """A piece of a text scored by two models, from byte `begin` to before `end`. `a` and `b` are bits.

    `difference` is b less a: above 0 where the second model is more surprised.
    """

    begin: int
    end: int
    text: str
    bytes: str
    a: float | None
    b: float | None
    difference: float | None


class VocabularyRow(msgspec.Struct, frozen=True):
    """A token of a vocabulary; see `samantha.traces.VocabularyToken`."""

    id: int
    text: str
    bytes: str
    kind: str
    ends_answer: bool
    score: float


Row = TokenRow | CandidateStageRow | ScoreRow | PieceRow | VocabularyRow
NESTED = frozenset({"samplers", "candidates", "best"})
"""Fields that a CSV leaves out."""


def lines(answers: Iterable[Answer], form: str) -> Iterator[str]:
    """Whole answers in one of `FORMATS`, line by line with the line breaks; each answer's tokens in order."""
    if form == "candidates.csv":
        yield from csv_lines(CandidateStageRow, (row for answer in answers for row in candidate_rows(answer)))
        return
    rows = (row for answer in answers for row in token_rows(answer))
    yield from csv_lines(TokenRow, rows) if form == "csv" else map(json_line, rows)


def token_rows(answer: Answer) -> Iterator[TokenRow]:
    """All tokens of an answer; a branch's begin with those that it shares."""
    return (token_row(answer, position) for position in range(len(answer.tokens)))


def token_row(answer: Answer, position: int) -> TokenRow:
    """One token of an answer."""
    token = answer.tokens[position]
    trace = token.trace
    last = trace.stages[-1].survivors if trace and trace.stages else None
    samplers = _samplers(token, trace) if trace else ()
    return TokenRow(
        run=answer.run, step=answer.step, branch=answer.branch, model=answer.model, position=position,
        shared=position < answer.position, id=token.id, text=visible(token.piece), bytes=_hex(token.piece),
        forced=trace.forced if trace else None, logit=trace.logit if trace else None,
        probability=trace.probability if trace else None, rank=trace.rank if trace else None,
        surprisal=_finite(trace.surprisal) if trace else None, entropy=trace.entropy if trace else None,
        survivors=last, final_probability=samplers[-1].probability if samplers else None,
        changed=_changed(answer, position), samplers=samplers,
        candidates=tuple(_candidate(one, one.id == token.id) for one in trace.candidates) if trace else (),
    )  # fmt: skip


def candidate_rows(answer: Answer) -> Iterator[CandidateStageRow]:
    """Each candidate of each token before any sampler and after each one; nothing for untraced tokens."""
    for position, token in enumerate(answer.tokens):
        if token.trace:
            yield from candidate_stage_rows(answer, position, token, token.trace)


def candidate_stage_rows(
    answer: Answer, position: int, token: Seen, trace: TokenTrace
) -> Iterator[CandidateStageRow]:
    """Each candidate of one token before any sampler and after each one."""
    names = ("", *(stage.name for stage in trace.stages))
    for one in trace.candidates:
        for stage, (name, probability) in enumerate(zip(names, (one.probability, *one.after), strict=True)):
            yield CandidateStageRow(
                run=answer.run, step=answer.step, branch=answer.branch, position=position,
                shared=position < answer.position, id=one.id, text=visible(one.piece), bytes=_hex(one.piece),
                logit=one.logit, rank=one.rank, selected=one.id == token.id, stage=stage, sampler=name,
                probability=probability,
            )  # fmt: skip


def score_rows(score: Score, spans: Sequence[tuple[int, int]] | None) -> Iterator[ScoreRow]:
    """The tokens of a scored text. `spans` are the score's own, None where its tokens do not spell the text."""
    for position, token in enumerate(score.tokens):
        begin, end = spans[position] if spans else (None, None)
        yield score_row(score.model, position, token, begin, end)


def score_row(
    model: str, position: int, token: ScoredToken, begin: int | None = None, end: int | None = None
) -> ScoreRow:
    """One token of a scored text."""
    surprisal = bits_of(token)
    return ScoreRow(
        model, position, begin, end, token.id, visible(token.piece), _hex(token.piece),
        None if surprisal is None else _finite(surprisal), token.rank, token.entropy,
        tuple(BestRow(number, visible(piece), _hex(piece), probability) for number, piece, probability in token.best),
    )  # fmt: skip


def piece_rows(comparison: Comparison) -> Iterator[PieceRow]:
    """Where two models differ on one text, piece by piece."""
    for piece in comparison.pieces:
        bits = [None if value is None else _finite(value) for value in (piece.a, piece.b, piece.difference)]
        yield PieceRow(piece.begin, piece.end, visible(piece.text), _hex(piece.text), *bits)


def vocabulary_row(token: VocabularyToken) -> VocabularyRow:
    """One token of a vocabulary."""
    return VocabularyRow(
        token.id, visible(token.piece), _hex(token.piece), token.kind, token.ends_answer, token.score
    )


def json_line(row: Row) -> str:
    """A row as one line of JSON, with its line break."""
    return msgspec.json.encode(row).decode() + "\n"


def csv_lines(kind: type[Row], rows: Iterable[Row]) -> Iterator[str]:
    """The line of names, and one line for each row. RFC 4180, but for plain line breaks at the ends."""
    yield csv_line(columns(kind))
    names = columns(kind)
    for row in rows:
        yield csv_line([_cell(getattr(row, name)) for name in names])


def columns(kind: type[Row]) -> list[str]:
    """The columns of a CSV of such rows."""
    return [name for name in kind.__struct_fields__ if name not in NESTED]


def csv_line(cells: Sequence[str]) -> str:
    """One line of CSV, with its line break."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode() if value else ""
    return _no_formula(value) if isinstance(value, str) else str(value)


def _no_formula(text: str) -> str:
    r"""A spreadsheet computes cells that begin like a formula, and a model's maker chooses its tokens' texts.

    What could do more than fail begins with \xNN instead, as bytes do that are no character.
    """
    if text[:1] in ("=", "+", "-", "@") and any(sign in text for sign in "(|!"):
        return f"\\x{ord(text[0]):02X}{text[1:]}"
    return text


def _samplers(token: Seen, trace: TokenTrace) -> tuple[SamplerRow, ...]:
    chosen = next((one.after for one in trace.candidates if one.id == token.id), ())
    after = (*chosen, *[None] * len(trace.stages))
    return tuple(
        SamplerRow(stage.name, stage.survivors, stage.entropy, after[place])
        for place, stage in enumerate(trace.stages)
    )


def _candidate(one: Candidate, selected: bool) -> CandidateRow:
    return CandidateRow(
        one.id, visible(one.piece), _hex(one.piece), one.logit, one.probability, one.rank, selected, one.after
    )


def _changed(answer: Answer, position: int) -> dict[str, Any]:
    """What was in force there and differs from the defaults; the seed always differs and says nothing."""
    values = differences(answer.values(position))
    values.pop("seed", None)
    return values


def _hex(piece: bytes) -> str:
    return f"0x{piece.hex()}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
