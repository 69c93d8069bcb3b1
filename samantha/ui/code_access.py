"""What the page may ask of a tab's grants and of the code room: functions for the scripts, each named, each checked.

Every answer is plain JSON: the grants as they are now, or a `problem` beside them. What code is given is decided in
`grants.py`; these functions only pass on what a person clicked in the tab that they name.
"""

from collections.abc import Callable
from typing import Any

from samantha.errors import SamanthaError
from samantha.ui.components import named
from samantha.ui.controls import FieldError
from samantha.ui.grants import GrantError
from samantha.ui.session import Session
from samantha.ui.workbench import Workbench

Answer = dict[str, Any]


def functions(bench: Workbench) -> list[Callable[[Any], Any]]:
    """The functions of the access box, by the names that `static/access.js` calls."""

    def changing(change: Callable[..., Any]) -> Callable[..., Answer]:
        def changed(tab: str = "", *given: Any) -> Answer:
            return acted(bench, tab, lambda session: change(session, *given))

        return changed

    def check(tab: str = "") -> Answer:
        bench.code.look(again=True)
        return acted(bench, tab, lambda _: None)

    return [
        named("allow", changing(_allow)),
        named("take_back", changing(lambda session, path: session.grants.take_back(str(path)))),
        named("network", changing(lambda session, on: session.grants.network(bool(on)))),
        named("limit", changing(lambda session, name, value: session.grants.limit(str(name), value))),
        named("full", changing(lambda session, typed, keep: session.grants.full(str(typed), bool(keep)))),
        named("no_full", changing(lambda session: session.no_full_access())),
        named("check", check),
    ]


def _allow(session: Session, path: Any, write: Any = False) -> Answer:
    return {"allowed": str(session.grants.allow(str(path), bool(write)))}


def acted(bench: Workbench, tab: str, act: Callable[[Session], Any]) -> Answer:
    """What a change in a tab gives, or its problem, with the grants as they are then."""
    try:
        session = bench.sessions.of(str(tab))
    except ValueError:
        return FieldError("access", key="problem.gone").shown()
    answer: Answer = {}
    try:
        answer = act(session) or {}
    except (GrantError, FieldError) as error:
        answer = error.shown()
    except SamanthaError as error:
        answer = {"problem": str(error)}
    return answer | {"access": session.grants.shown() | bench.code.shown()}
