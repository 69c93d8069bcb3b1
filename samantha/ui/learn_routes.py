"""What the Learn tab asks of the server: JSON over routes below /samantha/learn/, behind the page's guard.

`asked` and `told` make the routes of every part of the tab: a question is a GET, whatever changes something a POST.
Both name the browser's tab; a mistake is one sentence in the answer, `problem` or a `problem_key` of the page's texts.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from samantha.chain.record import Answer
from samantha.errors import SamanthaError, StoreError
from samantha.ui.controls import FieldError
from samantha.ui.learn_view import details
from samantha.ui.session import Session
from samantha.ui.workbench import Workbench

Sent = dict[str, Any]
Act = Callable[[Session, Mapping[str, Any]], Sent | None]
"""What a route does with the tab's session and what was sent; runs on a thread of its own, so it may take time."""

ROUTE = "/samantha/learn"


class NotThere(SamanthaError):
    """There is no such run, step, branch or token: answered with status 404."""


def asked(bench: Workbench, path: str, act: Act, route: str = ROUTE) -> Any:
    """The route of a question: `GET <route>/<path>?tab=…&…`; every value that was sent is a text."""
    from starlette.requests import Request
    from starlette.routing import Route

    async def answered(request: Request) -> Any:
        return await _answered(bench, act, dict(request.query_params))

    return Route(f"{route}/{path}", answered, methods=["GET"])


def told(bench: Workbench, path: str, act: Act, route: str = ROUTE) -> Any:
    """The route of a change: `POST <route>/<path>` with a JSON object that holds `tab`."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def answered(request: Request) -> Any:
        try:
            sent = msgspec.json.decode(await request.body(), type=dict[str, Any])
        except msgspec.MsgspecError:
            return JSONResponse({"problem": "What was sent is no JSON object: reload the page."}, 400)
        return await _answered(bench, act, sent)

    return Route(f"{route}/{path}", answered, methods=["POST"])


async def _answered(bench: Workbench, act: Act, sent: Mapping[str, Any]) -> Any:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    status, answer = await run_in_threadpool(_acted, bench, act, sent)
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(answer), status, headers, media_type="application/json")


def _acted(bench: Workbench, act: Act, sent: Mapping[str, Any]) -> tuple[int, Sent]:
    """Status and answer; numbers that JSON does not know are null in it."""
    try:
        session = bench.sessions.of(str(sent.get("tab", "")))
    except ValueError:
        return 400, FieldError("start", key="problem.gone").shown()
    try:
        return 200, act(session, sent) or {}
    except NotThere as error:
        return 404, {"problem": str(error)}
    except FieldError as error:
        return 400, error.shown()
    except SamanthaError as error:
        return 400, {"problem": str(error)}


def found(bench: Workbench, session: Session, sent: Mapping[str, Any]) -> tuple[Answer, int]:
    """The answer that `run`, `step` and `branch` name, of the tab's runs or a stored one, and `position` in it.

    Raises:
        NotThere: no such run, step, branch or token, or something that is no number.
    """
    run = str(sent.get("run", ""))
    try:
        step, branch, position = (int(sent.get(name, 0)) for name in ("step", "branch", "position"))
    except (TypeError, ValueError):
        raise NotThere("Step, branch and position must be whole numbers: choose a token of the page.") from None
    try:
        record = bench.record(session, run)
    except StoreError as error:
        raise NotThere(str(error)) from None
    answer = record.answers.get((step, branch))
    if answer is None:
        raise NotThere(f"Run {run} has no step {step} with a branch {branch}: choose an answer of the page.")
    if not 0 <= position < len(answer.tokens):
        count = len(answer.tokens)
        raise NotThere(f"The answer has {count} tokens and none at position {position}: choose a token of the page.")
    return answer, position


def learn_routes(bench: Workbench) -> list[Any]:
    """The routes of the tab's own parts, for FastAPI."""

    def token(session: Session, sent: Mapping[str, Any]) -> Sent:
        return details(*found(bench, session, sent))

    def open_run(session: Session, sent: Mapping[str, Any]) -> None:
        run = str(sent.get("run", ""))
        if not run:
            session.learning.close()
            return
        record = bench.record(session, run)
        if not any(answer.traced for answer in list(record.answers.values())):
            raise FieldError("start", key="learn.untraced_run", run=run)
        session.learning.open(record)

    changes: dict[str, Act] = {
        "speed": lambda session, sent: session.choose_speed(sent.get("speed")),
        "candidates": lambda session, sent: session.choose_candidates(sent.get("count")),
        "next": lambda session, sent: session.next_tokens(sent.get("tokens", 1)),
        "unlikely": lambda session, _: session.to_unlikely(),
        "stop": lambda session, _: session.stop(),
        "skip": lambda session, _: session.skip(),
        "adjust": lambda session, sent: session.adjust(_values(sent)),
        "open": open_run,
    }
    return [asked(bench, "token", token), *(told(bench, path, act) for path, act in changes.items())]


def _values(sent: Mapping[str, Any]) -> dict[str, Any]:
    values = sent.get("values")
    if not isinstance(values, dict) or not values:
        raise FieldError("settings", key="learn.no_values")
    return values
