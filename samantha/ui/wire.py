"""A view as the page's JavaScript takes it: whole for a stored run, as differences for a live one. No Gradio, no HTTP.

Per line and update only what changed is sent: HTML that became final is appended, that of the last block is replaced.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from samantha.ui import code_files, markdown
from samantha.ui.code_desk import Result
from samantha.ui.code_view import LARGEST_OUTPUT, CodeBlock
from samantha.ui.view import Card, Line, Notice, Progress, RunLine, View

Update = dict[str, Any]


def line(value: Line) -> Update:
    """One line, complete."""
    match value:
        case RunLine():
            return {"kind": "run", **msgspec.to_builtins(value)}
        case Notice():
            return {"kind": "notice", "message": value.message}
        case Card():
            text = str(value.text)
            return {**_head(value), **_foot(value), "fixed": markdown.render(text), "tail": "", "text": text}


SERVED = re.compile(r"https?://(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost):\d{1,5}(/[\w./?=&%~+-]*)?")
"""Addresses that the page lets be opened: servers on this computer."""


def code(block: CodeBlock, offset: int | None = None) -> Update:
    """The code of a step: all of it, or, from character `offset` of its output on, what may have changed."""
    update: Update = {
        "step": block.step, "state": "ended" if block.reason else "running", "reason": block.reason,
        "seconds": block.seconds, "memory": block.memory, "isolation": block.isolation,
        "blank": block.printed("stdout").strip() in ("", "None"), "cut": max(0, block.length - LARGEST_OUTPUT),
        "shown": [_shown(block.run, one.media, one.file, one.title) for one in block.shown],
        "servers": [{"url": one.url, "port": one.port, "open": bool(SERVED.fullmatch(one.url))}
                    for one in block.servers],
        "files": [{"name": one.name, "size": one.size, "url": code_files.address("box", block.run, one.name)}
                  for one in block.files],
        "output": "" if block.reason == "ok" else block.output,
        "pieces": [list(piece) for piece in block.since(offset or 0)],
    }  # fmt: skip
    if offset is not None:
        return update
    return {"new": True, "run": block.run, "code": block.code, "html": block.html} | update


def _shown(run: str, media: str, file: str, title: str) -> Update:
    table = file.endswith(".table.html")
    return {"media": media, "title": title, "table": table, "url": code_files.address("shown", run, file)}


def whole(view: View) -> list[Update]:
    """Every line of a view, with its place."""
    return [{"place": place, "new": True, **line(value)} for place, value in enumerate(view.shown())]


def progress(value: Progress) -> Update:
    """The progress box."""
    return {**msgspec.to_builtins(value), "left": value.seconds_left}


def _head(card: Card) -> Update:
    names = (
        "step",
        "model",
        "prompt",
        "prompt_number",
        "response",
        "loop",
        "rendered",
        "seed",
        "changed",
        "prompt_tokens",
        "branch",
    )
    return {"kind": "card", **{name: getattr(card, name) for name in names}}


def _foot(card: Card) -> Update:
    names = ("state", "message", "reason", "reused", "tokens", "prompt_seconds", "seconds")
    return {name: getattr(card, name) for name in names} | ({"code": code(card.code)} if card.code else {})


class Stream:
    """Turns successive views of one session into updates. One per watching page."""

    def __init__(self) -> None:
        self._sent: list[Line] = []
        self._offsets: dict[int, int] = {}
        self._printed: dict[int, int] = {}
        self._progress: Progress | None = None

    def update(self, view: View) -> Update:
        """What the page must change to show `view`; empty when nothing."""
        lines = view.shown()
        update: Update = {}
        if len(lines) < len(self._sent):
            self._sent, self._offsets, self._printed = [], {}, {}
            update["clear"] = True
        changes = [
            self._line(place, value)
            for place, value in enumerate(lines)
            if place >= len(self._sent) or self._sent[place] is not value
        ]
        self._sent = lines
        if changes:
            update["lines"] = changes
        if view.progress is not self._progress:
            self._progress = view.progress
            update["progress"] = progress(view.progress)
        return update

    def _line(self, place: int, value: Line) -> Update:
        new = place >= len(self._sent)
        if isinstance(value, Card) and value.code and not new and _only_code(self._sent[place], value):
            return {"place": place, "new": False, "kind": "card", "code": self._code(place, value.code)}
        if not isinstance(value, Card) or value.state in ("finished", "failed"):
            self._offsets.pop(place, None)
            if isinstance(value, Card) and value.code:
                self._printed[place] = value.code.length
            return {"place": place, "new": new, **line(value)}
        before = None if new else self._sent[place]
        begins = isinstance(before, Card) and before.branch != value.branch
        rendering = markdown.continued(str(value.text), 0 if begins else self._offsets.get(place, 0))
        self._offsets[place] = rendering.offset
        same = isinstance(before, Card) and before.changed == value.changed and not begins
        head = {"kind": "card"} if same else _head(value)
        return {
            "place": place, "new": new, **head, "state": value.state, "tokens": value.tokens,
            "fixed" if begins else "append": rendering.fixed, "tail": rendering.tail,
        }  # fmt: skip

    def _code(self, place: int, block: CodeBlock) -> Update:
        """The code of a card whose answer the page has: only what was printed since."""
        offset = self._printed.get(place)
        self._printed[place] = block.length
        return code(block, offset)


class DeskStream:
    """The same for what ran in the Code tab: successive results as updates."""

    def __init__(self) -> None:
        self._sent: dict[int, Result] = {}

    def update(self, results: Sequence[Result]) -> list[Update]:
        """Every result that is shown, those that did not change by their number alone."""
        before, self._sent = self._sent, {result.number: result for result in results}
        return [self._result(before.get(result.number), result) for result in results]

    def _result(self, before: Result | None, now: Result) -> Update:
        if before is now:
            return {"number": now.number}
        offset = before.length if before and before.code == now.code and before.html == now.html else None
        return {"number": now.number, "title": now.title, "problem": now.problem, "code": code(now, offset)}


def _only_code(before: Line, now: Card) -> bool:
    """Whether nothing but the code of a card changed."""
    return isinstance(before, Card) and msgspec.structs.replace(before, code=now.code) == now
