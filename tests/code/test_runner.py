"""Generated code, really run: what is printed, fed back, kept between steps, and how every end is told."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from samantha.code import background
from samantha.code.code import CodeOutcome, Finished, Found, Printed, Reason, Serving, Shown
from samantha.code.runner import SandboxRunner
from samantha.code.workplace import workplace
from samantha.sandbox.access import MIB, Access, Limits

LIMITS = Limits(seconds=20, memory=700 * MIB, disk=40 * MIB, files=300, processes=60)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRunner]:
    made = SandboxRunner(limits=LIMITS, root=tmp_path_factory.mktemp("work"))
    yield made
    made.close()


class Steps:
    """Counts the steps of a run that all tests of a module share."""

    number = 0

    @classmethod
    def run(cls, runner: SandboxRunner, code: str) -> list[CodeOutcome]:
        cls.number += 1
        return list(runner.execute(code, "tests", cls.number))


def ended(runner: SandboxRunner, code: str) -> Finished:
    end = Steps.run(runner, code)[-1]
    assert isinstance(end, Finished)
    return end


def printed(outcomes: list[CodeOutcome], stream: str = "stdout") -> str:
    return "".join(each.text for each in outcomes if isinstance(each, Printed) and each.stream == stream)


@pytest.mark.parametrize(
    ("code", "reason", "output"),
    [
        ("print('hi')", "ok", "hi"),
        ("print(None)", "ok", ""),
        ("print('  \\n\\t')", "ok", ""),
        ("", "ok", ""),
        ("import warnings; warnings.warn('careful')", "ok", ""),
        ("print('é ü 漢 🎉')", "ok", "é ü 漢 🎉"),
        ("print('a', end='')", "ok", "a"),
        ("print('   a\\n0  1\\n\\n')", "ok", "   a\n0  1"),
        ("import sys; sys.exit()", "ok", ""),
        ("import sys; print('x'); sys.exit(0)", "ok", "x"),
        ("import sys; sys.exit(3)", "raised", "The code ended with exit status 3."),
        ("import sys; sys.exit('no data')", "raised", "no data\n\nThe code ended with exit status 1."),
        ("import ctypes; ctypes.string_at(0)", "crashed", "The Python interpreter crashed (signal 11)."),
        ("import os; os.kill(os.getpid(), 9)", "crashed", "The Python interpreter crashed (signal 9)."),
        ("print(__name__, __file__.rpartition('/')[2] == __import__('sys').argv[0])", "ok", "__main__ True"),
        ("try:\n    input('name? ')\nexcept EOFError:\n    print('nobody')", "ok", "name? nobody"),
        ("import threading as t\nt.Timer(0.2, print, ('late',)).start()", "ok", "late"),
        ("import atexit; atexit.register(print, 'bye')", "ok", "bye"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe!')", "ok", "\ufffd\ufffd!"),
    ],
)  # fmt: skip
def test_what_is_fed_back(runner: SandboxRunner, code: str, reason: Reason, output: str) -> None:
    end = ended(runner, code)
    assert (end.reason, end.output) == (reason, output)


def test_output_streams_are_told_apart_and_come_while_it_runs(runner: SandboxRunner) -> None:
    code = "import sys, time\nprint('one'); sys.stderr.write('two\\n')\ntime.sleep(60)"
    Steps.number += 1
    seen: list[CodeOutcome] = []
    for outcome in runner.execute(code, "tests", Steps.number):
        seen.append(outcome)
        if printed(seen) and printed(seen, "stderr"):
            runner.stop()
    assert (printed(seen), printed(seen, "stderr")) == ("one\n", "two\n")
    assert isinstance(seen[-1], Finished)
    assert (seen[-1].reason, seen[-1].output) == ("stopped", "The code was stopped.")


def test_a_traceback_has_the_codes_own_lines_and_no_others(runner: SandboxRunner) -> None:
    outcomes = Steps.run(runner, "def half(n):\n    return n / 0\n\n\nprint('before')\nhalf(3)\n")
    end = outcomes[-1]
    assert isinstance(end, Finished)
    assert end.reason == "raised"
    name = f"step-{Steps.number}.py"
    assert end.output.splitlines()[:3] == [
        "Traceback (most recent call last):", f'  File "{name}", line 6, in <module>', "    half(3)",
    ]  # fmt: skip
    assert end.output.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert printed(outcomes, "stderr").strip() == end.output
    assert "samantha" not in end.output


def test_only_the_last_frames_of_a_deep_traceback_are_fed_back(runner: SandboxRunner) -> None:
    code = "\n".join(f"def f{n}(): f{n + 1}()" for n in range(30)) + "\ndef f30(): raise ValueError('deep')\nf0()"
    outcomes = Steps.run(runner, code)
    end = outcomes[-1]
    assert isinstance(end, Finished)
    assert end.output.count("File ") == 3
    assert printed(outcomes, "stderr").count("File ") == 32
    assert end.output.endswith("ValueError: deep")


def test_a_syntax_error_is_an_outcome(runner: SandboxRunner) -> None:
    end = ended(runner, "def f(:\n    pass")
    assert end.reason == "raised"
    assert end.output.endswith("SyntaxError: invalid syntax")


def test_files_stay_for_the_next_step_and_variables_do_not(runner: SandboxRunner) -> None:
    end = ended(
        runner, "import os\nkept = 5\nopen('notes.txt', 'w').write('kept')\nos.makedirs('a/b'); open('a/b/c.csv', 'w')"
    )
    assert [file.name for file in end.files] == ["a/b/c.csv", "notes.txt"]
    assert ended(runner, "print(open('notes.txt').read())").output == "kept"
    assert "NameError" in ended(runner, "print(kept)").output
    end = ended(runner, "open('notes.txt', 'a').write('more')")
    assert [(file.name, file.size) for file in end.files] == [("notes.txt", 8)]


def test_the_code_is_kept_where_code_cannot_change_it(runner: SandboxRunner) -> None:
    ended(
        runner,
        f"print(1)\nfor path in 'step-{Steps.number + 1}.py', '/code/temp.py':\n    open(path, 'w').write('evil')",
    )
    folder = workplace("tests", runner._root).code
    assert (folder / f"step-{Steps.number}.py").read_text("utf-8").startswith("print(1)")
    assert (folder / "temp.py").read_text("utf-8").startswith("print(1)")
    assert ended(runner, "print(open('/code/temp.py').read()[:5])").output == "print"


def test_old_output_never_reaches_a_later_step(runner: SandboxRunner) -> None:
    endless = "import time\nwhile True: print('STOP_SAMANTHA', flush=True); time.sleep(0.01)"
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {endless!r}])"
    ended(runner, code)
    outcomes = Steps.run(runner, "import time; time.sleep(0.5)")
    assert printed(outcomes) == ""


def test_blocks_of_a_response_are_run_and_prose_is_not(runner: SandboxRunner) -> None:
    response = (
        "Here:\n```python\nx = 2\n```\nand then\n```py\npip install pandas\nprint(x + 1)\n```\n```\nprint('no')\n```"
    )
    Steps.number += 1
    outcomes = list(runner.run(response, "tests", Steps.number))
    assert isinstance(outcomes[0], Found)
    assert "pip" not in outcomes[0].code
    assert printed(outcomes) == "3\n"
    assert list(runner.run("print('prose')", "tests", Steps.number)) == []


def test_an_html_block_opens_as_a_page(runner: SandboxRunner) -> None:
    Steps.number += 1
    outcomes = list(runner.run("```html\n<h1>Hi</h1>\n```", "tests", Steps.number))
    shown = [each for each in outcomes if isinstance(each, Shown)]
    assert [each.media for each in shown] == ["text/html"]
    page = workplace("tests", runner._root).shown / shown[0].file
    assert page.read_text("utf-8").strip() == "<h1>Hi</h1>"


BOMBS: dict[str, tuple[str, tuple[Reason, ...]]] = {
    "time": ("while True: pass", ("time",)),
    "sleep that ignores signals": (
        "import signal, time\nfor n in set(range(1, 32)) - {9, 19}: signal.signal(n, signal.SIG_IGN)\n"
        "time.sleep(1000)", ("time",)),
    "memory at once": ("x = bytearray(3 << 30)", ("memory",)),
    "memory bit by bit": ("x = []\nwhile True: x.append(bytearray(20 << 20))", ("memory",)),
    "memory in children": (
        "import multiprocessing, time\ndef eat(): x = bytearray(b'1') * (120 << 20); time.sleep(50)\n"
        "for n in range(12): multiprocessing.Process(target=eat).start()", ("memory",)),
    "forks": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", ("processes", "time", "memory")),
    "threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(50,)).start()",
        ("processes", "memory", "time")),
    "disk": ("f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()", ("disk",)),
    "one huge sparse file": ("f = open('sparse', 'wb'); f.truncate(1 << 40)", ("disk",)),
    "temporary files": ("n = 0\nwhile True:\n    open(f'/tmp/{n}', 'wb').write(bytes(8 << 20)); n += 1", ("disk",)),
    "files": ("n = 0\nwhile True:\n    open(f'f{n}', 'w').close(); n += 1", ("disk",)),
    "temporary inodes": ("n = 0\nwhile True:\n    open(f'/tmp/{n}', 'w').close(); n += 1", ("disk",)),
    "shared memory": ("n = 0\nwhile True:\n    open(f'/dev/shm/{n}', 'w').close(); n += 1", ("disk",)),
    "folders": ("import os\nn = 0\nwhile True:\n    os.mkdir(f'd{n}'); n += 1", ("disk",)),
    "output": ("while True: print('x' * 1000)", ("output",)),
    "errors": ("import sys\nwhile True: sys.stderr.write('x' * 1000)", ("output",)),
    "one endless line": ("import os\nwhile True: os.write(1, b'x' * 65536)", ("output",)),
    "descriptors": ("x = [open('/dev/null') for n in range(10**6)]", ("raised",)),
    "daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork() or time.sleep(1000)\n    os._exit(0)\n"
        "print('left')", ("ok",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_held_and_nothing_survives(
    runner: SandboxRunner, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    code, reasons = BOMBS[name]
    limits = msgspec.structs.replace(LIMITS, seconds=4.0)
    bomb = SandboxRunner(limits=limits, root=tmp_path_factory.mktemp("bomb"))
    try:
        outcomes = list(bomb.execute(code, "bomb", 1))
        end = outcomes[-1]
        assert isinstance(end, Finished)
        assert end.reason in reasons, end.output
        assert sum(len(each.text) for each in outcomes if isinstance(each, Printed)) <= 2 * limits.output
        if end.reason not in ("ok", "raised"):
            assert "The code was ended: it took" in end.output
        after = list(
            bomb.execute("print(sum(name.isdigit() for name in __import__('os').listdir('/proc')))", "bomb", 2)
        )
        assert printed(after).strip() == "3", "the first process, the warm server and this one"
    finally:
        bomb.close()


def test_a_stop_before_the_code_begins_is_kept(runner: SandboxRunner) -> None:
    runner.stop()
    assert ended(runner, "import time; time.sleep(50)").reason == "stopped"
    assert ended(runner, "print(1)").reason == "ok"


def test_granted_files_are_there_under_their_own_names(tmp_path: Path) -> None:
    data = tmp_path / "sales.csv"
    data.write_text("month,sold\nMay,4\n")
    (tmp_path / "out").mkdir()
    tmp_path.chmod(0o755)
    (tmp_path / "out").chmod(0o777)
    work = tmp_path / "work"
    work.mkdir()
    runner = SandboxRunner(Access(readable=(data,), writable=(tmp_path / "out",)), LIMITS, work)
    try:
        assert ended(runner, "import pandas as pd\nprint(pd.read_csv('sales.csv').sold.sum())").output == "4"
        assert ended(runner, f"print(open({str(data)!r}).readline())").output == "month,sold"
        assert ended(runner, "open('sales.csv', 'a')").reason == "raised"
        assert ended(runner, "open('out/result.txt', 'w').write('done')").reason == "ok"
        assert (tmp_path / "out" / "result.txt").read_text() == "done"
    finally:
        runner.close()
    assert data.read_text() == "month,sold\nMay,4\n"


def test_planted_links_are_not_followed(runner: SandboxRunner, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    code = (
        f"import os\nfor name in ('link.txt', '/shown/0001.html', 'step-{Steps.number + 2}.py'):\n"
        f"    os.symlink({str(secret)!r}, name)\nos.mkfifo('pipe')\nprint('planted')"
    )
    end = ended(runner, code)
    assert end.output == "planted"
    assert end.files == ()
    assert ended(runner, "print('next')").output == "next"
    assert secret.read_text() == "secret"


def test_a_server_goes_on_in_the_background_with_full_access_too(tmp_path: Path) -> None:
    runner = SandboxRunner(Access(full=True), LIMITS, tmp_path)
    code = (
        "from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer\n"
        "ThreadingHTTPServer(('127.0.0.1', 0), SimpleHTTPRequestHandler).serve_forever()"
    )
    try:
        outcomes = list(runner.execute(code, "full", 1))
        serving = [each for each in outcomes if isinstance(each, Serving)]
        assert len(serving) == 1
        with urllib.request.urlopen(serving[0].url, timeout=10) as page:
            assert "Directory listing" in page.read().decode()
        assert isinstance(outcomes[-1], Finished)
        assert outcomes[-1].reason == "ok"
        assert background.close_all("full") == 1
        with pytest.raises(OSError, match=r"refused|reset"):
            urllib.request.urlopen(serving[0].url, timeout=10)
    finally:
        runner.close()
