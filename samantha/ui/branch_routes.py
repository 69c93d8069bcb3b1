"""What the page asks about branches, what-if and export: routes below /samantha/learn/. What they mean is elsewhere.

`branch` begins a branch, `branches` gives the tree of a step, `compare` two of its answers side by side, `what-if` how
a recorded choice would have changed, `export` an answer as a file.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from samantha.chain.record import Answer, Record
from samantha.errors import SamanthaError, StoreError
from samantha.hyperparameters import KNOBS
from samantha.learning import export
from samantha.ui import branch_view, branching, what_if_view
from samantha.ui.controls import FieldError
from samantha.ui.learn_routes import ROUTE, NotThere, Sent, asked, found, told
from samantha.ui.session import Session
from samantha.ui.workbench import Workbench


def branch_routes(bench: Workbench) -> list[Any]:
    """The routes, for FastAPI."""

    def branch(session: Session, sent: Mapping[str, Any]) -> None:
        wished = branching.wish(sent)
        parent = _record(bench, session, wished.run)
        bench.branch(session, branch_view.answer_of(parent, wished.step, wished.branch), wished)

    def tree(session: Session, sent: Mapping[str, Any]) -> Sent:
        record = _record(bench, session, str(sent.get("run", "")))
        answer, position = found(bench, session, sent)
        values = answer.values(position)
        shown = {name: getattr(values, name) for name in KNOBS if KNOBS[name].type in (int, float) and name != "seed"}
        problem = session.learning.problem
        return {"tree": branch_view.tree(record, answer.step), "values": msgspec.to_builtins(shown), "failed": problem}

    def compare(session: Session, sent: Mapping[str, Any]) -> Sent:
        record = _record(bench, session, str(sent.get("run", "")))
        step, left, right = (_whole(sent.get(name)) for name in ("step", "branch", "other"))
        return branch_view.compared(
            branch_view.answer_of(record, step, left), branch_view.answer_of(record, step, right)
        )

    def otherwise(session: Session, sent: Mapping[str, Any]) -> Sent:
        answer, position = found(bench, session, sent)
        changes = sent.get("changes") or {}
        if not isinstance(changes, dict):
            raise FieldError("settings", key="learn.no_values")
        return what_if_view.shown(answer, position, changes)

    return [
        told(bench, "branch", branch),
        asked(bench, "branches", tree),
        asked(bench, "compare", compare),
        told(bench, "what-if", otherwise),
        _export(bench),
    ]


FORMS = {
    "csv": ("csv", "text/csv"), "candidates": ("candidates.csv", "text/csv"), "jsonl": ("jsonl", "application/jsonl"),
    "png": ("png", "image/png"), "token": ("png", "image/png"),
}  # fmt: skip
"""What an answer can be taken away as: the end of the file's name, and its media type."""


def _export(bench: Workbench) -> Any:
    """`GET /samantha/learn/export`: an answer, or the choice of one token, as a file to download."""
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def exported(request: Request) -> Response:
        try:
            name, media, content = await run_in_threadpool(_file, bench, dict(request.query_params))
        except (SamanthaError, ValueError) as error:
            return JSONResponse({"problem": str(error)}, 404 if isinstance(error, NotThere) else 400)
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}", "cache-control": "no-store"}
        return Response(content, media_type=media, headers=headers)

    return Route(f"{ROUTE}/export", exported, methods=["GET"])


def _file(bench: Workbench, sent: Mapping[str, Any]) -> tuple[str, str, bytes]:
    """Name, media type and content of what is exported."""
    session = bench.sessions.of(str(sent.get("tab", "")))
    answer, position = found(bench, session, sent)
    form = str(sent.get("form", ""))
    if form not in FORMS:
        raise NotThere(f"There is no export {form[:40]!r}: choose one of {', '.join(FORMS)}.")
    end, media = FORMS[form]
    place = f"-token{position + 1}" if form == "token" else ""
    branch = f"-branch{answer.branch}" if answer.branch else ""
    name = quote(f"{answer.run}-step{answer.step}{branch}{place}.{end}")
    return name, media, _content(answer, position, form, end)


def _content(answer: Answer, position: int, form: str, end: str) -> bytes:
    if end == "png":
        from samantha.learning import pictures

        return pictures.answer(answer) if form == "png" else pictures.choice(answer.tokens[position])
    return "".join(export.lines([answer], end)).encode()


def _record(bench: Workbench, session: Session, run: str) -> Record:
    try:
        return bench.record(session, run)
    except StoreError as error:
        raise NotThere(str(error)) from None


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise NotThere("Steps and branches are whole numbers: choose them on the page.") from None
