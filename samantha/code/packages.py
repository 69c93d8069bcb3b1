"""What the code environment offers: each package, what it is for, and why one that was left out was left out.

What is not here: versions (requirements-code.txt), and whether they are installed (environment.py).
"""

import msgspec


class Package(msgspec.Struct, frozen=True):
    """A package as the index names it.

    Args:
        module: what code imports.
        note: what holds for it beside the others.
        left_out: why it is not installed with the rest; empty for those that are.
    """

    name: str
    module: str
    purpose: str
    note: str = ""
    left_out: str = ""


PACKAGES = (
    Package("pandas", "pandas", "tables: read, clean, group, join"),
    Package("numpy", "numpy", "arrays and linear algebra"),
    Package("scipy", "scipy", "statistics, optimization, signals"),
    Package("scikit-learn", "sklearn", "machine learning"),
    Package("matplotlib", "matplotlib", "charts"),
    Package("seaborn", "seaborn", "statistical charts on matplotlib"),
    Package("altair", "altair", "charts from a description of the data (Vega-Lite)"),
    Package("vl-convert-python", "vl_convert", "Altair charts as pictures, offline"),
    Package("plotly", "plotly", "interactive charts"),
    Package("bokeh", "bokeh", "interactive charts"),
    Package("dash", "dash", "data applications in the browser (Plotly)"),
    Package("streamlit", "streamlit", "data applications in the browser"),
    Package("ydata-profiling", "ydata_profiling", "a report that describes a whole table"),
    Package("sweetviz", "sweetviz", "a report that compares tables"),
    Package("dtale", "dtale", "a table to look through in the browser (D-Tale)"),
    Package("networkx", "networkx", "graphs and networks"),
    Package("pyvis", "pyvis", "interactive pictures of networks"),
    Package("jupyterlab", "jupyterlab", "notebooks"),
    Package(
        "selenium", "selenium", "a browser, remotely controlled", note="needs a browser of your own and full access"
    ),
    Package(
        "playwright", "playwright", "a browser, remotely controlled", note="needs a browser of your own and full access"
    ),
    Package("requests", "requests", "web requests", note="needs the network granted"),
    Package("beautifulsoup4", "bs4", "reading web pages (Beautiful Soup)"),
    Package("lxml", "lxml", "reading XML and web pages; pandas.read_html uses it"),
    Package("pymupdf", "pymupdf", "reading and writing PDF files (PyMuPDF)"),
    Package("sqlalchemy", "sqlalchemy", "databases"),
    Package("openpyxl", "openpyxl", "Excel files"),
    Package("pillow", "PIL", "pictures"),
    Package("tabulate", "tabulate", "tables as text; DataFrame.to_markdown uses it"),
    Package(
        "pyautogui",
        "pyautogui",
        "keyboard and mouse",
        note="needs full access and a display, on Linux an X server and Python's tkinter too",
    ),
    Package("pyinstaller", "PyInstaller", "Python to executable"),
    Package(
        "auto-py-to-exe",
        "auto_py_to_exe",
        "a window for PyInstaller",
        left_out="PyInstaller itself is there; this window in front of it brings a second web server (Eel and gevent),"
        " parts of which come as sources only",
    ),
)
