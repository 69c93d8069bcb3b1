"""Begins branches for the page: in the step in progress, or of a run that has ended. No Gradio, no HTTP.

What is read of the page is checked here once; what of it a branch may change is the engine's to say. How branches are
shown is in `branch_view.py`.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from samantha.chain.record import Answer
from samantha.errors import SessionBusy
from samantha.events import Event
from samantha.hyperparameters import KNOBS, LOADING
from samantha.models.model import ModelSource
from samantha.runs.store import RunStore
from samantha.ui.controls import FieldError
from samantha.ui.session import RunningChain, Session

LARGEST_ID = 2**31 - 1


class Wish(msgspec.Struct, frozen=True):
    """Where a branch is to begin, with which token (None: chosen anew), and what of the settings is to differ there."""

    run: str
    step: int
    branch: int
    position: int
    token: int | None = None
    changes: dict[str, Any] = {}


def wish(sent: Mapping[str, Any]) -> Wish:
    """What the page sent, as a wish.

    Raises:
        FieldError: something is no number, or the token is no vocabulary id.
    """
    token = sent.get("token")
    if token is not None and (not isinstance(token, int) or isinstance(token, bool) or not 0 <= token <= LARGEST_ID):
        raise FieldError("start", key="branches.bad_id", id=str(token)[:40])
    try:
        return msgspec.convert(dict(sent), Wish)
    except msgspec.ValidationError:
        raise FieldError("start", key="branches.bad_place") from None


def overrides(parent: Answer, wished: Wish) -> dict[str, Any]:
    """The settings of a branch: those that its first token was chosen with, and what is to differ.

    All are named, because a step in progress may have others in force by now. Where nothing is forced, the seed is a
    new one unless the user gave one: to generate again would else give the same once more.
    """
    values = parent.values(wished.position)
    in_force = {name: getattr(values, name) for name in KNOBS if name not in LOADING}
    if wished.token is None:
        in_force["seed"] = random.SystemRandom().randrange(2**32 - 1)
    return in_force | wished.changes


def begin(session: Session, store: RunStore, models: ModelSource, parent: Answer, wished: Wish) -> None:
    """Begin a branch of `parent`, which `wished` names. The session's thread reads it.

    Raises:
        SessionBusy: another run is active in the tab.
        ChainError, StoreError: it cannot begin; nothing has changed.
    """
    chosen = overrides(parent, wished)
    if session.run is None:
        session.follow(lambda: added(store, models, wished, chosen, session.learning.candidates))
    elif session.run.id == wished.run:
        session.branch(wished.step, wished.branch, wished.position, wished.token, chosen)
    else:
        raise SessionBusy("Another run is active in this tab: wait for its end, or stop it, and branch this one then.")


def added(
    store: RunStore, models: ModelSource, wished: Wish, chosen: Mapping[str, Any], trace: int
) -> tuple[RunningChain, Iterator[Event]]:
    """A branch that is added to the record of a run that has ended, and its events as they are recorded.

    Args:
        chosen: the settings of the branch, see `overrides`.
        trace: how many candidates are recorded of each choice.

    Raises:
        ChainError, StoreError: it cannot begin.
    """
    from samantha.chain import branches

    branching = branches.branch(
        store.events(wished.run), models, step=wished.step, parent=wished.branch, position=wished.position,
        token=wished.token, overrides=chosen, trace=trace,
    )  # fmt: skip
    return branching, store.extend(branching)
