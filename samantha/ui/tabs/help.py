"""The Help tab: a short guide of our own, in the chosen language."""

from samantha.ui.components import Module


def build() -> None:
    """Draw the tab."""
    Module("help", elem_id="help")
