"""The Models tab: model files, what is in memory, models of the hub and on servers. Drawn by scripts.

What they show and do comes from the routes below /samantha/models/ (`models_tab_routes.py`).
"""

import gradio as gr

from samantha.ui.components import module


def build() -> None:
    """Draw the tab."""
    with gr.Row(elem_id="models-tab", equal_height=False):
        with gr.Column(elem_id="models-main", min_width=200):
            module("library", {}, elem_id="library")
            module("hub", {}, elem_id="hub")
        with gr.Column(elem_id="models-side", min_width=200):
            module("memory", {}, elem_id="memory-box")
            module("servers", {}, elem_id="servers")
