"""Programs that draw: line, bar, scatter and histogram with what the request gives; and columns of a CSV file."""

from __future__ import annotations

from random import Random

from .coding import SYSTEMS, fenced, labels, numbers, quoted, sample, spoken, title_words, wish
from .conversation import Sample, ask
from .words import COLORS, any_word, phrases

BAR_TASKS = phrases("""
    Draw {a} bar chart with the labels {labels} and the values {values} |
    Create {a} bar chart of {labels} with the values {values} |
    Make {a} bar chart: labels {labels}; values {values} |
    Plot {a} bar chart with labels {labels} and values {values} |
    Show {a} bar plot of the values {values} for {labels}
""")
LINE_TASKS = phrases("""
    Draw {a} line chart of the values {values} | Create {a} line chart with the values {values} |
    Plot {a} line with {values} | Make {a} line plot of {values} | Show the values {values} as {a} line chart
""")
SCATTER_TASKS = (
    "Draw {a} scatter plot with x = {xs} and y = {values}",
    "Create {a} scatter chart of x {xs} and y {values}",
    "Make {a} scatter plot: x values {xs}; y values {values}",
    "Plot {a} scatter with x = {xs} and y = {values}",
)
HISTOGRAM_TASKS = phrases("""
    Draw {a} histogram of {values} | Create {a} histogram with the values {values} |
    Plot {a} histogram of the numbers {values} | Make {a} histogram: {values} |
    Show {a} histogram of the values {values}
""")
TITLED = (
    " and the title {}",
    ", titled {}",
    " with the title {}",
    '. The title is "{}"',
    ', title "{}"',
    " and title {}",
)
AXES = (
    " Label the x axis {} and the y axis {}.",
    " The x label is {} and the y label is {}.",
    " x label: {}; y label: {}.",
)


def coloured(random: Random) -> tuple[str, str]:
    """The article with a colour, and the colour (empty where none is asked for)."""
    color = random.choice(COLORS) if random.random() < 0.75 else ""
    article = "an" if color[:1] in tuple("aeiou") and color else "a"
    return f"{article} {color}".strip(), color


def finish(random: Random, task: str, call: str, color: str, data: str, check: dict[str, object]) -> Sample:
    """The title and axes that many charts have, and the whole program."""
    title = title_words(random) if random.random() < 0.75 else ""
    axes = (any_word(random), any_word(random)) if random.random() < 0.25 else None
    task += random.choice(TITLED).format(title) if title else ""
    text = wish(random, task)
    if axes:
        text = text.rstrip(".") + "." + random.choice(AXES).format(*axes)
    lines = [
        "import matplotlib.pyplot as plt",
        "",
        data.strip(),
        call.replace(")", f', color="{color}")' if color else ")"),
    ]
    lines += [f'plt.title("{title}")'] if title else []
    lines += [f'plt.xlabel("{axes[0]}")', f'plt.ylabel("{axes[1]}")'] if axes else []
    code = "\n".join([*lines, "plt.show()"])
    check |= {"title": title, "color": color, "axes": list(axes or ("", ""))}
    return sample("charts", ask(text, system=random.choice(SYSTEMS)), fenced(random, code), {"figure": check})


def bar(random: Random) -> Sample:
    """Labels and as many values."""
    count = random.randint(2, 6)
    names, values = labels(random, count), numbers(random, count)
    article, color = coloured(random)
    listed = ", ".join(names) if random.random() < 0.6 else f"{', '.join(names[:-1])} and {names[-1]}"
    task = random.choice(BAR_TASKS).format(a=article, labels=listed, values=spoken(random, values))
    data = f"labels = {quoted(names)}\nvalues = {values}"
    return finish(
        random, task, "plt.bar(labels, values)", color, data, {"kind": "bar", "labels": names, "values": values}
    )


def line(random: Random) -> Sample:
    """Values in their order."""
    values = numbers(random, random.randint(3, 9))
    article, color = coloured(random)
    task = random.choice(LINE_TASKS).format(a=article, values=spoken(random, values))
    return finish(random, task, "plt.plot(values)", color, f"values = {values}", {"kind": "line", "values": values})


def scatter(random: Random) -> Sample:
    """As many x as y values."""
    count = random.randint(3, 7)
    xs, values = numbers(random, count), numbers(random, count)
    article, color = coloured(random)
    shape = random.choice((", ".join, lambda items: "[" + ", ".join(items) + "]"))
    task = random.choice(SCATTER_TASKS).format(
        a=article, xs=shape(list(map(str, xs))), values=shape(list(map(str, values)))
    )
    data = f"x = {xs}\ny = {values}"
    return finish(random, task, "plt.scatter(x, y)", color, data, {"kind": "scatter", "xs": xs, "values": values})


def histogram(random: Random) -> Sample:
    """Values to be counted."""
    values = numbers(random, random.randint(5, 12))
    article, color = coloured(random)
    task = random.choice(HISTOGRAM_TASKS).format(a=article, values=spoken(random, values))
    return finish(
        random, task, "plt.hist(values)", color, f"values = {values}", {"kind": "histogram", "values": values}
    )


def charts(random: Random) -> Sample:
    """One of the four kinds."""
    return random.choice((bar, bar, bar, line, scatter, histogram))(random)


# --- CSV files ------------------------------------------------------------------------------------------------------

CSV_PLOTS = phrases("""
    Read the file {file} and plot the column {column} as a {kind} chart |
    Load {file} with pandas and draw a {kind} chart of {column} |
    Read {file} and show the column {column} in a {kind} chart |
    Plot the {column} column of {file} as a {kind} chart |
    Make a {kind} chart of the column {column} of the CSV file {file} |
    Open {file} and draw a {kind} chart of the column {column}
""")
CSV_NUMBERS = (
    "Read the file {file} and print the {what} of the column {column}",
    "What is the {what} of {column} in {file}?",
    "Load {file} with pandas and print the {what} of {column}",
    "Print the {what} of the {column} column of {file}",
)
METHODS = {
    "mean": "mean",
    "average": "mean",
    "median": "median",
    "maximum": "max",
    "minimum": "min",
    "sum": "sum",
    "standard deviation": "std",
}
CALLS = {
    "line": 'plt.plot(data["{c}"]{k})',
    "bar": 'plt.bar(data.index, data["{c}"]{k})',
    "histogram": 'plt.hist(data["{c}"]{k})',
}


def column_name(random: Random) -> str:
    """The name of a column, now and then of two words joined by an underscore."""
    word = any_word(random)
    return f"{word}_{any_word(random)}" if random.random() < 0.2 else random.choice((word, word, word.capitalize()))


def csv_file(random: Random) -> Sample:
    """A column of a named file: plotted, or summed up in a number."""
    column = column_name(random)
    name = (
        random.choice(
            (
                "data",
                "sales",
                "table",
                "results",
                any_word(random),
                any_word(random),
                f"{any_word(random)}_{any_word(random)}",
            )
        )
        + ".csv"
    )
    if random.random() < 0.4:
        what = random.choice(tuple(METHODS))
        task = random.choice(CSV_NUMBERS).format(file=name, what=what, column=column)
        code = f'import pandas as pd\n\ndata = pd.read_csv("{name}")\nprint(data["{column}"].{METHODS[what]}())'
        check: dict[str, object] = {"csv": name, "column": column, "method": METHODS[what]}
    else:
        kind = random.choice(tuple(CALLS))
        color = random.choice(COLORS) if random.random() < 0.5 else ""
        task = random.choice(CSV_PLOTS).format(file=name, column=column, kind=kind) + (f" in {color}" if color else "")
        call = CALLS[kind].format(c=column, k=f', color="{color}"' if color else "")
        head = f'import matplotlib.pyplot as plt\nimport pandas as pd\n\ndata = pd.read_csv("{name}")'
        code = f'{head}\n{call}\nplt.title("{column}")\nplt.show()'
        check = {
            "csv": name,
            "column": column,
            "figure": {"kind": kind, "title": column, "color": color, "axes": ["", ""]},
        }
    return sample("csv", ask(wish(random, task), system=random.choice(SYSTEMS)), fenced(random, code), check)
