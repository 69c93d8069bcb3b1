"""The Code tab: an editor, what ran in it, and the tools around generated code. Nothing here is a chain run.

Buttons and results are scripts (`static/desk.js`, `static/workshop.js`) that call the functions of `code_tools.py`;
only what the editor holds goes through Gradio.
"""

from typing import Any

import gradio as gr

from samantha.ui import code_tools, texts
from samantha.ui.components import module
from samantha.ui.workbench import Workbench

LINES = 14


class CodeTab:
    """The tab's components."""

    def __init__(self, workbench: Workbench, language: str) -> None:
        with gr.Row(elem_id="code", equal_height=False):
            with gr.Column(elem_id="code-main", min_width=200):
                self._desk = module("desk", {}, elem_id="desk", functions=code_tools.functions(workbench))
                self._editor = gr.Code(
                    "", language="python", label=texts.text(language, "desk.editor"), lines=LINES, max_lines=30,
                    elem_id="editor", buttons=[],
                )  # fmt: skip
                module("results", elem_id="results")
            with gr.Column(elem_id="code-side", min_width=200):
                module("workshop", elem_id="workshop", functions=code_tools.functions(workbench))
        quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        self._editor.change(None, self._editor, None, js=HANDED, **quick)
        self._desk.change(None, self._desk, self._editor, js=FILLED, **quick)

    @property
    def labelled(self) -> Any:
        """The component that carries a text."""
        return self._editor

    @staticmethod
    def relabelled(language: str) -> Any:
        """The update that brings it into a language."""
        return gr.update(label=texts.text(language, "desk.editor"))


HANDED = "(code) => { globalThis.dispatchEvent(new CustomEvent('samantha-editor', { detail: code })); }"
"""Tells the scripts what the editor holds."""

FILLED = "(value) => value.fill"
"""Puts code into the editor."""
