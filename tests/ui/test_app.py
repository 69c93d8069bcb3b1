"""Starting and ending the program as a person does: a free port, one printed address, Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from samantha.errors import SettingsError
from samantha.ui.app import HOST, _listener

LAUNCH = "from samantha.ui.app import launch; launch(open_browser=False)"


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line):
            return found[0]
    raise AssertionError("no address was printed")


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_the_printed_address_opens_the_page_and_ctrl_c_ends_it(samantha_home: Path) -> None:
    environment = {**os.environ, "SAMANTHA_HOME": str(samantha_home), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            printed = address(process)
            with httpx.Client(timeout=30) as client:
                assert client.get(printed).status_code == 200
                page = client.get(printed.split("?")[0])
                assert "gradio" in page.text
                tab = "0" * 32
                with client.stream("GET", f"{printed.split('/?')[0]}/samantha/watch/{tab}") as stream:
                    lines = stream.iter_lines()
                    next(lines)
                    process.send_signal(signal.SIGINT)
                    _, errors = process.communicate(timeout=30)
            assert process.returncode == 0
            assert "Traceback" not in errors
        finally:
            process.kill()


def test_a_taken_port_is_a_sentence() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} is taken"):
            _listener(port)


def test_two_programs_get_two_ports() -> None:
    first, second = _listener(None), _listener(None)
    try:
        assert first.getsockname()[1] != second.getsockname()[1]
        assert {first.getsockname()[0], second.getsockname()[0]} == {HOST}
    finally:
        first.close()
        second.close()


def test_the_page_can_be_imported_without_gradio() -> None:
    code = (
        "import sys, samantha.ui.app, samantha.ui.view, samantha.ui.session, samantha.ui.guard;"
        "sys.exit('gradio' in sys.modules or 'llama_cpp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
