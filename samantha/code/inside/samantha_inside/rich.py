"""Objects that can show themselves in a notebook show themselves here too."""

import base64
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import pages, shown, tables


def show(value: Any) -> bool:
    """Show the richest form that an object has as a picture or a page. False where it has none, or that fails."""
    if isinstance(value, str | bytes | type):
        return False
    for form in (_figure, _own, _mime_bundle, _methods):
        with contextlib.suppress(Exception):  # an object whose rich form fails is printed, as in a notebook
            if form(value):
                return True
    return False


def _figure(value: Any) -> bool:
    """A figure of matplotlib."""
    figures: Any = sys.modules.get("samantha_inside.figures")
    return bool(figures) and figures.keep_figure(value)


def _own(value: Any) -> bool:
    """A chart of plotly or altair, whose `show` leads here."""
    if type(value).__module__.partition(".")[0] not in ("plotly", "altair"):
        return False
    value.show()
    return True


def _mime_bundle(value: Any) -> bool:
    if not hasattr(value, "_repr_mimebundle_"):
        return False
    forms = value._repr_mimebundle_()
    forms = forms[0] if isinstance(forms, tuple) else forms
    return any(_put(kind, forms.get(kind)) for kind in _KINDS)


def _methods(value: Any) -> bool:
    for kind, method in _KINDS.items():
        form = getattr(value, method, None)
        if callable(form):
            content = form()
            if _put(kind, content[0] if isinstance(content, tuple) else content):
                return True
    return False


_KINDS = {
    "text/html": "_repr_html_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
}


def _put(kind: str, content: Any) -> bool:
    return bool(content) and _WRITERS[kind](content)


def _html(content: str) -> bool:
    return shown.write("html", pages.self_contained(content, Path.cwd()))


def _png(content: str | bytes) -> bool:
    return shown.write("png", base64.b64decode(content) if isinstance(content, str) else content)


def _jpeg(content: str | bytes) -> bool:
    encoded = content if isinstance(content, str) else base64.b64encode(content).decode()
    return shown.write("html", f'<img src="data:image/jpeg;base64,{encoded}">')


_WRITERS: dict[str, Callable[[Any], bool]] = {
    "text/html": _html,
    "image/svg+xml": lambda content: shown.write("svg", content),
    "image/png": _png,
    "image/jpeg": _jpeg,
}


def display(display_plainly: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """`IPython.display.display`: tables are shown and printed, rich objects are shown, the rest is printed."""
    left = [value for value in values if tables.is_table(value) or not show(value)]
    return display_plainly(*left, **named) if left or not values else None
