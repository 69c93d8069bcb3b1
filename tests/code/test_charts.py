"""Charts of plotly, altair, bokeh and pyvis: each is one page that a browser draws without any network."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.code.running import Ran, Run
from tests.ui.conftest import launched

FETCHED = re.compile(
    r"<(?:script|img|iframe)\b[^>]*?\bsrc\s*=\s*[\"']?(?:https?:)?//[^\"'\s>]+"
    r"|<link\b[^>]*?\bhref\s*=\s*[\"']?(?:https?:)?//[^\"'\s>]+|@import[^;]{0,9}(?:https?:)?//[^\s;]+",
    re.IGNORECASE,
)
"""What makes a browser fetch something."""

CHARTS = {
    "plotly express": ("import plotly.express as px\npx.bar(x=['a'], y=[1], title='T').show()", "T", ".main-svg"),
    "plotly in a notebook's way": (
        "import plotly.graph_objects as go\nfrom IPython.display import display\n"
        "display(go.Figure(go.Scatter(y=[1, 2])).update_layout(title='T'))", "T", ".main-svg",
    ),
    "plotly opened": (
        "import plotly.express as px\npx.line(y=[1, 2]).write_html('p.html', include_plotlyjs='cdn', auto_open=True)",
        "p.html", ".main-svg",
    ),
    "altair": (
        "import altair as alt, pandas as pd\n"
        "alt.Chart(pd.DataFrame({'a': [1]}), title='T').mark_bar().encode(x='a').show()", "T", ".marks",
    ),
    "altair in a notebook's way": (
        "import altair as alt, pandas as pd\n"
        "chart = alt.Chart(pd.DataFrame({'a': [1]})).mark_bar().encode(x='a')\n(chart + chart).display()", "", ".marks",
    ),
    "altair opened": (
        "import altair as alt, pandas as pd, webbrowser\n"
        "alt.Chart(pd.DataFrame({'a': [1]})).mark_bar().encode(x='a').save('c.html')\nwebbrowser.open('c.html')",
        "c.html", ".marks",
    ),
    "bokeh": (
        "from bokeh.plotting import figure, show\np = figure()\np.line([1, 2], [3, 4])\nshow(p)", None, ".bk-Figure",
    ),
    "pyvis": (
        "from pyvis.network import Network\nn = Network()\nn.add_node(1)\nn.show('n.html', notebook=False)", "n.html",
        "#mynetwork canvas",
    ),
    "pyvis with menus, opened": (
        "from pyvis.network import Network\nimport webbrowser\nn = Network(select_menu=True, filter_menu=True)\n"
        "n.add_node(1)\nn.save_graph('m.html')\nwebbrowser.open('m.html')", "m.html", "#mynetwork canvas",
    ),
}  # fmt: skip
"""Code, the title, and what a browser must have drawn."""


@pytest.fixture(scope="module")
def charts(run: Run) -> dict[str, Ran]:
    """Every chart, made once."""
    return {name: run(code) for name, (code, _, _) in CHARTS.items()}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_one_page_that_needs_nothing_from_outside(charts: dict[str, Ran], name: str) -> None:
    done = charts[name]
    assert [each.media for each in done.shown] == ["text/html"]
    expected = CHARTS[name][1]
    assert expected is None or done.shown[0].title == expected
    assert FETCHED.findall(done.pages()[0]) == []
    assert done.stdout.strip() == ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        yield launched(playwright)


def test_charts_are_drawn_in_a_browser_without_a_network(charts: dict[str, Ran], browser: Any) -> None:
    """One browser for all: pages as they would be shown, every request refused and remembered."""
    for name, done in charts.items():
        page = browser.new_page()
        asked: list[str] = []
        page.route("**/*", lambda route, asked=asked: (asked.append(route.request.url), route.abort()))
        page.set_content(done.pages()[0], wait_until="domcontentloaded")
        page.wait_for_selector(CHARTS[name][2], state="attached", timeout=100_000)
        assert [address for address in asked if not address.startswith(("data:", "blob:"))] == [], name
        page.close()


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_of_altair_is_refused_and_does_not_end_the_interpreter(run: Run, ending: str) -> None:
    chart = "import altair, pandas\nchart = altair.Chart(pandas.DataFrame({'a': [1]})).mark_bar().encode(x='a')\n"
    done = run(f"{chart}chart.save('chart.{ending}')", reason="raised")
    assert "show the chart, or save it as .html or .json" in done.finished.output
