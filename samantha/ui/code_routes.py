"""Routes for what generated code left: what it showed, and the files it made. All of it is untrusted.

A page is answered under a policy of its own (`guard.FRAME_POLICY`): it has no origin, so it can read nothing of ours,
and it can load from and send to nowhere. The page frames it with `sandbox="allow-scripts"`. Files are only downloads.
"""

import re
from typing import Any
from urllib.parse import quote

from samantha.ui import code_files
from samantha.ui.code_files import Missing

MEASURE = (
    b"<script>(()=>{const tell=()=>parent.postMessage({samantha:'height',height:Math.max("
    b"document.documentElement.offsetHeight,document.body?document.body.scrollHeight:0)},'*');"
    b"addEventListener('load',tell);new ResizeObserver(tell).observe(document.documentElement);tell()})()</script>"
)
"""Tells the page around it how high it is. What it tells is bounded there: the code could tell anything."""

TABLE = (
    b"<!doctype html><meta charset=utf-8><style>body{font:13px/1.5 system-ui,sans-serif;margin:8px;color:#1c2428}"
    b"table{border-collapse:collapse}th,td{padding:3px 10px;border:1px solid #e0e5e7;text-align:right}"
    b"thead th{background:#eef1f2;position:sticky;top:0}tbody th{font-weight:400;color:#5b6a73}</style>"
)
"""Comes before a table, which the code's side writes bare."""


def code_routes() -> list[Any]:
    """The routes, for FastAPI; all under /samantha/code/."""
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response, StreamingResponse
    from starlette.routing import Route

    def shown(request: Request) -> Response:
        try:
            media, content = code_files.picture(*_asked(request))
        except Missing as error:
            return PlainTextResponse(str(error), 404)
        if media == code_files.PAGE:
            content = (TABLE + content if code_files.is_table(request.path_params["name"]) else content) + MEASURE
        return Response(content, media_type=media, headers={"cache-control": "no-store"})

    def file(request: Request) -> Response:
        run, name = request.path_params["run"], ""
        try:
            run, name = _asked(request)
            found = code_files.opened("box", run, name)
        except Missing as error:
            return PlainTextResponse(str(error), 404)
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{_download(name)}",
            "content-length": str(found.size),
            "cache-control": "no-store",
        }
        if request.method == "HEAD":
            found.close()
            return Response(headers=headers, media_type="application/octet-stream")
        return StreamingResponse(found.chunks(), headers=headers, media_type="application/octet-stream")

    return [
        Route(f"{code_files.ROUTE}/shown/{{run}}/{{name}}", shown, methods=["GET"]),
        Route(f"{code_files.ROUTE}/box/{{run}}/{{name}}", file, methods=["GET"]),
    ]


def _asked(request: Any) -> tuple[str, str]:
    return request.path_params["run"], code_files.named(request.path_params["name"])


def _download(name: str) -> str:
    """The last part of a name, as a header takes it; what a file system would not take becomes a dash."""
    last = name.rpartition("/")[2]
    plain = re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]', "-", last)
    return quote(plain.encode("utf-8", "replace"))
