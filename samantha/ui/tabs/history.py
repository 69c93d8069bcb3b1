"""The History tab: the stored runs, one of them reopened as it was shown, its chain put back into the page."""

from typing import Any

import gradio as gr

from samantha.errors import SamanthaError
from samantha.ui.components import module, named
from samantha.ui.tabs.chain import ChainTab, filled
from samantha.ui.workbench import Workbench


def build(workbench: Workbench, chain: ChainTab, tabs: gr.Tabs) -> None:
    """Draw the tab; choosing *Put into the page* fills the Chain tab and goes there."""
    history = module(
        "history", elem_id="history",
        functions=[named("stored_runs", workbench.stored_runs), named("stored_run", workbench.stored_run)],
    )  # fmt: skip
    outputs = chain.filling()

    def reuse(chosen: Any) -> list[Any]:
        try:
            values = filled(workbench.stored_chain(str((chosen or {}).get("run", ""))))
        except SamanthaError as error:
            skipped: list[Any] = [gr.skip() for _ in outputs[:-1]]
            return [*skipped, {"problem": str(error)}, gr.Tabs(selected="chain")]
        return [*values[:-1], {"note_key": "history.reused"}, gr.Tabs(selected="chain")]

    history.change(reuse, history, [*outputs, tabs], show_progress="hidden", api_visibility="private")
