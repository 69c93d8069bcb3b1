"""What libraries do to show something, led to `shown`: browsers, plotly, altair, pyvis, pictures, IPython.

A library is changed when it is imported and not before, so code that needs none of them pays nothing.
"""

import functools
import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from . import pages, rich, shown, tables

V8_RESERVES = 72 << 30
"""Bytes of addresses that are enough for V8; 36 GiB were not."""


def install() -> None:
    """Change what is imported already, and everything else when it is imported."""
    tables.install()
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name, change in CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])


class _Browser:
    """What `webbrowser` finds: files are shown, addresses are only named."""

    name = basename = "samantha"

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        parts = urlsplit(url)
        if parts.scheme in ("", "file"):
            return _show_file(Path(url2pathname(parts.path)))
        # A server of the code's own is found by its port.
        return parts.hostname in ("localhost", "127.0.0.1", "0.0.0.0")

    def open_new(self, url: str) -> bool:
        return self.open(url, 1)

    def open_new_tab(self, url: str) -> bool:
        return self.open(url, 2)


def _show_file(path: Path) -> bool:
    """Show a page or a picture. False for anything else, as where no browser is."""
    ending = path.suffix.lower()
    if ending not in (".html", ".htm", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp") or not path.is_file():
        return False
    passing = path.is_relative_to(tempfile.gettempdir())  # a name that means nothing
    title = "" if passing else path.name
    if ending in (".html", ".htm"):
        return shown.write("html", pages.self_contained(path.read_text("utf-8", "replace"), path.parent), title)
    if ending in (".svg", ".png"):
        return shown.write(ending[1:], path.read_bytes(), title)
    return shown.write("html", pages.self_contained(f'<img src="{quote(path.name)}">', path.parent), title)


def _change_webbrowser(module: ModuleType) -> None:
    module.register("samantha", None, _Browser(), preferred=True)


def _change_pyplot(module: ModuleType) -> None:
    importlib.import_module("samantha_inside.figures").keep_windows_away(module)


def _change_plotly(module: ModuleType) -> None:
    def show(figure: Any, *_: Any, **__: Any) -> None:
        page = importlib.import_module("plotly.io").to_html(figure, include_plotlyjs=True, full_html=True)
        title = figure.layout.title.text if hasattr(figure, "layout") else ""
        shown.write("html", page, title or "")

    module.show = show  # type: ignore[attr-defined]


def _change_altair(module: ModuleType) -> None:
    def show(chart: Any, *_: Any, **__: Any) -> None:
        shown.write("html", chart.to_html(inline=True), _altair_title(chart))

    for kind in module.Chart.__mro__:
        if kind.__name__ == "TopLevelMixin":
            kind.show = show


def _altair_title(chart: Any) -> str:
    title = getattr(chart, "title", "")
    return title if isinstance(title, str) else str(getattr(title, "text", ""))


def _change_vega(module: ModuleType) -> None:
    """Take the bundle of Vega that was made with the environment, and refuse what would end the interpreter.

    V8, which vl-convert runs for everything else, reserves 64 GiB of addresses and dies where it may not.
    """
    made = Path(sys.prefix, "cache", "vega.js")
    for name in vars(module).copy():
        if name.startswith(("vega_to_", "vegalite_to_", "javascript_bundle")):
            setattr(module, name, _where_possible(getattr(module, name)))
    bundle = module.javascript_bundle

    def javascript_bundle(snippet: str | None = None, vl_version: str | None = None) -> str:
        if snippet is None and made.is_file():
            return made.read_text("utf-8")
        return str(bundle(snippet, vl_version))

    module.javascript_bundle = javascript_bundle  # type: ignore[attr-defined]


def _where_possible(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        if sys.platform != "win32":
            import resource

            most = resource.getrlimit(resource.RLIMIT_AS)[0]
            if most != resource.RLIM_INFINITY and most < V8_RESERVES:
                raise RuntimeError(
                    "Altair cannot make pictures in the sandbox, where vl-convert finds too little memory: show the "
                    "chart, or save it as .html or .json."
                )
        return function(*arguments, **named)

    return called


def _change_pyvis(module: ModuleType) -> None:
    def show(network: Any, name: str, *_: Any, **__: Any) -> None:
        network.write_html(name, notebook=False, open_browser=False)
        _show_file(Path(name))

    module.Network.show = show


def _change_pictures(module: ModuleType) -> None:
    """`Image.show()` of Pillow."""

    class Viewer(module.Viewer):  # type: ignore[misc,name-defined]
        def show(self, image: Any, **_: Any) -> bool:
            return shown.write("png", image._repr_png_())

    module.register(Viewer, order=0)


def _change_display(module: ModuleType) -> None:
    module.display = functools.partial(rich.display, module.display)  # type: ignore[attr-defined]


def _change_werkzeug(module: ModuleType) -> None:
    """Flask and Dash in debug mode watch every file of Python for changes; code that ran once has none."""
    run_simple = module.run_simple

    @functools.wraps(run_simple)
    def run_once(*arguments: Any, **named: Any) -> Any:
        return run_simple(*arguments, **{**named, "use_reloader": False})

    module.run_simple = run_once  # type: ignore[attr-defined]


CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "werkzeug.serving": _change_werkzeug,
    "webbrowser": _change_webbrowser,
    "matplotlib.pyplot": _change_pyplot,
    "plotly.io._renderers": _change_plotly,
    "altair": _change_altair,
    "vl_convert": _change_vega,
    "pyvis.network": _change_pyvis,
    "PIL.ImageShow": _change_pictures,
    "IPython.core.display_functions": _change_display,
}


class _Finder(MetaPathFinder):
    """Finds the modules to change, as they would be found without it, and changes them once they are executed."""

    def __init__(self) -> None:
        self._searching: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in CHANGES or name in self._searching:
            return None
        self._searching.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._searching.discard(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Changing(spec.loader, CHANGES[name])
        return spec


class _Changing(Loader):
    """A module's own loader, and a change after it."""

    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)
