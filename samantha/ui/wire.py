"""A view as the page's JavaScript takes it: whole for a stored run, as differences for a live one. No Gradio, no HTTP.

Per line and update only what changed is sent: HTML that became final is appended, that of the last block is replaced.
"""

from typing import Any

import msgspec

from samantha.ui import markdown
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
    )
    return {"kind": "card", **{name: getattr(card, name) for name in names}}


def _foot(card: Card) -> Update:
    names = ("state", "message", "reason", "reused", "tokens", "prompt_seconds", "seconds", "code", "code_reason")
    return {**{name: getattr(card, name) for name in names}, "output": str(card.output)}


class Stream:
    """Turns successive views of one session into updates. One per watching page."""

    def __init__(self) -> None:
        self._sent: list[Line] = []
        self._offsets: dict[int, int] = {}
        self._progress: Progress | None = None

    def update(self, view: View) -> Update:
        """What the page must change to show `view`; empty when nothing."""
        lines = view.shown()
        update: Update = {}
        if len(lines) < len(self._sent):
            self._sent, self._offsets = [], {}
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
        if not isinstance(value, Card) or value.state in ("finished", "failed"):
            self._offsets.pop(place, None)
            return {"place": place, "new": new, **line(value)}
        offset = self._offsets.get(place, 0)
        rendering = markdown.continued(str(value.text), offset)
        self._offsets[place] = rendering.offset
        head = _head(value) if new else {"kind": "card"}
        return {
            "place": place, "new": new, **head, "state": value.state, "tokens": value.tokens,
            "append": rendering.fixed, "tail": rendering.tail,
        }  # fmt: skip
