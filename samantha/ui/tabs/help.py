"""The Help tab: a short guide of our own, in the chosen language."""

from samantha.ui.components import module


def build() -> None:
    """Draw the tab."""
    module("help", elem_id="help")
