"""Gradio's theme in our colours, with the system's own fonts: nothing is fetched. The layout is static/page.css."""

from typing import Any


def theme() -> Any:
    """The theme: calm, dense, teal."""
    import gradio as gr

    teal = gr.themes.Color(
        c50="#eef6f6", c100="#d9ecec", c200="#bfdcdc", c300="#8ec3c3", c400="#4fa3a3", c500="#0b6e6e", c600="#0b6e6e",
        c700="#095a5a", c800="#084a4a", c900="#063a3a", c950="#042828", name="teal",
    )  # fmt: skip
    return gr.themes.Base(
        primary_hue=teal,
        neutral_hue=gr.themes.colors.slate,
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_sm,
        font=["system-ui", "Noto Sans", "Segoe UI", "sans-serif"],
        font_mono=["ui-monospace", "Cascadia Mono", "Menlo", "monospace"],
    )
