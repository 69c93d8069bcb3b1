"""The program is killed while its code runs: nothing of the code may go on."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PROGRAM = """
import sys
from pathlib import Path
from samantha.code.runner import SandboxRunner
runner = SandboxRunner(root=Path(sys.argv[1]))
for outcome in runner.execute(sys.argv[2], "killed", 1):
    print(outcome, flush=True)
import time
time.sleep(100)
"""

CODES = {
    "a loop": "print('begun', flush=True)\nwhile True: pass",
    "children that ignore signals": (
        "import signal, subprocess, sys, time\n"
        "for n in set(range(1, 32)) - {9, 19}: signal.signal(n, signal.SIG_IGN)\n"
        "endless = 'import time\\nwhile True: time.sleep(1)'\n"
        "for n in range(5): subprocess.Popen([sys.executable, '-c', endless], start_new_session=True)\n"
        "print('begun', flush=True)\ntime.sleep(1000)"
    ),
    "a daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork() or time.sleep(1000)\n    os._exit(0)\n"
        "print('begun', flush=True)\ntime.sleep(1000)"
    ),
    "a server in the background": "import http.server\nprint('begun', flush=True)\nhttp.server.test(port=8123)",
}


@pytest.mark.parametrize("name", CODES)
def test_nothing_survives_a_kill_of_the_program(tmp_path: Path, name: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), CODES[name]], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout
    for line in program.stdout:
        if ("stdout" in line and "begun" in line and name != "a server in the background") or "Serving(" in line:
            break
    family = psutil.Process(program.pid).children(recursive=True)
    assert len(family) >= 3, "the sandbox, the warm server and the code"
    program.kill()
    program.wait()
    until = time.monotonic() + 2.5
    left = family
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    program.stdout.close()
    assert left == []
