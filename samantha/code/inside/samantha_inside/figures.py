"""The matplotlib backend of the code environment: `show()` keeps every open figure as a picture and closes it.

Named by MPLBACKEND as `module://samantha_inside.figures`. Nothing blocks and nothing opens a window.
"""

import io
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from matplotlib._pylab_helpers import Gcf  # type: ignore[import-not-found,unused-ignore]
from matplotlib.backend_bases import FigureManagerBase  # type: ignore[import-not-found,unused-ignore]
from matplotlib.backends.backend_agg import FigureCanvasAgg  # type: ignore[import-not-found,unused-ignore]
from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]

from . import shown

NAME = "module://samantha_inside.figures"
WINDOWS = ("agg", "tk", "qt", "gtk", "wx", "macosx", "webagg", "nbagg", "notebook", "ipympl", "widget", "inline")
"""Beginnings of the names of backends that draw pictures and open windows: here this backend does that."""


class FigureManager(FigureManagerBase):  # type: ignore[misc,unused-ignore]
    """Shows by keeping pictures."""

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """Keep all open figures and close them; with `block=False`, as in animations, only their end is kept."""
        if block is not False:
            for manager in list(Gcf.get_all_fig_managers()):
                _keep(manager.canvas.figure)
                Gcf.destroy(manager)

    def show(self) -> None:
        """Keep this figure alone: what `figure.show()` calls."""
        _keep(self.canvas.figure)


class FigureCanvas(FigureCanvasAgg):  # type: ignore[misc,unused-ignore]
    """Draws like Agg, and remembers when its figure was saved to a file."""

    manager_class = FigureManager
    kept = False

    def print_figure(self, *arguments: Any, **named: Any) -> Any:
        """Save the figure, as `savefig` does."""
        self.kept = True
        return super().print_figure(*arguments, **named)


def rehearse() -> None:
    """Draw a chart for nobody: fonts are opened and modules imported then, once for all jobs to come."""
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], label="line")
    axes.set(title="title", xlabel="x", ylabel="y")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png")


def keep_windows_away(pyplot: ModuleType) -> None:
    """Let this backend stand in for those that code asks for by name, `matplotlib.use("TkAgg")`."""
    switch: Callable[[Any], None] = pyplot.switch_backend

    def switch_backend(newbackend: Any) -> None:
        name = newbackend.lower().removeprefix("module://matplotlib_") if isinstance(newbackend, str) else ""
        switch(NAME if name.startswith(WINDOWS) else newbackend)

    pyplot.switch_backend = switch_backend  # type: ignore[attr-defined]


def keep_figure(value: Any) -> bool:
    """Keep a figure of any origin. False where it is none."""
    if not hasattr(value, "savefig") or not hasattr(value, "get_axes"):
        return False
    _keep(value)
    return True


def show_rest() -> None:
    """Keep the figures that were neither shown nor saved. One that cannot be drawn is nobody's error at the end."""
    for manager in list(Gcf.get_all_fig_managers()):
        figure = manager.canvas.figure
        empty = not any((figure.axes, figure.texts, figure.images, figure.lines, figure.patches, figure.artists))
        if getattr(manager.canvas, "kept", False) or empty:
            continue
        try:
            _keep(figure)
        except Exception as error:  # noqa: BLE001 (whatever drawing raises, the code itself has ended well)
            print(f"Figure {manager.num} cannot be drawn: {error}", file=sys.stderr)


def _keep(figure: Any) -> None:
    if not shown.room():
        return
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    label = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    titles = [label, *(axes.get_title() for axes in figure.axes)]
    shown.write("png", picture.getvalue(), next((title for title in titles if title), ""))
