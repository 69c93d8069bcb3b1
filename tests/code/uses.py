"""One small use of every package of the code environment, run by its Python: prints a line of JSON for each.

`uses.py FOLDER`: the files that are written go into FOLDER. Nothing here needs a display, a browser or the network.
"""

import json
import os
import sys
import traceback

USES = {
    "pandas": "import pandas as pd; assert pd.DataFrame({'a': [1, 2, 2], 'b': [3, 4, 5]}).groupby('a').b.sum()[2] == 9",
    "numpy": "import numpy as np; assert round(np.linalg.det(np.array([[2.0, 1], [1, 2]]))) == 3",
    "scipy": "from scipy import stats; assert stats.ttest_ind([1, 2, 3], [7, 8, 9]).pvalue < 0.01",
    "scikit-learn": """
from sklearn.linear_model import LinearRegression
assert abs(LinearRegression().fit([[1], [2]], [2, 4]).predict([[3]])[0] - 6) < 1e-9
""",
    "matplotlib": "import matplotlib.pyplot as p; p.plot([1, 2]); p.savefig('a.png'); assert os.stat('a.png').st_size",
    "seaborn": """
import pandas as pd, seaborn
assert len(seaborn.barplot(pd.DataFrame({'a': ['x', 'y'], 'b': [1, 2]}), x='a', y='b').patches) == 2
""",
    "altair": """
import altair, pandas as pd
chart = altair.Chart(pd.DataFrame({'a': [1]})).mark_bar().encode(x='a')
chart.save('a.svg')
assert '<svg' in open('a.svg').read() and len(chart.to_html(inline=True)) > 100_000
""",
    "vl-convert-python": """
import vl_convert
bars = {'mark': 'bar', 'data': {'values': [{'a': 1}]}, 'encoding': {'x': {'field': 'a'}}}
assert vl_convert.vegalite_to_png(bars)[1:4] == b'PNG'
""",
    "plotly": "import plotly.express as px; assert 'Plotly' in px.bar(x=['a'], y=[1]).to_html()",
    "bokeh": """
from bokeh.embed import file_html
from bokeh.plotting import figure
from bokeh.resources import INLINE
figure = figure(); figure.line([1, 2], [1, 2])
assert len(file_html(figure, INLINE)) > 100_000
""",
    "dash": """
import dash
page = dash.Dash(); page.layout = dash.html.Div('x')
assert page.server.test_client().get('/').status_code == 200
""",
    "streamlit": """
from streamlit.testing.v1 import AppTest
assert AppTest.from_string('import streamlit as s; s.write("hi")').run().markdown[0].value == 'hi'
""",
    "ydata-profiling": """
import pandas as pd
from ydata_profiling import ProfileReport
table = pd.DataFrame({'height': [1, 2, 3, 4], 'b': list('xyxy')})
assert 'height' in ProfileReport(table, minimal=True, progress_bar=False).to_html()
""",
    "sweetviz": """
import pandas as pd, sweetviz
table = pd.DataFrame({'height': [1, 2, 3, 4] * 10, 'b': list('xyxy') * 10})
sweetviz.analyze(table).show_html('s.html', open_browser=False)
assert 'height' in open('s.html').read()
""",
    "dtale": """
import pandas as pd
from dtale.app import build_app
from dtale.views import startup
startup('http://127.0.0.1:40000', data=pd.DataFrame({'height': [1]}), data_id=1, ignore_duplicate=True)
assert build_app(reaper_on=False).test_client().get('/dtale/main/1').status_code == 200
""",
    "networkx": "import networkx as nx; assert nx.shortest_path(nx.path_graph(3), 0, 2) == [0, 1, 2]",
    "pyvis": """
from pyvis.network import Network
network = Network(cdn_resources='in_line'); network.add_node(1)
assert len(network.generate_html()) > 100_000
""",
    "jupyterlab": "import ipykernel.kernelapp, jupyterlab.labapp as lab; assert lab.LabApp.name == 'lab'",
    "selenium": "from selenium.webdriver import ChromeOptions; assert ChromeOptions().to_capabilities()['browserName']",
    "playwright": """
from playwright.sync_api import sync_playwright
with sync_playwright() as started:
    assert started.chromium.name == 'chromium'
""",
    "requests": """
import requests
assert requests.Request('GET', 'http://a.b', params={'c': 1}).prepare().url == 'http://a.b/?c=1'
""",
    "beautifulsoup4": "from bs4 import BeautifulSoup; assert BeautifulSoup('<p>x</p>', 'html.parser').p.text == 'x'",
    "lxml": """
import io, pandas as pd
assert pd.read_html(io.StringIO('<table><tr><td>1</td></tr></table>'), flavor='lxml')[0].iloc[0, 0] == 1
""",
    "pymupdf": """
import pymupdf
document = pymupdf.open(); document.new_page().insert_text((72, 72), 'hello')
assert 'hello' in document[0].get_text()
""",
    "sqlalchemy": """
import sqlalchemy
with sqlalchemy.create_engine('sqlite://').connect() as connection:
    assert connection.execute(sqlalchemy.text('select 1')).scalar() == 1
""",
    "openpyxl": """
import pandas as pd
pd.DataFrame({'a': [1]}).to_excel('a.xlsx'); assert pd.read_excel('a.xlsx').a[0] == 1
""",
    "pillow": "from PIL import Image; Image.new('RGB', (2, 2)).save('b.png'); assert Image.open('b.png').size[0] == 2",
    "tabulate": "import pandas as pd; assert '|' in pd.DataFrame({'a': [1]}).to_markdown()",
    "pyautogui": """
try:
    import pyautogui
except (KeyError, SystemExit) as missing:  # DISPLAY, or tkinter: what it needs is not on this machine
    assert 'DISPLAY' in str(missing) or 'tkinter' in str(missing)
else:
    assert pyautogui.size()
""",
    "pyinstaller": "import PyInstaller.__main__; assert PyInstaller.__version__",
}


def main() -> None:
    """Run each use and tell how it ended."""
    os.chdir(sys.argv[1])
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the packages print is not the report
    for name, code in USES.items():
        try:
            exec(compile(code, name, "exec"), {"os": os})
            fault = ""
        except BaseException:  # noqa: BLE001 - a package may also end the interpreter, and that is to be told
            fault = traceback.format_exc()
        told.write(json.dumps({"name": name, "fault": fault}) + "\n")
        told.flush()


if __name__ == "__main__":
    main()
