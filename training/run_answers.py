"""Run programs that the model wrote and say which of them do what was asked.

Started by `evaluate.py` as a plain interpreter of its own: reads a JSON list of {code, check} on standard input and
writes a JSON list of true and false. It isolates nothing: it is meant for answers to our
own prompts, in an empty folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import signal
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba

SECONDS = 5
COLUMN = [3, 14, 15, 92, 65, 35, 8, 97, 9, 32]


def out_of_time(_signal: int, _frame: object) -> None:
    """What an alarm does."""
    raise TimeoutError("the program ran too long")


def run(code: str) -> str:
    """What a program prints, without the blanks around it."""
    output = io.StringIO()
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(output):
            exec(compile(code, "answer", "exec"), {"__name__": "__main__"})
    finally:
        signal.alarm(0)
    return "\n".join(line.rstrip() for line in output.getvalue().strip().splitlines())


def drawn(asked: list[list[int]], value: int, low: int, high: int) -> int:
    """What `random.randint` is made to answer, noting what it was asked."""
    asked.append([low, high])
    return value


def right_draws(code: str, check: dict[str, Any]) -> bool:
    """Whether the program prints the right thing for each number it could draw, and draws from the right range."""
    real = random.randint
    asked: list[list[int]] = []
    try:
        for value, expected in check["draws"].items():
            random.randint = partial(drawn, asked, int(value))
            if run(code) != expected:
                return False
    finally:
        random.randint = real
    return len(asked) == len(check["draws"]) and all(bounds == check["range"] for bounds in asked)


def right_marks(axes: Any, figure: dict[str, Any]) -> bool:
    """Whether the marks of the chart are those of the given values."""
    values = figure["values"]
    if figure["kind"] == "line":
        return len(axes.lines) == 1 and list(axes.lines[0].get_ydata()) == values
    if figure["kind"] == "scatter":
        points = axes.collections[0].get_offsets().tolist()
        return bool(points == [[x, y] for x, y in zip(figure["xs"], values, strict=True)])
    heights = [patch.get_height() for patch in axes.patches]
    if figure["kind"] == "histogram":
        return heights == list(np.histogram(values, bins=len(heights))[0])
    plt.gcf().canvas.draw()
    names = [label.get_text() for label in axes.get_xticklabels()]
    return heights == values and ("labels" not in figure or names == figure["labels"])


def colour_of(axes: Any, kind: str) -> Any:
    """The colour of the chart's marks."""
    if kind == "line":
        return axes.lines[0].get_color()
    return axes.collections[0].get_facecolor()[0] if kind == "scatter" else axes.patches[0].get_facecolor()


def right_figure(figure: dict[str, Any]) -> bool:
    """Whether the current figure is the chart that was asked for."""
    if len(plt.get_fignums()) != 1 or len(plt.gcf().axes) != 1:
        return False
    axes = plt.gca()
    words = [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
    if words != [figure["title"], *figure["axes"]] or not right_marks(axes, figure):
        return False
    return not figure["color"] or to_rgba(colour_of(axes, figure["kind"])) == to_rgba(figure["color"])


def right_csv(code: str, check: dict[str, Any]) -> bool:
    """Whether the program reads the named column of the named file and shows what was asked of it."""
    table = pd.DataFrame({"unrelated": range(len(COLUMN)), check["column"]: COLUMN})
    table.to_csv(check["csv"], index=False)
    try:
        printed = run(code)
    finally:
        Path(check["csv"]).unlink()
    if "figure" in check:
        return right_figure({**check["figure"], "values": COLUMN})
    return printed == str(getattr(table[check["column"]], check["method"])())


def is_right(code: str, check: dict[str, Any]) -> bool:
    """Whether one program does what was asked."""
    if "draws" in check:
        return right_draws(code, check)
    if "csv" in check:
        return right_csv(code, check)
    printed = run(code)
    return right_figure(check["figure"]) if "figure" in check else printed == check["stdout"]


def judged(item: dict[str, Any]) -> bool:
    """`is_right`, where a program that fails is wrong; why goes to standard error."""
    plt.close("all")
    try:
        return bool(item["code"].strip()) and is_right(item["code"], item["check"])
    except (Exception, SystemExit):  # noqa: BLE001 (whatever the model's program raises is its failure, not ours)
        traceback.print_exc(limit=1)
        return False


def main() -> None:
    """Judge every program given on standard input."""
    signal.signal(signal.SIGALRM, out_of_time)
    plt.show = lambda *_, **__: None
    print(json.dumps([judged(item) for item in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
