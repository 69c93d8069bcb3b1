"""Gradio components that are drawn by a script of `static/`. They hold a value and send events as any component does.

Gradio expands an HTML component's template as code: the template here is constant, and values never enter it. A
function makes them, not a class: Gradio writes a stub file beside every subclass of a component.
"""

from collections.abc import Callable
from typing import Any

import gradio as gr

Module = gr.HTML
"""What `module` gives: an HTML component whose value is any JSON."""


_CONTEXT = "{ element, trigger, props, server, watch }"
"""What Gradio gives a component's script."""


def module(
    script: str,
    value: Any = None,
    *,
    functions: list[Callable[..., Any]] | None = None,
    elem_id: str | None = None,
    elem_classes: list[str] | None = None,
    **given: Any,
) -> Module:
    """A component whose content is drawn by `static/<script>.js`.

    Args:
        functions: Python functions that the script may call, each made by `named`.
        given: further JSON values for the script, as `props.<name>`.
    """
    loader = f"import('/samantha/static/{script}.js').then((part) => part.mount({_CONTEXT}));"
    return gr.HTML(
        value, html_template='<div class="part"></div>', js_on_load=loader, apply_default_css=False, elem_id=elem_id,
        elem_classes=["module", *(elem_classes or [])], server_functions=functions, **given,
    )  # fmt: skip


def named(name: str, function: Callable[..., Any]) -> Callable[[Any], Any]:
    """`function` under the name that a script calls it by; the list that the script gives becomes its arguments."""

    def called(data: Any = None) -> Any:
        return function(*(data if isinstance(data, list) else ()))

    called.__name__ = name
    return called
