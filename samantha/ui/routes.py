"""What the page fetches besides Gradio's own: its scripts and styles, its texts, and the stream of its session's view.

The stream is server-sent events: one JSON object an update, at most `RATE` a second while something changes.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from samantha.ui import texts
from samantha.ui.session import Session, Sessions
from samantha.ui.wire import Stream

RATE = 15
"""Updates a second while a run is active."""

IDLE = 0.2
"""Seconds between two looks at a session in which nothing runs."""

BEAT = 3.0
"""Seconds between two reports of the memory in use, which also show whether the page is still there."""

STATIC = Path(__file__).with_name("static")


def routes(sessions: Sessions) -> list[Any]:
    """The routes, for FastAPI; all under /samantha/."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    async def all_texts(_: Request) -> Response:
        return JSONResponse(texts.all_languages())

    async def watch(request: Request) -> Response:
        try:
            session = sessions.of(request.path_params["tab"])
        except ValueError as error:
            return Response(str(error), 400)
        headers = {"cache-control": "no-store"}
        return StreamingResponse(_updates(session, sessions), media_type="text/event-stream", headers=headers)

    return [
        Route("/samantha/texts.json", all_texts),
        Route("/samantha/watch/{tab}", watch),
        Mount("/samantha/static", StaticFiles(directory=STATIC)),
    ]


async def _updates(session: Session, sessions: Sessions) -> AsyncIterator[bytes]:
    """Updates for one watching page until it leaves or the program ends."""
    stream, version, silent = Stream(), -1, BEAT
    session.watch()
    try:
        while not sessions.closed:
            if session.version != version:
                version = session.version
                update = stream.update(session.view)
                update |= {"running": session.running, "replacing": session.replacing}
                yield b"data: " + msgspec.json.encode(update) + b"\n\n"
            pause = 1 / RATE if session.running else IDLE
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
