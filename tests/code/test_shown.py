"""What code shows: figures, pictures, tables, rich objects, files opened in a browser. How much, as what, and once."""

import io

import pytest
from PIL import Image

from samantha.code.code import Shown
from tests.code.running import Run


def kinds(shown: list[Shown]) -> list[str]:
    """What each is: its ending."""
    return [each.file.partition(".")[2] for each in shown]


def picture(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n"


def test_show_keeps_every_open_figure_in_order_as_a_picture(run: Run) -> None:
    code = (
        "plt.title('first')\nplt.figure(figsize=(2, 1), dpi=100)\nplt.bar([1], [2])\nplt.suptitle('second')\nplt.show()"
    )
    done = run(PLOT + code)
    assert [(each.media, each.title) for each in done.shown] == [("image/png", "first"), ("image/png", "second")]
    assert [picture(content).size for content in done.contents()] == [(640, 480), (200, 100)]
    assert done.stdout == done.stderr == done.finished.output == ""


def test_a_shown_figure_is_closed_as_its_window_would_be(run: Run) -> None:
    done = run(PLOT + "plt.show()\nprint(plt.get_fignums())\nplt.plot([5])\nplt.title('next')\nplt.show()")
    assert [each.title for each in done.shown] == ["", "next"]
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("plt.savefig('a.png')", 0),
        ("plt.savefig('a.png'); plt.show()", 1),
        ("plt.gcf().savefig('a.pdf'); plt.close()", 0),
        ("import io; plt.savefig(io.BytesIO(), format='svg')", 0),
        ("", 1),
        ("plt.figure()", 1),  # the second one is empty
        ("plt.gcf().show()", 1),
        ("plt.show(); plt.show()", 1),
        ("plt.close('all')", 0),
        ("plt.show(block=False)", 1),
        ("plt.ion(); plt.draw(); plt.show(); plt.ioff()", 1),
    ],
)
def test_a_figure_is_shown_once_and_not_at_all_when_it_was_only_saved(run: Run, code: str, count: int) -> None:
    assert kinds(run(PLOT + code).shown) == ["png"] * count


def test_figures_of_code_that_raises_are_shown(run: Run) -> None:
    done = run(PLOT + "1 / 0", reason="raised")
    assert kinds(done.shown) == ["png"]
    assert done.finished.output.endswith("ZeroDivisionError: division by zero")


def test_a_figure_that_cannot_be_drawn_at_the_end_fails_nothing(run: Run) -> None:
    done = run("print(1)\n" + PLOT + "plt.title('$\\\\nonsense{$')\nplt.figure()\nplt.plot([2])")
    assert kinds(done.shown) == ["png"]
    assert "Figure 1 cannot be drawn" in done.stderr


def test_an_animation_loop_shows_its_end_alone(run: Run) -> None:
    code = """
for frame in range(30):
    plt.clf()
    plt.plot([frame, 1])
    plt.title(f"frame {frame}")
    plt.pause(0.001)
"""
    assert [each.title for each in run(PLOT + code).shown] == ["frame 29"]


def test_what_is_more_than_a_page_holds_is_left_out_and_named(run: Run) -> None:
    figures = "for n in range(103):\n    plt.figure(figsize=(0.2, 0.2)).add_subplot()\nplt.show()"
    done = run(PLOT + figures)
    assert len(done.shown) == 100
    assert done.stderr.count("Only the first 100") == 1


@pytest.mark.parametrize("backend", ["TkAgg", "Qt5Agg", "agg", "MacOSX", "WebAgg", "nbagg"])
def test_a_backend_that_code_asks_for_shows_as_pictures(run: Run, backend: str) -> None:
    done = run(f"import matplotlib\nmatplotlib.use('{backend}')\n{PLOT}plt.show()\nplt.plot([1])\nplt.savefig('x.png')")
    assert kinds(done.shown) == ["png"]
    assert not done.stderr


def test_a_forked_process_overwrites_nothing_that_was_shown(run: Run) -> None:
    code = """
import multiprocessing
import matplotlib.pyplot as plt

def draw(name):
    plt.plot([1])
    plt.title(name)
    plt.show()

processes = [multiprocessing.Process(target=draw, args=(name,)) for name in "ab"]
for process in processes: process.start()
for process in processes: process.join()
draw("c")
"""
    assert sorted(each.title for each in run(code).shown) == ["a", "b", "c"]


def test_seaborn(run: Run) -> None:
    code = "import pandas as pd, seaborn as sns\ndf = pd.DataFrame({'x': [1, 2, 3], 'y': [3, 1, 2]})\n"
    done = run(code + "sns.relplot(df, x='x', y='y')\nimport matplotlib.pyplot as plt\nplt.title('T')\nplt.show()")
    assert [(each.media, each.title) for each in done.shown] == [("image/png", "T")]


def test_pillow_shows_a_picture(run: Run) -> None:
    done = run("from PIL import Image\nImage.new('RGB', (30, 20), 'red').show()\nImage.new('L', (5, 5)).show('title')")
    assert [picture(content).size for content in done.contents()] == [(30, 20), (5, 5)]


def table(page: str) -> tuple[int, int]:
    """Rows and columns of a table as shown, its heads left out."""
    body = page.partition("<tbody>")[2]
    return body.count("<tr"), body.partition("</tr>")[0].count("<td")


FRAME = "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3], 'b': ['x', '<b>', 'z']})\n"


@pytest.mark.parametrize(
    ("code", "sizes", "text"),
    [
        ("print(df)", [(3, 2)], "2  3    z"),
        ("print('head:', df['a'], sep='\\n')", [(3, 1)], "Name: a"),
        ("print(df, df.T)", [(3, 2), (2, 3)], "x  <b>  z"),
        ("print(df.style.format({'a': '{:.1f}'}, escape='html'))", [(3, 2)], "Styler object"),
        ("from IPython.display import display\ndisplay(df)", [(3, 2)], "2  3    z"),
        ("from IPython.display import display\ndisplay(df, 'and', 5)", [(3, 2)], "and 5"),
        ("import sys; print(df, file=sys.stdout)", [(3, 2)], "2  3    z"),
        ("print(df.to_string())", [], "2  3    z"),
        ("import sys; print(df, file=sys.stderr)", [], ""),
        ("print(df, file=open('table.txt', 'w'))", [], ""),
        ("import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): print(df)", [], ""),
        ("print([df])", [], "2  3    z"),
        ("print(pd.DataFrame())", [(0, 0)], "Empty DataFrame"),
    ],
)
def test_a_printed_table_is_shown_as_a_table_and_printed_as_ever(
    run: Run, code: str, sizes: list[tuple[int, int]], text: str
) -> None:
    done = run(FRAME + code)
    assert kinds(done.shown) == ["table.html"] * len(sizes)
    assert [table(page) for page in done.pages()] == sizes
    assert text in done.stdout
    assert "<b>" not in "".join(done.pages())


def test_a_style_is_kept(run: Run) -> None:
    assert "background-color: yellow" in run(FRAME + "print(df.style.highlight_max(subset='a'))").pages()[0]


@pytest.mark.parametrize(
    ("shape", "shown"),
    [((100_000, 3), (500, 3)), ((2, 100), (2, 60)), ((5_000, 200), (100, 60)), ((500, 12), (500, 12))],
)
def test_a_huge_table_is_cut_and_says_so(run: Run, shape: tuple[int, int], shown: tuple[int, int]) -> None:
    done = run(f"import numpy as np, pandas as pd\nprint(pd.DataFrame(np.ones({shape})))")
    assert table(done.pages()[0]) == shown
    cut = f" (the first {shown[0]} × {shown[1]})" if shown != shape else ""
    assert done.shown[0].title == f"{shape[0]} × {shape[1]}{cut}"


def test_a_table_that_cannot_be_shown_is_printed_all_the_same(run: Run) -> None:
    code = """
import pandas as pd
pd.DataFrame.to_html = lambda *_, **__: 1 / 0
print(pd.DataFrame({"a": [1]}))
print("after")
"""
    done = run(code)
    assert done.shown == []
    assert done.stdout == "   a\n0  1\nafter\n"


def test_a_loop_that_prints_tables_shows_the_first_ones(run: Run) -> None:
    done = run(FRAME + "for n in range(40):\n    print(df.head(1))")
    assert len(done.shown) == 30
    assert done.stdout.count("0  1  x") == 40


@pytest.mark.parametrize(
    ("shows", "kind", "content"),
    [
        ("HTML('<b>bold</b>')", "html", b"<b>bold</b>"),
        ("SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>')", "svg", b"<svg"),
        ("Image(data=png.getvalue())", "png", b"\x89PNG"),
        ("Image(data=jpg.getvalue())", "html", b'<img src="data:image/jpeg;base64,/9j/'),
        ("Picture.new('RGB', (9, 9))", "png", b"\x89PNG"),
        ("plt.figure(figsize=(1, 1))", "png", b"\x89PNG"),
    ],
)
def test_rich_objects_are_shown_and_not_printed(run: Run, shows: str, kind: str, content: bytes) -> None:
    code = f"""
import io
import matplotlib.pyplot as plt
from IPython.display import HTML, SVG, Image, display
from PIL import Image as Picture
png, jpg = io.BytesIO(), io.BytesIO()
Picture.new("RGB", (9, 9)).save(png, "png")
Picture.new("RGB", (9, 9)).save(jpg, "jpeg")
display({shows})
"""
    done = run(code)
    assert kinds(done.shown) == [kind]
    assert done.contents()[0].startswith(content)
    assert done.stdout == ""


def test_plain_objects_are_displayed_as_text(run: Run) -> None:
    done = run("from IPython.display import Markdown, display\ndisplay(5, 'text', [1])\ndisplay(Markdown('# Title'))")
    assert done.shown == []
    assert done.stdout.startswith("5 text [1]\n")


def test_a_page_opened_in_a_browser_takes_its_files_along(run: Run) -> None:
    code = """
import webbrowser
from pathlib import Path
from PIL import Image
Path("parts").mkdir()
Image.new("RGB", (2, 2)).save("parts/a picture.png")
Path("parts/page.css").write_text("h1 { color: red }")
Path("parts/page.js").write_text("document.write('</script>')")
Path("report.html").write_text('''<link rel="stylesheet" href="parts/page.css"><script src="parts/page.js"></script>
<h1>Olá</h1><img alt="p" src="parts/a%20picture.png"><img src="missing.png"><a href="https://example.org">out</a>''')
print(webbrowser.open("report.html"), webbrowser.open(Path("report.html").resolve().as_uri()))
"""
    done = run(code)
    assert [each.title for each in done.shown] == ["report.html", "report.html"]
    page = done.pages()[0]
    assert page == done.pages()[1]
    assert "<style>h1 { color: red }</style><script>document.write('<\\/script>')</script>" in page
    assert '<img alt="p" src="data:image/png;base64,' in page
    assert '<img src="missing.png"><a href="https://example.org">out</a>' in page
    assert done.stdout == "True True\n"


@pytest.mark.parametrize(
    ("opens", "kind"),
    [
        ("'picture.png'", ["png"]),
        ("'picture.jpg'", ["html"]),
        ("'notes.txt'", []),
        ("'missing.html'", []),
        ("'https://example.org/page.html'", []),
        ("'javascript:alert(1)'", []),
        ("'.'", []),
        ("'\\0.html'", []),
    ],
)
def test_what_a_browser_would_open(run: Run, opens: str, kind: list[str]) -> None:
    code = f"""
import webbrowser
from PIL import Image
Image.new("RGB", (2, 2)).save("picture.png")
Image.new("RGB", (2, 2)).save("picture.jpg")
open("notes.txt", "w").close()
webbrowser.open({opens})
webbrowser.get().open_new_tab({opens})
"""
    assert kinds(run(code).shown) == kind * 2


def test_the_page_of_a_response_is_shown_before_what_the_code_shows(run: Run) -> None:
    done = run(PLOT, html="<h1>Olá</h1>")
    assert kinds(done.shown) == ["html", "png"]
    assert done.contents()[0].decode() == "<h1>Olá</h1>"
