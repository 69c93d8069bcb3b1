"""Children: frames, ends, and the thread that starts them."""

import io
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import processes
from samantha.processes import Child, read_frame, write_frame

ECHO = (
    "import sys\nfrom samantha.processes import read_frame, write_frame\n"
    "while (frame := read_frame(sys.stdin.buffer)) is not None: write_frame(sys.stdout.buffer, frame)\n"
)


def child(code: str) -> Child:
    from pathlib import Path

    import samantha

    root = str(Path(samantha.__file__).parent.parent)
    return Child([sys.executable, "-c", code], {"PYTHONPATH": root, "PATH": "/usr/bin:/bin"})


@given(st.lists(st.binary(max_size=300)))
def test_frames_arrive_as_they_were_sent(payloads: list[bytes]) -> None:
    stream = io.BytesIO()
    for payload in payloads:
        write_frame(stream, payload)
    stream.seek(0)
    assert [read_frame(stream) for _ in payloads] == payloads
    assert read_frame(stream) is None


@given(st.binary(max_size=40), st.integers(0, 43))
def test_a_cut_stream_ends(payload: bytes, length: int) -> None:
    stream = io.BytesIO()
    write_frame(stream, payload)
    cut = io.BytesIO(stream.getvalue()[: min(length, len(payload) + 3)])
    assert read_frame(cut) is None


def test_a_child_answers_and_ends_when_its_input_is_closed() -> None:
    echo = child(ECHO)
    echo.send(b"hello")
    assert echo.receive(10) == b"hello"
    echo.close(5)
    assert not echo.alive
    assert echo.receive(1) is None


def test_a_silent_child_is_a_timeout() -> None:
    echo = child(ECHO)
    with pytest.raises(TimeoutError):
        echo.receive(0.05)
    echo.kill()


def test_the_cause_of_death_names_status_and_last_error_line() -> None:
    failing = child("import sys; print('first', file=sys.stderr); sys.exit('the reason')")
    assert failing.receive(10) is None
    assert failing.cause_of_death() == "it ended with status 1: the reason"


def test_a_signal_is_named() -> None:
    failing = child("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert failing.receive(10) is None
    assert failing.cause_of_death() == "it crashed with SIGSEGV"


def test_sending_to_a_child_that_is_gone_is_no_error() -> None:
    gone = child("")
    assert gone.receive(10) is None
    gone.cause_of_death()
    gone.send(b"x" * 100_000)


def test_children_outlive_the_thread_that_asked_for_them() -> None:
    started: list[Child] = []
    thread = threading.Thread(target=lambda: started.append(child(ECHO)))
    thread.start()
    thread.join()
    started[0].send(b"still here")
    assert started[0].receive(10) == b"still here"
    started[0].kill()


def test_a_missing_program_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        Child(["/no/such/program"], {})


def test_start_that_fails_leaves_the_starting_thread_alive() -> None:
    with pytest.raises(ValueError, match="null"):
        processes.start(lambda: subprocess.Popen(["a\0b"]))
    with pytest.raises(FileNotFoundError):
        processes.start(lambda: subprocess.Popen(["/nowhere/nothing"]))
    assert processes.start(lambda: subprocess.Popen([sys.executable, "-c", ""])).wait() == 0
