"""Answers made of hand-made events, for tests of what is shown and exported."""

import math

from samantha import events
from samantha.chain.record import Answer, Record
from samantha.traces import Candidate, Rest, Stage, TokenTrace

NAMES = ("top_k", "temperature")


def trace(chosen: int, *pieces: bytes, forced: bool = False) -> TokenTrace:
    """Candidates of halving probability: 1/2, 1/4 … ; top_k keeps two, and temperature leaves them as they are."""
    probabilities = [0.5 ** (place + 1) for place in range(len(pieces))]
    candidates = tuple(
        Candidate(
            place, piece, -place * math.log(2), probabilities[place], place + 1,
            (2 / 3, 2 / 3) if place == 0 else (1 / 3, 1 / 3) if place == 1 else (None, None),
        )
        for place, piece in enumerate(pieces)
    )  # fmt: skip
    stages = tuple(Stage(name, 2, 0.918) for name in NAMES)
    return TokenTrace(
        chosen + 1, -chosen * math.log(2), probabilities[chosen], 1.75, stages, candidates, rest=Rest(0), forced=forced
    )


def token(piece: bytes, *others: bytes, number: int = 0, branch: int = 0, traced: bool = True) -> events.TokenGenerated:
    pieces = [*others[:number], piece, *others[number:]]
    seen = trace(number, *pieces) if traced else None
    return events.TokenGenerated(
        run="r1", step=1, id=number, piece=piece, shown=piece.decode(errors="replace"), branch=branch, trace=seen
    )


def started(step: int = 1, **changed: object) -> events.StepStarted:
    return events.StepStarted(
        run="r1", step=step, model="tiny", prompt="Say", rendered="user: Say", seed=3, changed=changed
    )


def record(*following: events.Event) -> Record:
    return Record.of([events.RunStarted(run="r1", seed=1, chain={}), *following])


def answer(*tokens: events.TokenGenerated) -> Answer:
    return record(started(temperature=0.5), *tokens).answers[1, 0]


def with_branch() -> Record:
    """Two tokens; branch 1 shares the first, forces another second, and goes on."""
    return record(
        started(),
        token(b"One", b"Two"), token(b" day", b" night"),
        events.StepFinished(run="r1", step=1, text="One day", reason="max_tokens", tokens=2),
        events.BranchStarted(run="r1", step=1, branch=1, position=1, token=1, text="One", model="tiny", seed=4),
        token(b" night", b" day", number=1, branch=1), token(b" fell", b" came", b" was", branch=1),
        events.StepFinished(run="r1", step=1, text="One night fell", reason="end", branch=1, tokens=2),
    )  # fmt: skip
