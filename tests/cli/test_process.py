"""`samantha` as a process: Ctrl-C, a closed output, and the examples of the documentation."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samantha.cli import documentation
from samantha.events import RunFinished, StepFinished
from samantha.runs.store import RunStore

CHILD = Path(__file__).with_name("child.py")
ROOT = Path(__file__).parents[2]

posix = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")


def start(behaviour: str, *arguments: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, str(CHILD), behaviour, *arguments], text=True, cwd=ROOT, **pipes)


@posix
def test_ctrl_c_keeps_the_partial_answer_and_records_the_run_as_stopped() -> None:
    child = start("endless", "run", "--prompts", "A\nB")
    head = child.stdout.read(200)
    child.send_signal(signal.SIGINT)
    printed = head + child.stdout.read()
    assert child.stderr.read() == "stopping\n"
    assert child.wait() == 130
    with RunStore() as store:
        run = store.find("last")
        (step,) = store.steps(run)
        assert printed == f"## 1 · tiny · prompt 1\n{step.text}\n"
        assert len(step.text) > 100
        assert (step.reason, store.run(run).status) == ("stopped", "stopped")


@posix
def test_a_second_ctrl_c_ends_a_model_that_does_not_listen() -> None:
    child = start("deaf", "run", "--prompts", "A")
    assert child.stderr.readline() == "deaf\n"
    child.send_signal(signal.SIGINT)
    assert child.stderr.readline() == "stopping\n"
    child.send_signal(signal.SIGINT)
    assert child.wait() == 130
    with RunStore() as store:
        assert store.run(store.find("last")).status == "interrupted"


@posix
def test_ctrl_c_in_a_chat_keeps_the_partial_answer_and_the_conversation() -> None:
    child = start("endless", "chat")
    child.stdin.write("Hi\n")
    child.stdin.flush()
    child.stdout.read(100)
    child.send_signal(signal.SIGINT)
    assert child.stderr.readline() == "stopping\n"
    out, err = child.communicate("And?\n/show\n")
    assert child.returncode == 0
    assert out.endswith("Again.\n")
    shown = err[err.index("> Hi") :]
    assert re.match(r"> Hi\nword (word )+", shown)
    assert "> And?\nAgain." in shown


@posix
@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_closed_output_ends_quietly_and_the_run_is_recorded(json: list[str]) -> None:
    child = start("endless", "run", "--prompts", "A", "--loops", "0", *json)
    child.stdout.read(5000)
    child.stdout.close()
    assert child.wait() == 141
    assert child.stderr.read().replace("stopping\n", "") == ""
    with RunStore() as store:
        run = store.find("last")
        events = list(store.events(run))
    assert isinstance(events[-1], RunFinished)
    assert [event.reason for event in events if isinstance(event, StepFinished)] == ["stopped"]


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == documentation.page(), "run: python -m samantha.cli.documentation > docs/cli.md"


def examples() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", documentation.page(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@posix
def test_the_examples_of_the_documentation_run(tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "samantha"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(CHILD))} plain "$@"\n')
    shim.chmod(0o755)
    (tmp_path / "prompts.txt").write_text("Say one.\nSay two.\n")
    environment = os.environ | {"PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    lines = examples()
    assert len(lines) >= 5
    for line in lines:
        command = ["sh", "-c", line]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), line
        assert "One two three." in done.stdout or "three." in done.stdout, line


def test_samantha_tiny_answers_and_is_stored() -> None:
    command = [sys.executable, "-m", "samantha", "run", "--prompts", "Hello", "--max_tokens", "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with RunStore() as store:
        (step,) = store.steps(store.find("last"))
        assert done.stdout == step.text + "\n" * (not step.text.endswith("\n"))
        assert 0 < step.tokens <= 8
        assert store.run(store.find("last")).status == "done"
