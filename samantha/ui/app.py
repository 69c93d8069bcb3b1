"""The page: built from its tabs, guarded, served on this computer alone, and ended cleanly.

`launch` is what `samantha` without a command does. It never listens beyond 127.0.0.1 and never asks the internet.
"""

import contextlib
import logging
import os
import socket
import threading
import time
import webbrowser
from typing import Any

from samantha.errors import SettingsError
from samantha.models.model import ModelSource
from samantha.runs.store import RunStore
from samantha.ui import guard, memory_desk, texts
from samantha.ui.routes import STATIC, routes
from samantha.ui.session import GRACE
from samantha.ui.workbench import Workbench

HOST = "127.0.0.1"
PORTS = range(7860, 7900)
TABS = ("chain", "learn", "code", "models", "history", "help")


def launch(port: int | None = None, open_browser: bool = True) -> None:
    """Serve the page until Ctrl-C; the address with its token is printed.

    Args:
        port: the port to listen on; None takes the first free one from 7860 to 7899.

    Raises:
        SettingsError: no port is free, or the one asked for is taken.
        StoreError: the run store cannot be opened.
    """
    from samantha.models.residency import Residency

    print("Samantha is starting ...", flush=True)
    residency = Residency(budget=memory_desk.kept_budget())
    with RunStore() as store, contextlib.closing(residency), serving(residency, store, port) as page:
        print(f"Samantha is at  {page.address}\nOnly this address opens it. Ctrl-C ends the program.", flush=True)
        if open_browser:
            webbrowser.open(page.address)
        with contextlib.suppress(KeyboardInterrupt):
            page.wait()
        print("\nSamantha ends.", flush=True)


class Page:
    """A running server. Use `serving`."""

    def __init__(self, port: int, token: str, workbench: Workbench) -> None:
        self.port = port
        self.token = token
        self.workbench = workbench
        self.app: Any = None
        self.server: Any = None
        self.thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """The address that opens the page."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    def wait(self) -> None:
        """Sweep abandoned sessions until the server ends."""
        while self.thread is not None and self.thread.is_alive():
            self.thread.join(GRACE / 6)
            self.workbench.sessions.sweep()
            self.workbench.code.notice()


class serving(contextlib.AbstractContextManager[Page]):  # noqa: N801 - used like a function
    """The page served on a thread of its own for as long as the context lasts."""

    def __init__(self, models: ModelSource, store: RunStore, port: int | None = None) -> None:
        self._listener = _listener(port)
        self._page = Page(self._listener.getsockname()[1], guard.new_token(), Workbench(models, store))

    def __enter__(self) -> Page:
        page = self._page
        page.app = build_app(page.workbench)
        page.workbench.code.look()
        guarded = guard.Guard(page.app, page.port, page.token)
        page.server = _server(guarded)
        page.thread = threading.Thread(target=page.server.run, args=([self._listener],), name="page", daemon=True)
        page.thread.start()
        while not page.server.started and page.thread.is_alive():
            time.sleep(0.01)
        return page

    def __exit__(self, *_: object) -> None:
        page = self._page
        page.workbench.close()
        page.server.should_exit = True
        if page.thread is not None:
            page.thread.join(5)
        self._listener.close()


def _server(app: Any) -> Any:
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, ws="none", lifespan="on",
        timeout_graceful_shutdown=1, h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    return server


def _listener(port: int | None) -> socket.socket:
    """A listening socket; holding it from here on leaves no moment for another program to take the port."""
    for candidate in PORTS if port is None else (port,):
        # The protocol is named because asyncio sends small answers without delay (40 ms) only where it is.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    if port is None:
        raise SettingsError(f"No port from {PORTS[0]} to {PORTS[-1]} is free: end another program or give --port.")
    raise SettingsError(f"Port {port} is taken or not allowed: give another with --port, or none.")


def build_app(workbench: Workbench) -> Any:
    """The ASGI app: Gradio's and our own routes, without docs. It is not guarded yet."""
    _quiet_gradio()
    import fastapi
    import gradio as gr

    from samantha.ui.theme import theme

    closed: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = fastapi.FastAPI(routes=routes(workbench), **closed)
    blocks = build_blocks(workbench)
    blocks.queue(api_open=False, default_concurrency_limit=None)
    return gr.mount_gradio_app(
        app, blocks, path="/", server_name=HOST, footer_links=[], run_history=False, app_kwargs=closed,
        allowed_paths=[], blocked_paths=["/"], show_error=False, max_file_size=guard.LARGEST_BODY, ssr_mode=False,
        pwa=False, enable_monitoring=False, mcp_server=False, theme=theme(),
        css_paths=[STATIC / "page.css", *sorted(set(STATIC.glob("*.css")) - {STATIC / "page.css"})],
    )  # fmt: skip


def _quiet_gradio() -> None:
    """Gradio asks the internet for nothing: no analytics, no version check, no model hub."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # Gradio would otherwise build a pandas table of its own timings after every event of the page.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    logging.getLogger("httpx").setLevel(logging.WARNING)


def build_blocks(workbench: Workbench) -> Any:
    """The page's components and what they do."""
    import gradio as gr

    from samantha.ui import code_access
    from samantha.ui.components import module
    from samantha.ui.tabs import chain, code, first_prompt, help, history, learn, models

    kept = workbench.language()
    language = kept or "en"
    names = {name: texts.text(language, f"page.{name}") for name in TABS}
    with gr.Blocks(title="Samantha", analytics_enabled=False, fill_width=True) as blocks:
        header = module(
            "header", {}, elem_id="header", kept=kept, built=language, isolated=_isolation(),
            functions=code_access.functions(workbench),
        )  # fmt: skip
        with gr.Tabs(elem_id="tabs", selected="chain") as tabs:
            with gr.Tab(names["chain"], id="chain") as chain_tab:
                page = chain.ChainTab(workbench, header, language)
            with gr.Tab(names["learn"], id="learn", elem_id="learn-tab") as learn_tab:
                learn.build()
                first_prompt.build(workbench, page)
            with gr.Tab(names["code"], id="code") as code_tab:
                desk = code.CodeTab(workbench, language)
            with gr.Tab(names["models"], id="models") as models_tab:
                models.build()
            with gr.Tab(names["history"], id="history") as history_tab:
                history.build(workbench, page, tabs)
            with gr.Tab(names["help"], id="help") as help_tab:
                help.build()
        all_tabs = [chain_tab, learn_tab, code_tab, models_tab, history_tab, help_tab]
        labelled = [*page.labelled, desk.labelled, *all_tabs]

        def translate(value: Any) -> list[Any]:
            chosen = str((value or {}).get("language", "en"))
            if (value or {}).get("keep"):
                workbench.keep_language(chosen)
            if not (value or {}).get("relabel"):
                return [gr.skip() for _ in labelled]
            tab_labels = [gr.update(label=texts.text(chosen, f"page.{name}")) for name in names]
            return [*page.relabelled(chosen), desk.relabelled(chosen), *tab_labels]

        header.change(
            translate, header, labelled, show_progress="hidden", api_visibility="private",
            trigger_mode="always_last",
        )  # fmt: skip
    return blocks


def _isolation() -> bool:
    """Whether model workers are isolated here: said in the page's head only when it is so."""
    from samantha import sandbox

    return sandbox.isolation() == "bubblewrap"
