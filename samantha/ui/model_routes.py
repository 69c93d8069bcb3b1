"""What the Learn tab asks about models: their metadata and vocabulary, how they cut a text, how they see one.

JSON below /samantha/learn/, made by `learn_routes.asked` and `told`. Answers about a task say how far it is; the page
asks again until it is over. What is not here: the work itself (`model_desk.py`, `samantha/learning/`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from samantha.chain.chain import Chain
from samantha.errors import ScoreError, SearchError
from samantha.learning.score import Comparison, Piece, Score
from samantha.learning.vocabulary import search, visible
from samantha.models import gguf, library
from samantha.models.gguf_checks import Items
from samantha.models.remote import parts_of
from samantha.traces import ScoredToken, VocabularyToken
from samantha.ui.learn_routes import Act, NotThere, asked, told
from samantha.ui.model_desk import (
    ModelDesk,
    PromptTask,
    ScoreTask,
    Task,
    TokensTask,
    VocabularyTask,
)
from samantha.ui.session import Session
from samantha.ui.workbench import Workbench

AT_ONCE = 0.3
"""Seconds that an answer waits for a task before it says that it goes on: most are over by then."""

LONGEST = 100_000
"""Characters of a text that the page scores or cuts: as many as it still draws without effort."""

LONGEST_QUERY = 200

ROWS = 100
"""Tokens of a vocabulary in one answer."""

BIGGEST = 20
"""Differences that are listed."""

LONGEST_VALUE = 4000
"""Characters of a value of the metadata; the chat template comes whole."""

TEMPLATE = "tokenizer.chat_template"

Sent = Mapping[str, Any]
Reply = dict[str, Any]
Kind = TypeVar("Kind", bound=Task)


def model_routes(bench: Workbench) -> list[Any]:
    """The routes, for FastAPI."""
    desks = bench.desks

    def score_begin(session: Session, sent: Sent) -> Reply:
        names = [str(name).strip() for name in _list(sent, "models") if str(name).strip()][:2]
        if not names:
            raise ScoreError("No model is chosen: choose one to score the text with.")
        task = desks.of(session).begin(ScoreTask, _text(sent), names)
        return {"number": task.number}

    def score_state(session: Session, sent: Sent) -> Reply:
        task = desks.of(session).newest(ScoreTask)
        if not isinstance(task, ScoreTask):
            return {}
        same = _number(sent, "number") == task.number
        found = _scored(task, [_number(sent, name) if same else 0 for name in ("first", "second")])
        return found if same else found | {"text": task.text}

    def score_token(session: Session, sent: Sent) -> Reply:
        return _best(_task(desks.of(session), ScoreTask), _number(sent, "side"), _number(sent, "place"))

    def score_stop(session: Session, _: Sent) -> None:
        task = desks.of(session).newest(ScoreTask)
        if task:
            task.stop()

    def answer(session: Session, sent: Sent) -> Reply:
        record = bench.record(session, str(sent.get("run", "")))
        found = record.answers.get((_number(sent, "step"), _number(sent, "branch")))
        if found is None:
            raise NotThere("There is no such answer any more: select one.")
        return {"text": found.rendered + found.shown(), "model": found.model}

    def prompt(session: Session, _: Sent) -> Reply:
        task = _task(desks.of(session), PromptTask)
        task.wait(AT_ONCE)
        return _state(task) | {"text": task.text, "notices": task.notices}

    changes: dict[str, Act] = {"score/begin": score_begin, "score/stop": score_stop}
    changes["tokenize"] = lambda session, sent: tokenized(desks.of(session), sent)
    questions: dict[str, Act] = {
        "score/state": score_state, "score/token": score_token, "score/answer": answer, "score/prompt": prompt,
        "models": lambda *_: {"models": bench.choices()}, "metadata": lambda _, sent: metadata(_name(sent)),
        "vocabulary": lambda session, sent: vocabulary(desks.of(session), sent),
    }  # fmt: skip
    return [*(told(bench, *one) for one in changes.items()), *(asked(bench, *one) for one in questions.items())]


def begin_prompt(desk: ModelDesk, chain: Chain) -> Reply:
    """Begin to render the first prompt of a chain; `score/prompt` tells when it is there."""
    return {"number": desk.begin(PromptTask, chain).number}


def metadata(name: str) -> Reply:
    """What the head of a model's file says.

    Raises:
        ModelError: no such model, or a file that cannot be read.
    """
    path = library.find(name).path
    head = gguf.read(path)
    parts = [part for part in parts_of(path) if part.is_file()] or [path]
    tokens = head.metadata.get("tokenizer.ggml.tokens")
    return {
        "name": name, "title": head.name, "file": path.name, "folder": str(path.parent), "parts": len(parts),
        "size": sum(part.stat().st_size for part in parts), "architecture": head.architecture,
        "parameters": head.parameters, "quantization": head.quantization, "tensors": head.tensors,
        "version": head.version, "n_ctx_train": head.n_ctx_train, "n_vocab": int(tokens or 0),
        "template": str(head.metadata.get(TEMPLATE, "")), "hash": gguf.sampled_hash(path),
        "rows": [_row(key, value) for key, value in sorted(head.metadata.items())],
    }  # fmt: skip


def _row(key: str, value: Any) -> Reply:
    """One key: its value as text, cut where it is very long; `items` where it is an array, which heads do not keep."""
    if isinstance(value, Items):
        return {"key": key, "items": int(value)}
    shown = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return {"key": key, "value": shown[:LONGEST_VALUE], "cut": max(0, len(shown) - LONGEST_VALUE)}


def vocabulary(desk: ModelDesk, sent: Sent) -> Reply:
    """A page of the tokens that fit a search, or how far the vocabulary is on its way.

    Raises:
        SearchError: a search that cannot be understood.
        ModelError: the model cannot be found, loaded or asked.
    """
    name, query = _name(sent), str(sent.get("query", ""))
    if len(query) > LONGEST_QUERY:
        raise SearchError(f"A search has at most {LONGEST_QUERY} characters; this one has {len(query):,}.")
    kept = desk.shelf.get(name)
    if kept is None:
        task = _begun(desk, name)
        kept = desk.shelf.get(name) if task.wait(AT_ONCE) and task.phase == "done" else None
        if kept is None:
            return _state(task)
    kind = str(sent.get("kind", ""))
    found = search(kept, query, [kind] if kind else [], str(sent.get("ends", "")) == "1")
    first = min(_number(sent, "from"), max(0, (len(found) - 1) // ROWS * ROWS))
    return {
        "phase": "done", "size": len(kept), "found": len(found), "from": first, "rows": [
            _listed(token) for token in found[first : first + ROWS]
        ], "kinds": dict(Counter(token.kind for token in kept)),
        "ends": sum(token.ends_answer for token in kept),
    }  # fmt: skip


def _begun(desk: ModelDesk, name: str) -> VocabularyTask:
    """The task that fetches the vocabulary, the one that is at it already where there is one."""
    task = desk.newest(VocabularyTask)
    if isinstance(task, VocabularyTask) and task.name == name and not task.told:
        return task
    begun = desk.begin(VocabularyTask, name, desk.shelf)
    assert isinstance(begun, VocabularyTask)
    return begun


def tokenized(desk: ModelDesk, sent: Sent) -> Reply:
    """How a model's tokenizer cuts a text, or how far that is; asking for the same again does not begin anew."""
    name, text = _name(sent), _text(sent)
    task = desk.newest(TokensTask)
    if not isinstance(task, TokensTask) or (task.name, task.text) != (name, text) or task.told:
        task = desk.begin(TokensTask, name, text)
    assert isinstance(task, TokensTask)
    if not task.wait(AT_ONCE) or task.phase != "done":
        return _state(task)
    tokens = [[number, visible(piece), piece.hex(" ")] for number, piece in task.tokens]
    return {"phase": "done", "tokens": tokens, "bytes": len(text.encode()), "characters": len(text)}


def _listed(token: VocabularyToken) -> list[Any]:
    return [
        token.id, visible(token.piece), token.kind, token.ends_answer, token.score, token.piece.hex(" "),
    ]  # fmt: skip


def _state(task: Task) -> Reply:
    phase = task.phase
    task.told = phase in ("done", "stopped", "failed")
    state = {
        "number": task.number, "phase": phase, "model": task.model, "share": task.share, "done": task.done,
        "total": task.total,
    }  # fmt: skip
    return state | ({"problem": task.problem} if phase == "failed" else {})


def _scored(task: ScoreTask, have: Sequence[int]) -> Reply:
    """How far a scoring is, with the tokens that the page does not have yet, and totals once there are any."""
    ended = task.ended
    sides = []
    for place, name in enumerate(task.names):
        begin, tokens = have[place], task.tokens[place]
        score = task.scores[place] if place < len(task.scores) else None
        sides.append({
            "model": name, "from": begin, "tokens": [_token(token) for token in tokens[begin:]],
            "totals": _totals(score) if score else None,
        })  # fmt: skip
    compared = {"comparison": _compared(task.comparison)} if ended and task.comparison else {}
    return _state(task) | {"ended": ended, "sides": sides} | compared


def _token(token: ScoredToken) -> list[Any]:
    return [token.id, visible(token.piece), token.surprisal, token.rank, token.entropy]


def _totals(score: Score) -> Reply:
    return {
        "tokens": len(score.tokens), "scored": len(score.scored), "bits": score.bits, "mean": score.mean,
        "perplexity": score.perplexity, "per_byte": score.bits_per_byte, "per_character": score.bits_per_character,
        "complete": score.complete, "surprising": [place for place, _ in score.most_surprising(10)],
    }  # fmt: skip


def _compared(comparison: Comparison) -> Reply:
    pieces = comparison.pieces
    places = {id(piece): place for place, piece in enumerate(pieces)}
    return {
        "pieces": [_piece(piece) for piece in pieces], "bits": list(comparison.bits), "bytes": comparison.bytes,
        "biggest": [places[id(piece)] for piece in comparison.biggest(BIGGEST)],
    }  # fmt: skip


def _piece(piece: Piece) -> list[Any]:
    return [visible(piece.text), piece.a, piece.b, piece.difference, piece.tokens_a[0], piece.tokens_b[0]]


def _best(task: ScoreTask, side: int, place: int) -> Reply:
    if side >= len(task.tokens) or place >= len(task.tokens[side]):
        raise NotThere("There is no such token any more: the text was scored anew.")
    best = task.tokens[side][place].best
    return {"best": [[number, visible(piece), share] for number, piece, share in best]}


def _task(desk: ModelDesk, kind: type[Kind]) -> Kind:
    task = desk.newest(kind)
    if not isinstance(task, kind):
        raise NotThere("Nothing was asked of a model here yet.")
    return task


def _name(sent: Sent) -> str:
    return str(sent.get("model", "")).strip() or library.TINY


def _text(sent: Sent) -> str:
    text = str(sent.get("text", ""))
    if not text:
        raise ScoreError("There is no text: write or paste some.")
    if len(text) > LONGEST:
        raise ScoreError(
            f"The text has {len(text):,} characters; the page takes {LONGEST:,}. `samantha score` takes longer ones."
        )
    return text


def _list(sent: Sent, name: str) -> list[Any]:
    found = sent.get(name)
    return found if isinstance(found, list) else []


def _number(sent: Sent, name: str) -> int:
    """A number from 0 on; 0 where something else was sent."""
    text = str(sent.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
