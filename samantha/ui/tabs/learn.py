"""The Learn tab: every token of an answer and how it was chosen. Drawn by scripts; here stands where each goes.

What they show comes over the session's stream (`learn_view.py`) and from the routes below /samantha/learn/.
"""

from typing import Any

import gradio as gr

from samantha.ui import controls
from samantha.ui.components import module
from samantha.ui.routes import STATIC

LEFT: dict[str, tuple[str, ...]] = {
    "learn-bar": ("learn_bar",), "learn-answer": ("learn_answer",), "learn-branches": ("branches",),
    "learn-unlikely": ("learn_unlikely",), "learn-curve": ("learn_curve",), "learn-score": ("scoring",),
    "learn-export": ("exporting",),
}  # fmt: skip
"""The places of the wide column in their order, and the scripts that fill each."""

RIGHT: dict[str, tuple[str, ...]] = {
    "learn-token": ("learn_token",), "learn-what-if": ("whatif",), "learn-adjust": ("learn_adjust",),
    "learn-model": ("metadata", "vocabulary"),
}  # fmt: skip


def build() -> None:
    """Draw the tab. Each script gets the declaration of the knobs as `props.knobs`."""
    with gr.Row(elem_id="learn", equal_height=False):
        for name, places in (("learn-main", LEFT), ("learn-side", RIGHT)):
            with gr.Column(elem_id=name, min_width=200):
                for place, scripts in places.items():
                    with gr.Column(elem_id=place, elem_classes="learn-place", min_width=200):
                        _fill(scripts)


def _fill(scripts: tuple[str, ...]) -> None:
    given: dict[str, Any] = {"knobs": controls.declaration()}
    for script in scripts:
        if (STATIC / f"{script}.js").is_file():
            module(script, {}, elem_id=script, **given)
