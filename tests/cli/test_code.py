"""`samantha code`: real code in the real sandbox, real files, real processes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from samantha.code import background, proof
from samantha.code.environment import CodeEnvironment
from samantha.events import CodeFinished, CodeFound, CodeOutput, CodeShown, decode

from .conftest import Result, Samantha, Terminal, sentences

ROOT = Path(__file__).parents[2]

posix = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")

CHART = (
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('Sales')\nplt.show()\n"
    "open('made.txt', 'w').write('x' * 2000)"
)


@pytest.fixture
def run(samantha: Samantha, tmp_path: Path) -> Samantha:
    """Runs a text as a Python file in the sandbox."""

    def run(code: str, *options: str) -> Result:
        file = tmp_path / "program.py"
        file.write_text(code, "utf-8")
        return samantha("code", "run", str(file), *options)

    return run


def test_output_goes_where_the_code_wrote_it_and_the_report_to_standard_error(run: Samantha) -> None:
    result = run("import sys\nprint('olá')\nprint('careful', file=sys.stderr)")
    assert (result.status, result.out) == (0, "olá\n")
    careful, ending = sentences(result.err)
    assert careful == "careful"
    assert ending.startswith("(code ok, ")
    assert ending.endswith(f", {proof.proof().mode})")


def test_code_is_taken_from_standard_input(samantha: Samantha) -> None:
    assert samantha("code", "run", "-", typed="# coding: latin-1\nprint('é')".encode("latin-1")).out == "é\n"


def test_what_raises_is_status_1_with_its_traceback(run: Samantha) -> None:
    result = run("print(1)\n1 / 0")
    assert (result.status, result.out) == (1, "1\n")
    assert "ZeroDivisionError" in result.err
    assert sentences(result.err)[-1].startswith("(code raised, ")


@pytest.mark.parametrize(
    ("code", "option", "reason", "told"),
    [
        ("while True: pass", "--time=1", "time", "longer than 1 seconds"),
        ("x = bytearray(400 << 20)\nimport time; time.sleep(5)", "--memory=200M", "memory", "200 MiB of memory"),
        ("while True: print('x' * 1000)", "--output=8k", "output", "8 KiB of output"),
    ],
)
def test_limits_are_options_and_one_that_is_met_is_told(
    run: Samantha, code: str, option: str, reason: str, told: str
) -> None:
    result = run(code, option)
    assert result.status == 1
    assert f"(code {reason}, " in result.err
    assert told in result.err


def test_what_is_shown_and_made_is_told_with_its_place(run: Samantha) -> None:
    result = run(CHART)
    shown, made, _ = sentences(result.err)
    picture = Path(shown.removeprefix("shown: ").removesuffix(" (Sales)"))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert made.endswith("/box/made.txt (2 kB)")
    assert Path(made.removeprefix("made: ").removesuffix(" (2 kB)")).read_text() == "x" * 2000


def test_nothing_is_left_of_code_that_leaves_nothing(run: Samantha, samantha_home: Path) -> None:
    run("print(1)")
    assert [path.name for path in (samantha_home / "work").iterdir() if path.name != "processes"] == []


def test_a_work_folder_can_be_used_again(run: Samantha, samantha_home: Path) -> None:
    assert run("open('kept.txt', 'w').write('kept')", "--run", "mine").status == 0
    assert run("print(open('kept.txt').read())", "--run", "mine").out == "kept\n"
    code = samantha_home / "work" / "mine" / "code"
    assert {path.name for path in code.iterdir()} == {"step-1.py", "step-2.py", "temp.py"}


def test_json_is_one_event_a_line(run: Samantha) -> None:
    result = run(CHART + "\nprint('done')", "--json")
    found = [decode(line) for line in result.out.splitlines()]
    assert [type(event) for event in found] == [CodeFound, CodeOutput, CodeShown, CodeFinished] or [
        type(event) for event in found
    ] == [CodeFound, CodeShown, CodeOutput, CodeFinished]
    end = found[-1]
    assert isinstance(end, CodeFinished)
    assert (end.output, end.reason, [file.name for file in end.files]) == ("done", "ok", ["made.txt"])
    assert result.err == ""


def test_a_file_is_seen_only_when_it_is_granted(run: Samantha, tmp_path: Path) -> None:
    secret = tmp_path / "data" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("42")
    read = f"print(open({str(secret)!r}).read())"
    write = f"open({str(secret)!r}, 'w').write('43')"
    assert "FileNotFoundError" in run(read).err
    assert run(read, "--read", str(secret)).out == "42\n"
    assert run("print(open('secret.txt').read())", "--read", str(secret)).out == "42\n"
    assert run(write, "--read", str(secret)).status == 1
    assert secret.read_text() == "42"
    assert run(write, "--write", str(secret)).status == 0
    assert secret.read_text() == "43"


REACH = "import socket\nsocket.create_connection(('127.0.0.1', {port}), 2).close()\nprint('reached')"


def test_the_network_is_a_grant_of_its_own(run: Samantha) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = REACH.format(port=listener.getsockname()[1])
        assert "reached" not in run(code).out
        assert run(code, "--network").out == "reached\n"


def test_full_access_warns_and_wants_to_be_confirmed(run: Samantha, tmp_path: Path) -> None:
    target = tmp_path / "made.txt"
    write = f"open({str(target)!r}, 'w').write('x')"
    refused = run(write, "--full-access")  # the terminal of the tests answers with nothing
    assert refused.status == 2
    assert "runs without a sandbox" in refused.err
    assert "Type full access" in refused.err
    assert not target.exists()
    given = run(write, "--full-access", "--yes")
    assert given.status == 0
    assert "runs without a sandbox" in given.err
    assert given.err.rstrip().endswith(", full access)")
    assert target.read_text() == "x"


def test_full_access_is_not_given_by_something_piped_in(samantha: Samantha, tmp_path: Path) -> None:
    target = tmp_path / "made.txt"
    code = f"open({str(target)!r}, 'w')"
    result = samantha("code", "run", "-", "--full-access", typed=f"full access\n{code}")
    assert (result.status, target.exists()) == (2, False)
    assert "add --yes" in result.err


def test_typing_the_confirmation_gives_full_access(
    samantha: Samantha, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from samantha.cli.main import main

    (tmp_path / "program.py").write_text("print('free')")
    for typed, status in (("full access\n", 0), ("FULL ACCESS \n", 0), ("yes\n", 2), ("\n", 2)):
        monkeypatch.setattr("sys.stdin", Terminal(typed))
        assert main(["code", "run", str(tmp_path / "program.py"), "--full-access"]) == status, typed


def test_where_nothing_holds_code_is_refused_before_anything_is_loaded(
    samantha: Samantha, models, monkeypatch: pytest.MonkeyPatch, run: Samantha, tmp_path: Path
) -> None:
    fake = tmp_path / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\n[ "$1" = --help ] && exit\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    try:
        assert proof.proof(again=True).mode == "none"
        asked = samantha("run", "--prompts", "x", "--run_code")
        assert (asked.status, models.loads) == (1, [])
        assert len(sentences(asked.err)) == 1
        assert "Code does not run by itself here" in asked.err
        assert run("print(1)").status == 1
        assert run("print(1)", "--full-access", "--yes").out == "1\n"
    finally:
        monkeypatch.undo()
        proof.proof(again=True)


def test_a_server_ends_with_the_command_where_nobody_waits(run: Samantha) -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-m', 'http.server', '8123'], stdout=-3, stderr=-3)\n"
    )
    result = run(code, "--no-serve")
    assert result.status == 0
    (url,) = [line.removeprefix("serving: ") for line in sentences(result.err) if line.startswith("serving: ")]
    assert url.startswith("http://")
    assert "--serve keeps it" in result.err
    assert background.entries() == ()


@posix
def test_a_server_is_kept_until_ctrl_c_and_reached_meanwhile(tmp_path: Path) -> None:
    import urllib.request

    program = tmp_path / "program.py"
    program.write_text(
        "import http.server\nopen('index.html', 'w').write('<p>served')\n"
        "http.server.ThreadingHTTPServer(('127.0.0.1', 8000), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
    )
    command = [sys.executable, "-m", "samantha", "code", "run", str(program), "--serve"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        lines = iter(child.stderr.readline, "")
        url = next(line for line in lines if line.startswith("serving: ")).removeprefix("serving: ").strip()
        assert next(line for line in lines if "until Ctrl-C" in line)
        assert urllib.request.urlopen(url, timeout=30).read() == b"<p>served"
        (entry,) = background.entries()
        child.send_signal(signal.SIGINT)
        assert child.wait() == 0
    assert not psutil.pid_exists(entry.pid)


@posix
def test_ctrl_c_ends_the_code() -> None:
    command = [sys.executable, "-m", "samantha", "code", "run", "-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as child:
        child.stdin.write("print('up', flush=True)\nimport time\ntime.sleep(600)")
        child.stdin.close()
        assert child.stdout.readline() == "up\n"
        child.send_signal(signal.SIGINT)
        assert child.wait() == 130
        assert "The code was stopped." in child.stderr.read()


def test_a_chain_that_runs_code_feeds_it_back_and_reports(samantha: Samantha, models) -> None:
    from .conftest import answer

    answer(models, "Look:\n```python\nprint(6 * 7)\n```\n", "Thanks.")
    result = samantha("run", "--prompts", "A\nB", "--run_code", "--feedback_loop", "--feedback_code_output_only")
    assert result.status == 0
    assert result.err == "42\n"
    assert "42" not in result.out
    assert models.models["tiny"].requests[1].messages[-2].content == "42"


def test_a_chain_reads_its_data_files(samantha: Samantha, models, tmp_path: Path) -> None:
    from .conftest import answer

    (tmp_path / "sales.csv").write_text("a,b\n1,2\n")
    answer(models, "```python\nprint(open('sales.csv').read())\n```")
    result = samantha("run", "--prompts", "A", "--run_code", "--file", str(tmp_path / "sales.csv"))
    assert result.err == "a,b\n1,2\n\n"


RESPONSE = "Two parts.\n\n```python\nx = 1\n```\n\n~~~py\nprint(x)\n~~~\n\n```html\n<p>page\n```\n\n```sh\nls\n```\n"


def test_blocks_shows_what_would_be_run(samantha: Samantha, tmp_path: Path) -> None:
    shown = samantha("code", "blocks", "-", typed=RESPONSE)
    assert (shown.status, shown.out.split()) == (0, ["x", "=", "1", "print(x)"])
    assert "--html" in shown.err
    assert samantha("code", "blocks", "-", "--html", typed=RESPONSE).out == "<p>page\n"
    both = json.loads(samantha("code", "blocks", "-", "--json", typed=RESPONSE).out)
    assert set(both) == {"python", "html"}
    nothing = samantha("code", "blocks", "-", typed="No code at all.")
    assert (nothing.status, nothing.out) == (1, "")


def test_code_is_saved_under_the_next_number(samantha: Samantha, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (tmp_path / "load.py").write_text("x = 1\n")
    first = samantha("code", "save", str(tmp_path / "load.py"), "--folder", str(folder))
    second = samantha("code", "save", "-", "--folder", str(folder), "--name", "two", "--response", typed=RESPONSE)
    assert (first.out, second.out) == (f"{folder}/01-load.py\n", f"{folder}/02-two.py\n")
    assert "print(x)" in (folder / "02-two.py").read_text()


def test_numbered_files_run_in_order_and_the_first_that_fails_is_the_last(samantha: Samantha, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "2-read.py").write_text("print(open('made.txt').read(), 'kept' in globals())")
    (folder / "1-write.py").write_text("kept = open('made.txt', 'w').write('from the first')")
    (folder / "3-fail.py").write_text("raise ValueError('no')")
    (folder / "10-last.py").write_text("print('last')")
    stopped = samantha("code", "run-files", str(folder))
    assert (stopped.status, stopped.out) == (1, "from the first False\n")
    assert [line for line in sentences(stopped.err) if line.startswith("##")] == [
        "## 1 of 4 · 1-write.py", "## 2 of 4 · 2-read.py", "## 3 of 4 · 3-fail.py",
    ]  # fmt: skip
    gone_on = samantha("code", "run-files", str(folder), "--go-on")
    assert (gone_on.status, gone_on.out) == (1, "from the first False\nlast\n")
    (folder / "3-fail.py").unlink()
    assert samantha("code", "run-files", str(folder)).status == 0


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE items (name TEXT, price REAL)")
    database.executemany("INSERT INTO items VALUES (?, ?)", [("pão", 2.5), ("evil\x1b[2J\nname", None), ("x" * 99, 1)])
    database.commit()
    database.close()
    return path


def test_a_database_is_shown_as_text(samantha: Samantha, shop: Path) -> None:
    listed = samantha("code", "database", str(shop), "--text")
    assert listed.out == "TABLE  KIND   ROWS  COLUMNS\nitems  table  3     name TEXT, price REAL\n"
    rows = samantha("code", "database", str(shop), "--table", "items", "--rows", "2")
    assert rows.out.splitlines()[1].split() == ["pão", "2.5"]
    assert "evil␛[2J␊name" in rows.out
    assert "More: --from 2" in rows.err
    last = samantha("code", "database", str(shop), "--table", "items", "--from", "2", "--json")
    assert json.loads(last.out) == {"name": "x" * 99, "price": 1.0}


def test_processes_are_listed_and_closed(samantha: Samantha) -> None:
    assert "Nothing goes on" in samantha("code", "processes").err
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    entry = background.register(sleeper.pid, "JupyterLab", "http://127.0.0.1:1/")
    assert "http://127.0.0.1:1/" in samantha("code", "processes").out
    assert json.loads(samantha("code", "processes", "--json").out)["pid"] == entry.pid
    closed = samantha("code", "close")
    assert (closed.status, closed.err) == (0, "Ended JupyterLab.\n")
    assert sleeper.wait() is not None
    assert "Nothing goes on" in samantha("code", "close").err


def test_packages_are_listed_with_their_versions(samantha: Samantha) -> None:
    result = samantha("code", "packages")
    environment = CodeEnvironment()
    assert result.status == int(not environment.ready)
    row = next(line.split() for line in result.out.splitlines() if line.startswith("pandas "))
    assert row[:3] == ["pandas", environment.versions()["pandas"], "pandas"]
    listed = [json.loads(line)["name"] for line in samantha("code", "packages", "--json").out.splitlines()]
    assert {"jupyterlab", "dtale", "pyinstaller"} <= set(listed)
    assert environment.sentence in result.err


MISTAKES = {
    "no action": ([], 2, "ACTION"),
    "unknown action": (["rnu"], 2, "did you mean run?"),
    "missing file": (["run", "nowhere.py"], 1, "There is no file nowhere.py"),
    "a folder": (["run", "."], 1, "is a folder"),
    "unknown option": (["run", "x.py", "--tmie", "1"], 2, "did you mean --time"),
    "no time": (["run", "x.py", "--time", "soon"], 2, "'soon' is not a time"),
    "no size": (["run", "x.py", "--memory", "much"], 2, "'much' is not a size"),
    "grant of nothing": (["run", "-", "--read", "nowhere.csv"], 2, "There is no file or folder nowhere.csv"),
    "no memory": (["run", "-", "--memory", "1k"], 1, "The limit memory"),
    "no name of a run": (["run", "-", "--run", "../x"], 1, "is not the name of a run"),
    "no numbered files": (["run-files", "."], 1, "has no numbered files"),
    "no response": (["blocks", "nowhere.md"], 2, "There is no file nowhere.md"),
    "nothing to save": (["save", "-"], 1, "There is no code"),
    "no database": (["database", "text.txt", "--text"], 1, "is not a SQLite database"),
    "no table": (["dtale", "nowhere.csv", "--no-browser"], 1, "There is no file nowhere.csv"),
    "no run": (["jupyter", "nowhere", "--no-browser"], 1, "nowhere"),
    "no folder for an executable": (["package", "-", "--folder", "nowhere"], 1, "There is no"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence(
    samantha: Samantha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "text.txt").write_text("not a database at all")
    monkeypatch.chdir(tmp_path / "here")
    arguments, status, message = MISTAKES[case]
    result = samantha("code", *arguments, typed="")
    assert (result.status, result.out) == (status, "")
    assert message in result.err
    assert len(sentences(result.err)) == 1
