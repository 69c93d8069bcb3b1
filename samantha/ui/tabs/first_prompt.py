"""From the Chain tab's fields to the prompt of its first step, for the Learn tab: begun here, rendered by a task.

A script that draws nothing (`static/first_prompt.js`) asks; the answer is the task's number, or a problem.
"""

from typing import Any

import gradio as gr

from samantha.errors import SamanthaError
from samantha.ui.components import module
from samantha.ui.controls import FieldError
from samantha.ui.model_routes import begin_prompt
from samantha.ui.tabs.chain import ChainTab
from samantha.ui.workbench import Workbench


def build(workbench: Workbench, chain: ChainTab) -> None:
    """Put the part into the page. The fields travel only when it asks."""
    asking = module("first_prompt", {}, elem_id="first-prompt")

    def begin(asked: Any, *fields: Any) -> Any:
        if not isinstance(asked, dict) or "at" not in asked:
            return gr.skip()
        try:
            session = workbench.sessions.of(str(asked.get("tab", "")))
            return begin_prompt(workbench.desks.of(session), chain.chain(fields))
        except ValueError:
            return FieldError("start", key="problem.gone").shown()
        except FieldError as error:
            return error.shown()
        except SamanthaError as error:
            return {"problem": str(error)}

    asking.change(
        begin, [asking, *chain.fields], asking, show_progress="hidden", api_visibility="private",
        concurrency_limit=None,
    )  # fmt: skip
