"""JupyterLab and D-Tale of the real code environment, in the real sandbox, visited for real."""

import http.cookiejar
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from samantha.code import background, keeper, proof, tools
from samantha.code.background import Entry
from samantha.code.code import CodeError
from samantha.code.workplace import workplace
from samantha.errors import SandboxError
from samantha.sandbox.access import Access

VISIT = Path(__file__).with_name("visit.py")

isolated = pytest.mark.skipif(proof.proof().mode != "isolated", reason="an isolated sandbox")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data folder for the servers of this module, which are ended with it."""
    folder: Path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMANTHA_HOME", str(folder))
        yield folder
        background.close_all()


@pytest.fixture(autouse=True)
def samantha_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMANTHA_HOME", str(home))
    return home


@pytest.fixture(scope="module")
def notebook(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """JupyterLab on a folder of the user's."""
    folder: Path = tmp_path_factory.mktemp("notes")
    (folder / "mine.txt").write_text("the user's own")
    return tools.jupyter(folder=folder)


@pytest.fixture(scope="module")
def table(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """D-Tale on a file of the user's."""
    file = tmp_path_factory.mktemp("tables") / "sales of 2025.csv"
    file.write_text("fruit;price\nmaçãs;1,5\npears <b>;2\n", "utf-8")
    return tools.dtale(file)


class Visitor:
    """Asks as a browser would, with cookies, and tells status and text."""

    def __init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)

    def __call__(self, url: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> tuple[int, str]:
        request = urllib.request.Request(url, data, headers or {})
        try:
            with self._opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")


def at(entry: Entry, path: str) -> str:
    return f"http://{urlsplit(entry.url).netloc}{path}"


def token(entry: Entry) -> str:
    return entry.url.rpartition("token=")[2]


def visited(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(VISIT), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    if not seen["browser"]:
        leave_out = pytest.fail if "CI" in os.environ else pytest.skip
        leave_out("no browser: install Chromium, or run `playwright install chromium`")
    return seen


@isolated
def test_jupyter_answers_only_with_its_token(notebook: Entry) -> None:
    contents = at(notebook, "/api/contents/mine.txt")
    assert Visitor()(contents)[0] == 403
    assert Visitor()(contents, {"Authorization": "token " + "x" * 43})[0] == 403
    status, text = Visitor()(contents, {"Authorization": f"token {token(notebook)}"})
    assert (status, json.loads(text)["content"]) == (200, "the user's own")
    foreign = {"Authorization": f"token {token(notebook)}", "Host": "evil.test"}
    assert Visitor()(contents, foreign)[0] == 403
    assert "<title>Jupyter Server</title>" in Visitor()(at(notebook, "/lab"))[1]  # the page that asks for the token
    assert "<title>JupyterLab</title>" in Visitor()(notebook.url)[1]


@isolated
def test_jupyter_listens_on_this_computer_only(notebook: Entry) -> None:
    place = urlsplit(notebook.url)
    assert place.hostname is not None
    assert place.hostname.startswith("127.")
    assert place.hostname != "127.0.0.1"  # where the page's own cookie would be sent along
    for address in {found.address for each in psutil.net_if_addrs().values() for found in each}:
        if address.count(".") == 3 and not address.startswith("127."):
            with pytest.raises((ConnectionError, TimeoutError)):
                socket.create_connection((address, place.port), 2).close()


REACHED = """
import os, socket
def tried(what, *arguments):
    try:
        what(*arguments)
        return "reached"
    except OSError as error:
        return type(error).__name__
print(open("mine.txt").read(), open("made.txt", "w").write("by the notebook"))
print(tried(socket.create_connection, ("127.0.0.1", {port}), 2), tried(open, {secret!r}), os.path.exists({home!r}))
print(len([name for name in os.listdir("/proc") if name.isdigit()]) < 20)
"""


@isolated
def test_a_notebook_runs_code_in_the_sandbox_and_its_page_asks_nothing_outside(
    notebook: Entry, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = REACHED.format(port=port, secret=str(tmp_path / "secret.txt"), home=str(home))
        seen = visited("notebook", notebook.url, code)
    folder, outside, apart = seen["seen"].strip().splitlines()
    assert folder == "the user's own 15"
    assert outside == "ConnectionRefusedError FileNotFoundError False"
    assert apart == "True"
    assert seen["outside"] == []


@isolated
def test_tokens_stand_in_no_command_line(notebook: Entry, table: Entry) -> None:
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    assert any("notebook.py" in line for line in lines)
    assert not any(token(entry) in line for line in lines for entry in (notebook, table))


@isolated
def test_dtale_answers_only_with_its_token(table: Entry) -> None:
    data = at(table, "/dtale/data/1?ids=%5B%220-5%22%5D")
    assert Visitor()(at(table, "/"))[0] == 403
    assert Visitor()(at(table, "/?token=" + "x" * 43))[0] == 403
    assert Visitor()(data)[0] == 403
    visitor = Visitor()
    assert visitor(table.url)[0] == 200
    status, text = visitor(data)
    assert (status, json.loads(text)["total"]) == (200, 2)
    assert "maçãs" in text or "ma\\u00e7\\u00e3s" in text


@isolated
def test_dtale_shows_the_table_in_a_browser_and_asks_nothing_outside(table: Entry) -> None:
    seen = visited("table", table.url, "maçãs")
    assert "fruit" in seen["seen"]
    assert "pears <b>" in seen["seen"]
    assert seen["outside"] == []
    assert "token" not in seen["url"]


@isolated
def test_a_file_that_a_run_made_is_looked_through_where_it_lies() -> None:
    file = workplace("r1").box / "made.csv"
    file.write_text("a,b\n1,2\n")
    entry = tools.dtale(file)
    assert entry.run == "r1"
    visitor = Visitor()
    visitor(entry.url)
    assert json.loads(visitor(at(entry, "/dtale/data/1?ids=%5B%220-5%22%5D"))[1])["total"] == 1
    background.close(entry)


@isolated
def test_closing_ends_the_server_and_its_address() -> None:
    entry = tools.jupyter("r2")
    assert entry in background.entries()
    processes = [psutil.Process(entry.pid), *psutil.Process(entry.pid).children(recursive=True)]
    background.close(entry)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)
    with pytest.raises(urllib.error.URLError):
        Visitor()(entry.url)
    assert list(workplace("r2").relay.iterdir()) == []


@isolated
def test_a_link_in_the_place_of_the_socket_is_not_followed(tmp_path: Path) -> None:
    door = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        listener.listen()
        keeper._connected(door).close()
        (tmp_path / "link").symlink_to(door)
        (tmp_path / "file").touch()
        for name in ("link", "file", "missing"):
            with pytest.raises((OSError, ConnectionRefusedError), match=name):
                keeper._connected(tmp_path / name)


TABLES = {
    "missing": (None, "There is no file"),
    "empty": (b"", "is empty"),
    "binary": (b"\x7fELF\x00\x00\x01" * 100, "cannot be read as a table"),
    "ragged": (b'a,b\n"1,2\n3', "cannot be read as a table"),
}


@isolated
@pytest.mark.parametrize("case", TABLES)
def test_what_is_no_table_is_told(tmp_path: Path, case: str) -> None:
    content, message = TABLES[case]
    file = tmp_path / f"{case}.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CodeError, match=message) as caught:
        tools.dtale(file)
    assert f"{case}.csv" in str(caught.value)


ENCODINGS = {"utf-8": ",", "utf-8-sig": ";", "utf-16": "\t", "cp1252": "|"}


@isolated
def test_usual_encodings_and_separators_are_read(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[1])\nimport explore\n"
        "for name in sys.argv[2:]:\n    print(explore.read(Path(name)).to_csv(index=False))"
    )
    files = []
    for encoding, separator in ENCODINGS.items():
        files.append(tmp_path / f"{encoding}.csv")
        lines = [["país", "preço"], ["São Tomé", "1"], ["Óbidos", "2"]]
        files[-1].write_text("\n".join(separator.join(line) for line in lines), encoding)
    environment = tools.CodeEnvironment()
    command = [str(environment.python), "-X", "utf8", "-c", program, str(tools.INSIDE), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.split("\n\n")[:4] == ["país,preço\nSão Tomé,1\nÓbidos,2"] * 4


@isolated
def test_places_that_cannot_be_opened_are_told(tmp_path: Path, home: Path) -> None:
    with pytest.raises(CodeError, match="is no folder that can be opened"):
        tools.jupyter(folder=tmp_path / "missing")
    with pytest.raises(CodeError, match="is a folder"):
        tools.dtale(tmp_path)
    with pytest.raises((CodeError, SandboxError), match="Samantha's own data"):
        tools.jupyter(folder=home)
    link = workplace("r3").box / "link.csv"
    link.symlink_to(tmp_path / "elsewhere.csv")
    (tmp_path / "elsewhere.csv").write_text("a\n1\n")
    with pytest.raises(CodeError, match="leads out of the work folder"):
        tools.dtale(link)


def test_with_full_access_a_notebook_is_the_users_own_program(tmp_path: Path) -> None:
    entry = tools.jupyter(folder=tmp_path, access=Access(full=True))
    assert Visitor()(at(entry, "/api/contents"))[0] == 403
    assert Visitor()(at(entry, "/api/contents"), {"Authorization": f"token {token(entry)}"})[0] == 200
    server = psutil.Process(entry.pid)
    keeper_process = server.parent()
    background.close(entry)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    assert keeper_process is not None
    keeper_process.wait(30)
