"""The matplotlib backend of the code environment: `show()` keeps every open figure as a picture and closes it.

Named by MPLBACKEND as `module://samantha_inside.figures`. Nothing blocks and nothing opens a window.
"""

import io
from typing import Any

from matplotlib._pylab_helpers import Gcf  # type: ignore[import-not-found,unused-ignore]
from matplotlib.backend_bases import FigureManagerBase  # type: ignore[import-not-found,unused-ignore]
from matplotlib.backends.backend_agg import FigureCanvasAgg  # type: ignore[import-not-found,unused-ignore]

from . import shown


class FigureManager(FigureManagerBase):  # type: ignore[misc,unused-ignore]
    """Shows by keeping pictures."""

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """Keep all open figures and close them; with `block=False`, as in animations, only their end is kept."""
        if block is not False:
            _show(lambda _: True)

    def show(self) -> None:
        """Keep this figure alone: what `figure.show()` calls."""
        _keep(self)


class FigureCanvas(FigureCanvasAgg):  # type: ignore[misc,unused-ignore]
    """Draws like Agg, and remembers when its figure was saved to a file."""

    manager_class = FigureManager
    kept = False

    def print_figure(self, *arguments: Any, **named: Any) -> Any:
        """Save the figure, as `savefig` does."""
        self.kept = True
        return super().print_figure(*arguments, **named)


def show_rest() -> None:
    """Keep the figures that were neither shown nor saved."""
    _show(lambda manager: not getattr(manager.canvas, "kept", False))


def _show(wanted: Any) -> None:
    for manager in list(Gcf.get_all_fig_managers()):
        if wanted(manager):
            _keep(manager)
        Gcf.destroy(manager)


def _keep(manager: Any) -> None:
    figure = manager.canvas.figure
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    label = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    titles = [label, *(axes.get_title() for axes in figure.axes)]
    shown.write("png", picture.getvalue(), next((title for title in titles if title), ""))
