"""What libraries do to show something, led to `shown`: browsers, plotly, altair, pyvis, IPython, printed tables.

A library is changed when it is imported and not before, so code that needs none of them pays nothing. What is printed
stays as it is: everything here only adds.
"""

import builtins
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from . import shown

ROWS, COLUMNS, TABLES = 500, 60, 30
"""What is shown of a table, and how many tables of a job."""

_print = builtins.print
_tables = 0


def install() -> None:
    """Change what is imported already, and everything else when it is imported."""
    global _tables
    _tables = 0
    builtins.print = _printing
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name, change in CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])


def _printing(*values: Any, **named: Any) -> None:
    """`print`, which shows tables as tables too."""
    _print(*values, **named)
    if named.get("file") in (None, sys.stdout):
        for value in values:
            show_table(value)


def show_table(value: Any) -> None:
    """Show a DataFrame, Series or Styler of pandas as a table; anything else is left alone."""
    global _tables
    kind = type(value)
    pandas = sys.modules.get("pandas")
    if kind.__module__.partition(".")[0] != "pandas" or pandas is None or _tables >= TABLES:
        return
    frame = value.data if kind.__name__ == "Styler" else value
    if isinstance(frame, pandas.Series):
        frame = frame.to_frame()
    if not isinstance(frame, pandas.DataFrame):
        return
    _tables += 1
    rows, columns = frame.shape
    note = f"{rows} × {columns}"
    if rows > ROWS or columns > COLUMNS:
        frame = frame.iloc[:ROWS, :COLUMNS]
        note += f" (the first {min(rows, ROWS)} × {min(columns, COLUMNS)})"
    shown.write("table.html", frame.to_html(border=0), note)


class _Browser:
    """What `webbrowser` finds: files are shown, addresses are only named."""

    name = basename = "samantha"

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        parts = urlsplit(url)
        if parts.scheme in ("", "file"):
            path = Path(unquote(parts.path))
            if path.suffix.lower() in (".html", ".htm") and path.is_file():
                passing = path.is_relative_to(tempfile.gettempdir())  # a name that means nothing
                return shown.write("html", path.read_bytes(), "" if passing else path.name)
            return False
        # A server of the code's own is found by its port.
        return parts.hostname in (
            "localhost",
            "127.0.0.1",
            "0.0.0.0",
        )  # a server of the code's own is found by its port

    def open_new(self, url: str) -> bool:
        return self.open(url, 1)

    def open_new_tab(self, url: str) -> bool:
        return self.open(url, 2)


def _change_webbrowser(module: ModuleType) -> None:
    module.register("samantha", None, _Browser(), preferred=True)


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
    return title if isinstance(title, str) else ""


def _change_pyvis(module: ModuleType) -> None:
    begin = module.Network.__init__

    def begin_inline(network: Any, *arguments: Any, **named: Any) -> None:
        named.setdefault("cdn_resources", "in_line")  # its page must need nothing from outside
        begin(network, *arguments, **named)

    def show(network: Any, name: str, *_: Any, **__: Any) -> None:
        network.write_html(name, notebook=False, open_browser=False)
        shown.write("html", Path(name).read_bytes(), Path(name).name)

    module.Network.__init__ = begin_inline
    module.Network.show = show


def _change_display(module: ModuleType) -> None:
    display = module.display

    def displaying(*values: Any, **named: Any) -> Any:
        for value in values:
            _show_rich(value)
        return display(*values, **named)

    module.display = displaying  # type: ignore[attr-defined]


def _show_rich(value: Any) -> None:
    before = _tables
    show_table(value)
    if _tables > before or isinstance(value, str):
        return
    for method, ending in (("_repr_html_", "html"), ("_repr_svg_", "svg"), ("_repr_png_", "png")):
        form = getattr(value, method, None)
        content = form() if callable(form) and not isinstance(value, type) else None
        if content:
            shown.write(ending, content)
            return


CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "webbrowser": _change_webbrowser,
    "plotly.io._renderers": _change_plotly,
    "altair": _change_altair,
    "pyvis.network": _change_pyvis,
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
