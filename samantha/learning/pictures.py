"""Answers and choices as pictures, drawn with matplotlib without any window: PNG, or SVG.

An answer: surprisal and entropy of every token. A choice: its candidates before the samplers and after each, and how
many survived. Bars: the same candidates under several settings. What is not here: where answers come from.
"""

import functools
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samantha.chain.record import Answer, Seen
from samantha.errors import ChainError
from samantha.learning.vocabulary import visible
from samantha.traces import Candidate, TokenTrace

INK, MUTED, GRID = "#1d2429", "#6a7883", "#e1e5e8"
LIKELY, UNLIKELY, SELECTED, BEFORE = "#0b6e6e", "#c2570c", "#1d2429", "#b9c4ca"
FORMATS = ("png", "svg")

LONGEST_LABELLED = 60
"""Tokens of an answer that are written below their bars; of a longer one they could not be read."""

MOST_CANDIDATES = 12
MOST_TOKENS = 4000
"""Bars of a picture: more have less than a pixel each."""

FONTS = (
    "DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic",
    "PingFang SC", "Hiragino Sans", "Arial Unicode MS", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai",
    "Nirmala UI", "Leelawadee UI", "Noto Emoji",
)  # fmt: skip
"""The first always comes with matplotlib; the others are asked for what it cannot write, where they are installed."""


def answer(shown: Answer, form: str = "png") -> bytes:
    """Surprisal of each token as bars (hatched where a likelier token was there), entropy as a line.

    Raises:
        ChainError: nothing of the answer was traced.
    """
    tokens = [(place, token, token.trace) for place, token in enumerate(shown.tokens) if token.trace][:MOST_TOKENS]
    if not tokens:
        raise ChainError(f"Step {shown.step} was not traced, so there is nothing to draw.")
    labelled = len(tokens) <= LONGEST_LABELLED
    figure = _figure(max(7.0, min(14.0, 0.26 * len(tokens) + 2)), 3.8 if labelled else 3.2)
    axes = figure.add_subplot()
    _surprisals(axes, tokens)
    axes.plot(
        [place for place, _, _ in tokens], [trace.entropy for *_, trace in tokens], color=INK, linewidth=1.1,
        drawstyle="steps-mid", label="entropy: how open the choice was",
    )  # fmt: skip
    axes.set_ylabel("bits")
    axes.margins(x=0.01)
    if labelled:
        _write_ticks(axes.set_xticks, [place for place, _, _ in tokens], _texts(tokens), rotation=90)
    else:
        axes.set_xlabel("token")
    axes.legend(fontsize=7.5, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    return _drawn(figure, form)


def choice(token: Seen, form: str = "png", count: int = MOST_CANDIDATES) -> bytes:
    """The candidates of one token: a panel before any sampler, one after each sampler, and the funnel of survivors.

    Raises:
        ChainError: the token was not traced.
    """
    if token.trace is None:
        raise ChainError("This token was not traced, so there is nothing to draw.")
    shown = _shown(token.trace, token.id, count)
    names = ["the model", *(stage.name for stage in token.trace.stages)]
    figure = _figure(min(16.0, 2.6 + 1.45 * len(names)), 1.5 + 0.27 * len(shown) + 1.5)
    grid = figure.add_gridspec(2, len(names), height_ratios=[len(shown) + 1, 4])
    first = None
    for stage, name in enumerate(names):
        axes = figure.add_subplot(grid[0, stage], sharey=first, sharex=first)
        _panel(axes, name, shown, stage, token.id, labels=first is None)
        first = first or axes
    _funnel(figure.add_subplot(grid[1, :]), token.trace, names)
    return _drawn(figure, form)


def bars(panels: Sequence[tuple[str, Sequence[tuple[str, float | None]]]], form: str = "png") -> bytes:
    """Probabilities as panels of (title, (label, value)), side by side with the same labels; None is drawn as `out`."""
    rows = max(len(values) for _, values in panels)
    figure = _figure(1.4 + 2.1 * len(panels), 1.0 + 0.27 * rows)
    first = None
    for number, (title, values) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), number + 1, sharey=first, sharex=first)
        labels = [label for label, _ in values] if first is None else None
        _bars(axes, title, labels, [value for _, value in values], [LIKELY if number else BEFORE] * len(values))
        first = first or axes
    return _drawn(figure, form)


def save(picture: bytes, path: Path) -> None:
    """Write a picture.

    Raises:
        ChainError: it cannot be written there.
    """
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise ChainError(f"The picture {path} cannot be written ({error.strerror or error}).") from None


def form_of(path: Path) -> str:
    """The format that a file's name asks for.

    Raises:
        ChainError: it is none of `FORMATS`.
    """
    form = path.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise ChainError(f"{path.name} is no picture that can be drawn: name it .png or .svg.")
    return form


def _surprisals(axes: Any, tokens: Sequence[tuple[int, Seen, TokenTrace]]) -> None:
    for unlikely, colour, hatch, label in (
        (False, LIKELY, None, "surprisal: the likeliest token was chosen"),
        (True, UNLIKELY, "///", "surprisal: a likelier token was there"),
    ):
        kept = [(place, trace.surprisal) for place, _, trace in tokens if trace.unlikely == unlikely]
        heights = [bits if math.isfinite(bits) else 0.0 for _, bits in kept]
        axes.bar(
            [place for place, _ in kept], heights, color=colour, width=0.75, label=label, hatch=hatch,
            edgecolor="white" if hatch else colour, linewidth=0,
        )  # fmt: skip


def _texts(tokens: Sequence[tuple[int, Seen, TokenTrace]]) -> list[str]:
    return [_short(visible(token.piece)) for _, token, _ in tokens]


def _shown(trace: TokenTrace, chosen: int, count: int) -> list[Candidate]:
    """The likeliest candidates, and the chosen one whatever its rank."""
    best = [one for one in trace.candidates if one.rank <= count]
    return [*best, *(one for one in trace.candidates if one.id == chosen and one.rank > count)]


def _panel(axes: Any, name: str, shown: Sequence[Candidate], stage: int, chosen: int, labels: bool) -> None:
    values = [(one.probability, *one.after)[stage] for one in shown]
    colours = [UNLIKELY if one.id == chosen else LIKELY if stage else BEFORE for one in shown]
    names = [("▶ " if one.id == chosen else "") + _short(visible(one.piece)) for one in shown]
    _bars(axes, name, names if labels else None, values, colours)


def _bars(
    axes: Any, title: str, labels: Sequence[str] | None, values: Sequence[float | None], colours: Sequence[str]
) -> None:
    places = range(len(values))
    axes.barh(places, [value or 0.0 for value in values], color=list(colours), height=0.72)
    axes.set_title(title, fontsize=9, color=INK, parse_math=False)
    highest = max((value for value in values if value is not None), default=1.0) or 1.0
    axes.set_xlim(0, max(axes.get_xlim()[1] if title and labels is None else 0, highest * 1.5))
    for place, value in zip(places, values, strict=True):
        text = "out" if value is None else share(value)
        axes.annotate(
            text, (value or 0.0, place), (3, 0), textcoords="offset points", va="center", fontsize=7,
            color=MUTED if value is None else INK, style="italic" if value is None else "normal",
        )  # fmt: skip
    axes.set_xticks([])
    if labels is None:
        axes.tick_params(labelleft=False, left=False)
    else:
        _write_ticks(axes.set_yticks, list(places), list(labels))
        axes.invert_yaxis()


def _funnel(axes: Any, trace: TokenTrace, names: Sequence[str]) -> None:
    """How many candidates are left, on a logarithmic scale: from a vocabulary to a handful."""
    first = sum(one.logit is not None for one in trace.candidates)
    counts = [max(len(trace.ids) // 4 + trace.rest.count, first), *(stage.survivors for stage in trace.stages)]
    axes.bar(range(len(counts)), [math.log10(count) + 0.15 if count else 0.0 for count in counts], color=BEFORE)
    for place, count in enumerate(counts):
        height = math.log10(count) + 0.15 if count else 0.0
        axes.annotate(f"{count:,}", (place, height), (0, 2), textcoords="offset points", ha="center", fontsize=8)
    axes.margins(y=0.35)
    axes.set_yticks([])
    axes.set_ylabel("survivors", fontsize=8, color=MUTED)
    axes.set_xticks(range(len(names)), names, fontsize=8, parse_math=False)


def share(value: float) -> str:
    """A probability in percent, with as many digits as say something: `98.7 %`, `0.31 %`, `<0.01 %`."""
    percent = 100 * value
    if 0 < percent < 0.01:
        return "<0.01 %"
    return f"{percent:.0f} %" if percent >= 99.95 or percent == 0 else f"{percent:.{1 if percent >= 1 else 2}f} %"


def _figure(width: float, height: float) -> Any:
    """Inches. No pyplot: it keeps every figure in one global list, and threads draw side by side here."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _drawn(figure: Any, form: str) -> bytes:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GRID)
        axes.tick_params(colors=INK, labelsize=8, color=GRID)
    for text in figure.findobj(match=lambda one: hasattr(one, "set_parse_math")):
        text.set_parse_math(False)  # a token may well be a dollar sign
        text.set_fontfamily(list(_fonts()))
    data = io.BytesIO()
    figure.savefig(data, format=form, dpi=110, metadata={"Date": None} if form == "svg" else {"Software": None})
    return data.getvalue()


def _write_ticks(write: Any, places: list[int], labels: list[str], **options: Any) -> None:
    written = [_writable(label) for label in labels]
    write(places, written, fontsize=8, parse_math=False, fontfamily=list(_fonts()), **options)


def _short(text: str) -> str:
    return text if len(text) <= 16 else text[:15] + "…"


def _writable(text: str) -> str:
    """What no font here can write is named by its number instead of drawn as an empty box."""
    known = _characters()
    return "".join(one if ord(one) in known else f"\\u{ord(one):04X}" for one in text)


@functools.cache
def _fonts() -> tuple[str, ...]:
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in FONTS if name in installed)


@functools.cache
def _characters() -> frozenset[int]:
    """Every character that one of the fonts can write."""
    from matplotlib import font_manager

    paths = (font_manager.findfont(name, fallback_to_default=False) for name in _fonts())
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))
