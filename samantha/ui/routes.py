"""What the page fetches besides Gradio's own: its scripts and styles, its texts, and the stream of its session's view.

The stream is server-sent events: one JSON object an update, at most `RATE` a second while something changes.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from samantha.ui import texts
from samantha.ui.branch_routes import branch_routes
from samantha.ui.code_room import CodeRoom
from samantha.ui.code_routes import code_routes
from samantha.ui.learn_routes import learn_routes
from samantha.ui.learn_view import LearnStream
from samantha.ui.model_routes import model_routes
from samantha.ui.models_tab_routes import models_tab_routes
from samantha.ui.session import Session
from samantha.ui.wire import DeskStream, Stream
from samantha.ui.workbench import Workbench

RATE = 15
"""Updates a second while a run is active."""

IDLE = 0.2
"""Seconds between two looks at a session in which nothing runs."""

BEAT = 3.0
"""Seconds between two reports of the memory in use, which also show whether the page is still there."""

STATIC = Path(__file__).with_name("static")


def routes(bench: Workbench) -> list[Any]:
    """The routes, for FastAPI; all under /samantha/."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    async def all_texts(_: Request) -> Response:
        return JSONResponse(texts.all_languages())

    async def watch(request: Request) -> Response:
        try:
            session = bench.sessions.of(request.path_params["tab"])
        except ValueError as error:
            return Response(str(error), 400)
        headers = {"cache-control": "no-store"}
        return StreamingResponse(_updates(session, bench), media_type="text/event-stream", headers=headers)

    return [
        Route("/samantha/texts.json", all_texts),
        Route("/samantha/watch/{tab}", watch),
        *code_routes(),
        *learn_routes(bench),
        *branch_routes(bench),
        *model_routes(bench),
        *models_tab_routes(bench),
        Mount("/samantha/static", StaticFiles(directory=STATIC)),
    ]


class Watcher:
    """What one watching page has been told of its session."""

    def __init__(self, session: Session, room: CodeRoom) -> None:
        self._session = session
        self._room = room
        self._stream = Stream()
        self._desk = DeskStream()
        self._learn = LearnStream()
        self._versions = (-1, -1, (-1, -1), -1)

    def update(self) -> dict[str, Any]:
        """What changed since the last look; empty when nothing."""
        session, room = self._session, self._room
        before = self._versions
        access, learning = (session.grants.version, room.version), session.learning
        self._versions = (session.version, session.desk.version, access, learning.version)
        update: dict[str, Any] = {}
        if self._versions[0] != before[0]:
            update = self._stream.update(session.view)
            update |= {"running": session.running, "replacing": session.replacing}
        if self._versions[1] != before[1]:
            update["desk"] = {"results": self._desk.update(session.desk.results), "running": session.desk.running}
        if self._versions[2] != before[2]:
            update["access"] = session.grants.shown() | room.shown()
        if self._versions[3] != before[3]:
            update["learn"] = self._learn.update(learning)
        return update


async def _updates(session: Session, bench: Workbench) -> AsyncIterator[bytes]:
    """Updates for one watching page until it leaves or the program ends."""
    watcher, silent = Watcher(session, bench.code), BEAT
    session.watch()
    try:
        while not bench.sessions.closed:
            update = watcher.update()
            if update:
                yield b"data: " + msgspec.json.encode(update) + b"\n\n"
            pause = 1 / RATE if session.running or session.desk.running else IDLE
            await asyncio.sleep(pause)
            silent += pause
            if silent >= BEAT:
                silent = 0.0
                yield b"data: " + msgspec.json.encode({"memory": memory()}) + b"\n\n"
    finally:
        session.leave()


def memory() -> dict[str, int]:
    """Bytes of memory in use and in all."""
    import psutil

    state = psutil.virtual_memory()
    return {"used": state.total - state.available, "total": state.total}
