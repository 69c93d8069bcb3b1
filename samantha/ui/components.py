"""Gradio components that are drawn by a module of `static/`. They hold a value and send events as any component does.

Gradio expands an HTML component's template as code: the templates here are constant, and values never enter them.
"""

from collections.abc import Callable
from typing import Any

import gradio as gr


class Module(gr.HTML):  # type: ignore[misc]
    """An HTML component whose content is drawn by `static/<module>.js`; its value is any JSON.

    Args:
        functions: Python functions that the module may call.
        given: further JSON values for the module, as `props.<name>`.
    """

    def __init__(
        self,
        module: str,
        value: Any = None,
        *,
        functions: list[Callable[..., Any]] | None = None,
        elem_id: str | None = None,
        elem_classes: list[str] | None = None,
        **given: Any,
    ) -> None:
        script = (
            f"import('/samantha/static/{module}.js')"
            ".then((part) => part.mount({ element, trigger, props, server, watch }));"
        )
        super().__init__(
            value, html_template='<div class="part"></div>', js_on_load=script, apply_default_css=False,
            elem_id=elem_id, elem_classes=["module", *(elem_classes or [])], server_functions=functions, **given,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        """The component as a plain HTML one: the page has no other."""
        return super().get_config()

    def preprocess(self, payload: Any) -> Any:
        """The value as the page holds it."""
        return payload

    def postprocess(self, value: Any) -> Any:
        """The value as the page takes it."""
        return value


def named(name: str, function: Callable[..., Any]) -> Callable[[Any], Any]:
    """`function` under the name that a module calls it by; the list that the module gives becomes its arguments."""

    def called(data: Any = None) -> Any:
        return function(*(data if isinstance(data, list) else ()))

    called.__name__ = name
    return called
