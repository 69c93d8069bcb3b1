"""Generated code in the page, with the real runner and a real browser: what a person sees, allows, stops and opens."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from samantha.code import background, proof
from samantha.models.residency import Residency
from samantha.models.scripted import ScriptedModel
from samantha.runs.store import RunStore
from samantha.sandbox.canary import Proof
from samantha.ui.app import serving
from tests.ui.conftest import Served
from tests.ui.test_page import CARD, choose, done, prompt

Open = Callable[..., Any]

PATIENCE = 120_000
"""Milliseconds: libraries are imported on a busy machine."""


def block(code: str, language: str = "python") -> str:
    return f"Here it is:\n\n```{language}\n{code}\n```\n"


@pytest.fixture(autouse=True)
def _code_ends() -> Any:
    yield
    background.close_all()


@pytest.fixture
def ask(opened: Open, served: Served) -> Callable[..., Any]:
    """Opens a page, lets a model give `answers`, with code running, and waits for the end of the run."""

    def asked(*answers: str, wait: bool = True, page: Any = None) -> Any:
        page = page or opened()
        page.set_default_timeout(PATIENCE)
        served.models.models["coder"] = ScriptedModel("coder", answers)
        choose(page, "coder")
        page.check("#flag-run_code")
        prompt(page, "\n".join(f"prompt {number}" for number in range(len(answers))))
        page.wait_for_function(f"document.querySelector('#steps').innerText.startsWith('{len(answers)} step')")
        page.click("#start")
        if wait:
            page.wait_for_selector("body.running")
            done(page)
        return page

    return asked


def foot(page: Any, place: int = 0) -> str:
    return str(page.locator(f"{CARD} .code-foot").nth(place).inner_text())


def test_what_code_prints_shows_and_makes_stands_in_its_card(ask: Any, tmp_path: Path) -> None:
    page = ask(
        block(
            "import sys\nimport pandas as pd\nimport matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()\n"
            "table = pd.DataFrame({'city': ['Recife', 'Porto'], 'sales': [31, 12]})\nprint(table)\n"
            "table.to_csv('cities.csv')\nprint('careful', file=sys.stderr)"
        )
    )
    card = page.locator(CARD)
    assert "Recife" in card.locator(".printed .stdout").inner_text()
    assert card.locator(".printed .stderr").inner_text().strip() == "careful"
    page.wait_for_function(f"document.querySelector('{CARD} .picture img').naturalWidth > 100")
    frame = card.locator("iframe.table")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    table = page.frame_locator(f"{CARD} iframe.table").locator("table")
    assert "Porto" in table.inner_text()
    page.wait_for_function(f"document.querySelector('{CARD} iframe.table').clientHeight < 190")
    with page.expect_download() as download:
        card.locator(".files a").click()
    download.value.save_as(tmp_path / "saved.csv")
    assert download.value.suggested_filename == "cities.csv"
    assert (tmp_path / "saved.csv").read_text() == ",city,sales\n0,Recife,31\n1,Porto,12\n"
    assert re.search(r"ended without an error · .* s · peak .* MB · isolated", foot(page))


def test_an_error_and_a_limit_say_which(ask: Any, opened: Open) -> None:
    page = opened()
    page.check("#flag-run_code")
    page.fill("#access-seconds", "15")
    page.press("#access-seconds", "Tab")
    ask(block("print('before')\n1 / 0"), block("while True: pass"), page=page)
    first, second = page.locator(CARD).all()
    assert "ZeroDivisionError" in first.inner_text()
    assert "before" in first.locator(".printed .stdout").inner_text()
    assert "ended by an error" in foot(page, 0)
    assert "longer than 15 seconds" in second.locator(".code-error").inner_text()
    assert "the time limit" in foot(page, 1)


def test_output_comes_while_the_code_runs_and_stop_ends_it(ask: Any) -> None:
    page = ask(block("import time\nwhile True:\n    print('tick', flush=True)\n    time.sleep(0.1)"), wait=False)
    page.wait_for_function(f"(document.querySelector('{CARD} .printed')?.innerText.match(/tick/g) || []).length > 3")
    assert foot(page) == "the code is running"
    assert "running code" in page.inner_text(".progress .what")
    page.keyboard.press("Escape")  # the window
    page.keyboard.press("Escape")
    done(page)
    assert "stopped" in foot(page)
    assert page.inner_text("li.run .reason") == "Stopped"


def test_one_window_a_run_only_when_there_is_something_to_see(ask: Any) -> None:
    page = ask(block("x = 1"), block("print(None)"), "no code")
    window = page.locator(".output-window")
    assert window.is_hidden()
    ask(block("print('first')"), block("pass"), block("print('second')"), page=page)
    assert window.count() == 1
    assert window.is_visible()
    assert "second" in window.inner_text()
    assert "first" not in window.inner_text()
    page.keyboard.press("Escape")
    assert window.is_hidden()
    ask(block("print('again')"), page=page)
    assert window.is_visible()
    ask("no code", page=page, wait=False)
    window.wait_for(state="hidden")  # a new run begins without the output of the one before
    done(page)
    ask(block("print('again')"), page=page)
    page.click("#clear")
    window.wait_for(state="hidden")
    page.check("#flag-hide_html")
    ask(block("print('third')"), page=page)
    assert window.is_hidden()
    assert "third" in page.locator(f"{CARD} .printed").last.inner_text()


def test_a_page_of_the_response_opens_and_its_scripts_run(ask: Any) -> None:
    page = ask(block("<h1>Hello</h1><script>document.body.append('from a script')</script>", "html"))
    frame = page.frame_locator(f"{CARD} iframe.page")
    frame.locator("h1").wait_for()
    assert "from a script" in frame.locator("body").inner_text()
    page.click(f"{CARD} .under button")
    assert page.locator(f"{CARD} figure.grown").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(f"{CARD} figure.grown").count() == 0


def test_a_server_is_reached_at_its_address_and_closed_with_the_others(ask: Any) -> None:
    page = ask(
        block("import subprocess, sys, time\nopen('index.html', 'w').write('served')\n"
              "subprocess.Popen([sys.executable, '-m', 'http.server', '8123'])\ntime.sleep(2)")
    )  # fmt: skip
    link = page.locator(f"{CARD} .serving a")
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert link.get_attribute("target") == "_blank"
    address = str(link.get_attribute("href"))
    assert re.fullmatch(r"http://127\.\d+\.\d+\.\d+:\d+/", address)
    assert not address.startswith("http://127.0.0.1:")  # the cookie of this page must not reach it
    assert httpx.get(address).text == "served"
    page.get_by_role("tab", name="Code").click()
    page.wait_for_selector("#workshop .processes a")
    page.click("#close-all")
    page.wait_for_function("document.querySelector('[data-said=background]')?.innerText.includes('ended')")
    with pytest.raises(httpx.HTTPError):
        httpx.get(address)


def test_a_file_is_seen_only_where_it_was_allowed(ask: Any, opened: Open, tmp_path: Path) -> None:
    table = tmp_path / "data" / "sales.csv"
    table.parent.mkdir()
    table.write_text("sold\n7\n")
    code = block(f"print(open('sales.csv').read())\nprint(open({str(table)!r}).read())")
    page = opened()
    page.check("#flag-run_code")
    page.fill("#access-path", f'"{table}"')
    page.press("#access-path", "Enter")
    page.wait_for_selector("#access .chip")
    ask(code, page=page)
    assert page.locator(f"{CARD} .printed").inner_text().count("7") == 2
    assert "sales.csv" in page.inner_text("#access .chip .name")
    other = ask(code)
    assert other.locator("#access .chip").count() == 0
    assert "FileNotFoundError" in other.inner_text(CARD)
    page.click("#access .chip .remove")
    page.wait_for_function("document.querySelectorAll('#access .chip').length === 0")
    ask(code, page=page)
    assert "FileNotFoundError" in page.locator(CARD).last.inner_text()
    assert table.read_text() == "sold\n7\n"


def test_a_wrong_path_is_a_sentence_and_stays_in_its_field(opened: Open) -> None:
    page = opened()
    page.check("#flag-run_code")
    page.fill("#access-path", "/nowhere/sales.csv")
    page.press("#access-path", "Enter")
    page.wait_for_selector("#access [role=alert]:not([hidden])")
    assert "There is no file or folder /nowhere/sales.csv" in page.inner_text("#access [role=alert]")
    assert page.input_value("#access-path") == "/nowhere/sales.csv"


def test_a_shipped_chain_brings_its_own_files_and_a_strangers_only_asks(opened: Open, tmp_path: Path) -> None:
    page = opened()
    page.hover("#chains-picker")
    page.wait_for_function(
        "[...document.querySelectorAll('#chains-picker option')].some((one) => one.label.includes('data'))"
    )
    page.select_option("#chains-picker", label="code data analysis")
    page.wait_for_selector("#access .chip:not(.asked)")
    assert page.is_checked("#flag-run_code")
    stranger = 'format = 1\nprompts = "Hi"\nrun_code = true\nfiles = ["/etc/hostname"]\n'
    upload = {"name": "x.toml", "mimeType": "", "buffer": stranger.encode()}
    page.set_input_files("#files input[type=file]", upload)
    page.wait_for_selector("#access .chip.asked")
    page.click("#start")
    page.wait_for_selector("#access-line [role=alert]")
    assert "/etc/hostname" in page.inner_text("#access-line")
    assert page.locator(CARD).count() == 0


def test_without_a_sandbox_nothing_starts_until_full_access_is_typed_and_it_stays_in_sight(
    ask: Any, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "_proof", Proof("none", ("it was taken away for this test",), 0.0))
    page = opened()
    page.check("#flag-run_code")
    page.click("#start")
    page.wait_for_selector("#access-line [role=alert]")
    assert "does not run by itself here" in page.inner_text("#access-line")
    assert page.locator(CARD).count() == 0
    page.click("#full-open")
    page.fill("#full-word", "yes")
    page.press("#full-word", "Enter")
    page.wait_for_selector("#access [role=alert]:not([hidden])")
    assert page.input_value("#full-word") == "yes"
    page.fill("#full-word", "full access")
    page.press("#full-word", "Enter")
    page.wait_for_selector("#full-off")
    assert "full access" in page.inner_text("#code-access")
    ask(block("import os\nprint(os.path.exists('/etc/passwd'))"), page=page)
    assert "full access" in foot(page)
    other = opened()
    assert "full access" not in other.inner_text("#code-access")
    page.click("#code-access")
    page.wait_for_function("!document.querySelector('#code-access').innerText.includes('full access')")
    page.click("#start")
    page.wait_for_selector("#access-line [role=alert]")


def test_switching_full_access_off_stops_what_runs_with_it(ask: Any, opened: Open) -> None:
    page = opened()
    page.check("#flag-run_code")
    page.click("#full-open")
    page.fill("#full-word", "full access")
    page.press("#full-word", "Enter")
    page.wait_for_selector("#full-off")
    ask(block("import time\nprint('on', flush=True)\ntime.sleep(1000)"), page=page, wait=False)
    page.wait_for_selector(f"{CARD} .printed .stdout")
    page.click("#code-access")
    done(page)
    assert "stopped" in foot(page)


def test_a_stored_run_is_shown_again_and_says_what_is_gone(ask: Any, samantha_home: Path) -> None:
    page = ask(
        block(
            "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n"
            "open('a.txt', 'w').write('x')\nprint('kept')"
        )
    )
    run = next((samantha_home / "work").glob("2*"))
    (run / "box" / "a.txt").unlink()
    for picture in run.glob("shown/*/*.png"):
        picture.unlink()
    page.get_by_role("tab", name="History").click()
    page.click("#history tbody button")
    page.wait_for_selector("#history article .code-part")
    shown = page.inner_text("#history article")
    assert "kept" in shown
    assert "its file is gone" in shown
    assert page.locator("#history .files a").count() == 0


def test_the_editor_runs_code_and_keeps_its_folder(opened: Open) -> None:
    page = opened()
    page.set_default_timeout(PATIENCE)
    page.get_by_role("tab", name="Code").click()
    for number, code in enumerate(("open('kept.txt', 'w').write('yes')", "print(open('kept.txt').read())"), 1):
        page.click("#editor .cm-content")
        page.keyboard.press("Control+a")
        page.keyboard.type(code)
        page.wait_for_timeout(300)
        page.keyboard.press("Control+Enter")
        page.wait_for_function(f"document.querySelectorAll('#results .code-foot.ok').length === {number}")
    assert page.locator("#results .printed").first.inner_text() == "yes\n"
    page.click("#code-clear")
    page.wait_for_function("document.querySelectorAll('#results article').length === 0")


def test_marked_text_is_run_instead_of_the_whole(opened: Open) -> None:
    page = opened()
    page.set_default_timeout(PATIENCE)
    page.get_by_role("tab", name="Code").click()
    page.click("#editor .cm-content")
    page.keyboard.insert_text("print('not this')\n#IDE\nprint('this')\n#IDE\nprint('nor this')")
    page.wait_for_timeout(300)
    page.click("#code-run")
    page.wait_for_selector("#results .code-foot.ok")
    assert page.locator("#results .printed").inner_text() == "this\n"


def test_the_last_responses_code_is_run_loaded_copied_and_saved(ask: Any, opened: Open, tmp_path: Path) -> None:
    context = {"permissions": ["clipboard-read", "clipboard-write"]}
    page = ask("Words.\n" + block("print('from the response')"), "No code here.", page=opened(**context))
    page.get_by_role("tab", name="Code").click()
    page.click("#code-run")
    page.wait_for_selector("#results .code-foot.ok")
    assert page.locator("#results .printed").inner_text() == "from the response\n"
    page.click("#code-copy")
    page.wait_for_function("document.querySelector('#desk [role=status]').innerText.includes('step 1')")
    assert page.evaluate("navigator.clipboard.readText()").strip() == "print('from the response')"
    page.click("#code-load")
    page.wait_for_function("document.querySelector('#editor .cm-content').innerText.includes('from the response')")
    page.evaluate("navigator.clipboard.writeText(\"print('from the clipboard')\")")
    page.click("#code-clipboard")
    page.wait_for_function("document.querySelector('#results .printed').innerText.includes('from the clipboard')")
    folder = tmp_path / "numbered"
    page.fill("#numbered-folder", str(folder))
    page.fill("#numbered-name", "say it")
    page.click("#numbered-save")
    page.wait_for_function("document.querySelector('[data-said=numbered]').innerText.includes('01-say-it.py')")
    (folder / "02-fail.py").write_text("1 / 0\n")
    (folder / "03-never.py").write_text("print('never')\n")
    page.click("#code-clear")
    page.click("#numbered-run")
    page.wait_for_function("document.querySelectorAll('#results .code-foot.bad').length === 1")
    page.wait_for_function("document.querySelector('#code-stop').disabled")
    assert page.locator("#results article").count() == 2


def test_a_database_is_looked_through(opened: Open, tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "towns.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE towns (name TEXT)")
    connection.executemany("INSERT INTO towns VALUES (?)", [(f"<b>town {number}</b>",) for number in range(150)])
    connection.commit()
    connection.close()
    page = opened()
    page.set_default_timeout(PATIENCE)
    page.get_by_role("tab", name="Code").click()
    page.wait_for_selector("#database-file")
    page.fill("#database-file", str(path))
    page.click("#database-open")
    page.wait_for_selector("#database-table option[value=towns]", state="attached")
    page.select_option("#database-table", "towns")
    page.wait_for_selector(".rows tbody tr")
    assert page.locator(".rows tbody tr").count() == 100
    assert page.locator(".rows td").first.inner_text() == "<b>town 0</b>"
    page.click(".rows header button >> nth=1")
    page.wait_for_function("document.querySelectorAll('.rows tbody tr').length === 50")
    page.keyboard.press("Escape")
    assert page.locator(".rows").count() == 0


def test_every_control_of_code_has_a_name_in_both_languages(opened: Open) -> None:
    page = opened()
    page.check("#flag-run_code")
    page.click("#full-open")
    for language in ("en", "pt"):
        page.click(f"button[lang={language}]")
        for tab in (0, 1):
            page.get_by_role("tab").nth(tab).click()
            page.wait_for_timeout(300)
            nameless = page.evaluate(
                """() => [...document.querySelectorAll('input, select, textarea, button')].filter((one) =>
                     one.offsetParent && one.getAttribute('aria-hidden') !== 'true' && !one.getAttribute('aria-label')
                     && !one.title && !one.textContent.trim() && !one.labels?.length)
                     .map((one) => one.outerHTML.slice(0, 120))"""
            )
            assert nameless == []
            assert not re.search(r"\b(desk|access|code|flags|problem)\.[a-z_]+\b", page.inner_text("body"))


def test_narrow_pages_lose_nothing(opened: Open) -> None:
    page = opened()
    page.set_viewport_size({"width": 800, "height": 700})
    for tab in (0, 1):
        page.get_by_role("tab").nth(tab).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 800
    assert page.locator("#code-access").is_visible()


def test_samantha_tiny_writes_code_that_runs(browser: Any, tmp_path: Path) -> None:
    residency = Residency()
    with RunStore(tmp_path / "runs.sqlite3") as store, serving(residency, store, 0) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.goto(server.address)
        page.wait_for_selector("#models .chip")
        page.hover("#chains-picker")
        page.wait_for_function(
            "[...document.querySelectorAll('#chains-picker option')].some((one) => one.label.includes('mends'))"
        )
        page.select_option("#chains-picker", label="code mends itself")
        page.wait_for_function("document.querySelector('#flag-run_code').checked")
        page.wait_for_function("document.querySelector('#steps').innerText === '2 steps'")
        page.click("#start")
        page.wait_for_function(f"document.querySelectorAll('{CARD}[data-state=finished]').length === 2")
        done(page)
        assert page.locator(f"{CARD} .code-foot").count() == 2
        page.context.close()
    residency.close()
