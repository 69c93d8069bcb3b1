"""A model in its worker: same answers, credit, stops in every phase, death at every moment."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from samantha import sandbox
from samantha.errors import GrammarError, ModelError, ModelFileError, PromptTooLong, TemplateError, WorkerDied
from samantha.hyperparameters import Hyperparameters
from samantha.models.llama.model import LlamaModel
from samantha.models.model import GenerateRequest, Loading, LoadOptions, Message, Rendered, SampleFinished, Token
from samantha.models.remote import RemoteModel

OPTIONS = LoadOptions(n_ctx=2048, n_threads=1, n_seq_max=2)
ENDLESS = GenerateRequest(samples=(Hyperparameters(max_tokens=0),), text="hello there")


def loaded(path: Path) -> RemoteModel:
    model = RemoteModel(path, "random")
    assert [step for step in model.open(OPTIONS, lambda: False) if isinstance(step, Loading)]
    return model


@pytest.fixture
def model(random_gguf: Path) -> Iterator[RemoteModel]:
    model = loaded(random_gguf)
    yield model
    model.close()


def native_process(model: RemoteModel) -> psutil.Process:
    """The process that holds the model: the innermost one, inside the sandbox where there is one."""
    process = psutil.Process(model.pid)
    return (process.children(recursive=True) or [process])[-1]


def test_it_answers_as_the_model_in_this_process_does(model: RemoteModel, random_gguf: Path) -> None:
    samples = tuple(Hyperparameters(temperature=1.0, seed=seed, max_tokens=40) for seed in range(2))
    request = GenerateRequest(samples=samples, messages=(Message("user", "hello"),))
    here = LlamaModel(random_gguf, "random", 0, lambda fraction: True)
    here.prepare(OPTIONS)
    expected = [output for output in here.generate(request) if isinstance(output, Token)]
    here.close()
    assert [output for output in model.generate(request) if isinstance(output, Token)] == expected


def test_credit_keeps_the_worker_from_running_ahead(model: RemoteModel) -> None:
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=300),), text="hello", window=4)
    outputs = model.generate(request)
    for output in outputs:
        if isinstance(output, Token):
            break
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        assert model.buffered <= 4
        time.sleep(0.01)
    assert sum(isinstance(output, Token) for output in outputs) == 299


def test_credit_one_steps_token_by_token(model: RemoteModel) -> None:
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=20),), text="hello", window=1)
    tokens = 0
    for output in model.generate(request):
        tokens += isinstance(output, Token)
        if 0 < tokens < 20:  # reports of the prompt pass and of the end need no credit and may stand beside a token
            assert model.buffered <= 1
    assert tokens == 20


def test_a_stop_is_heard_while_waiting_for_credit(model: RemoteModel) -> None:
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=0),), text="hello", window=1)
    outputs = model.generate(request)
    for output in outputs:
        if isinstance(output, Token):
            model.stop("skipped")
            break
    end = list(outputs)[-1]
    assert isinstance(end, SampleFinished)
    assert end.reason == "skipped"
    assert end.text


def test_a_generation_that_is_not_read_on_does_not_disturb_the_next(model: RemoteModel) -> None:
    for _ in range(3):
        outputs = model.generate(ENDLESS)
        next(output for output in outputs if isinstance(output, Token))
        outputs.close()  # type: ignore[attr-defined]
    short = GenerateRequest(samples=(Hyperparameters(max_tokens=3),), text="again")
    outputs = list(model.generate(short))
    assert isinstance(outputs[0], Rendered)
    assert outputs[0].text == "again"
    assert sum(isinstance(output, Token) for output in outputs) == 3


@pytest.mark.parametrize("number", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_worker_that_dies_while_generating_is_an_error_with_its_cause(model: RemoteModel, number: str) -> None:
    tokens = []

    def read_and_kill() -> None:
        for output in model.generate(ENDLESS):
            if isinstance(output, Token):
                tokens.append(output)
                if len(tokens) == 3:
                    native_process(model).send_signal(getattr(signal, number))

    with pytest.raises(WorkerDied, match="killed" if number == "SIGKILL" else number):
        read_and_kill()
    assert len(tokens) >= 3
    assert not model.alive


def test_a_worker_that_ignores_a_stop_is_killed_and_what_it_said_stands(model: RemoteModel) -> None:
    shown = []
    for output in model.generate(ENDLESS):
        if isinstance(output, Token):
            shown.append(output.shown)
            if len(shown) == 3:
                native_process(model).send_signal(signal.SIGSTOP)
                model.stop()
    assert isinstance(output, SampleFinished)
    assert output.reason == "stopped"
    assert output.text == "".join(shown)
    assert not model.alive


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (GenerateRequest(samples=(Hyperparameters(),), text="word " * 5000), PromptTooLong),
        (GenerateRequest(samples=(Hyperparameters(grammar="root ::= ("),), text="a"), GrammarError),
        (GenerateRequest(samples=(Hyperparameters(),), messages=(Message("user", "a"),), template="nope"),
         TemplateError),
    ],
)
def test_errors_cross_the_pipe_as_themselves(
    model: RemoteModel, request_: GenerateRequest, error: type[ModelError]
) -> None:
    with pytest.raises(error) as caught:
        list(model.generate(request_))
    assert type(caught.value) is error
    assert model.count(GenerateRequest(samples=(Hyperparameters(),), text="still here")) > 0


def test_a_cancelled_load_ends(random_gguf: Path) -> None:
    model = RemoteModel(random_gguf, "random")
    with pytest.raises(ModelError):
        list(model.open(OPTIONS, lambda: True))
    model.close()


def test_a_bad_file_is_one_sentence_and_the_worker_stays(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\x03\0\0\0" + b"\xff" * 200)
    model = RemoteModel(bad, "bad")
    with pytest.raises(ModelFileError, match=r"bad\.gguf is damaged"):
        list(model.open(OPTIONS, lambda: False))
    assert model.alive
    model.close()


def test_closing_ends_the_process(random_gguf: Path) -> None:
    model = loaded(random_gguf)
    process = native_process(model)
    model.close()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_the_worker_ends_when_the_program_is_gone(random_gguf: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys, time\nfrom pathlib import Path\nfrom samantha.models.model import LoadOptions\n"
        "from samantha.models.remote import RemoteModel\n"
        f"m = RemoteModel(Path({str(random_gguf)!r}), 'random')\n"
        "list(m.open(LoadOptions(), lambda: False))\nprint(m.pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        family = psutil.Process(int(parent.stdout.readline()))
        family_members = [family, *family.children(recursive=True)]
        parent.kill()
    _, alive = psutil.wait_procs(family_members, timeout=5)
    assert not alive


@pytest.mark.skipif(sandbox.isolation() != "bubblewrap", reason="bubblewrap does not work on this machine")
def test_the_worker_sees_no_network_and_cannot_write(model: RemoteModel) -> None:
    root = Path(f"/proc/{native_process(model).pid}")
    assert model.isolated
    routes = (root / "net" / "route").read_text().splitlines()
    assert len(routes) == 1  # the heading
    assert (root / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
    mounts = [line.split() for line in (root / "mounts").read_text().splitlines()]
    writable = {fields[1] for fields in mounts if "rw" in fields[3].split(",")}
    assert writable <= {"/dev", "/dev/shm", "/dev/pts", "/tmp", "/proc", "/dev/console", "/dev/mqueue",
                        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}


def test_two_workers_at_once_do_not_disturb_each_other(random_gguf: Path) -> None:
    request = GenerateRequest(samples=(Hyperparameters(max_tokens=200, temperature=1.0, seed=5),), text="hello")
    workers = [loaded(random_gguf) for _ in range(2)]
    answers: list[str] = []

    def ask(model: RemoteModel) -> None:
        end = list(model.generate(request))[-1]
        assert isinstance(end, SampleFinished)
        answers.append(end.text)

    threads = [threading.Thread(target=ask, args=(model,)) for model in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in workers:
        model.close()
    assert len(answers) == 2
    assert answers[0] == answers[1]


def test_a_worker_that_is_stuck_before_its_first_token_is_ended(
    model: RemoteModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samantha.models.remote.RENDER_SECONDS", 0.2)
    native_process(model).send_signal(signal.SIGSTOP)
    with pytest.raises(WorkerDied, match="stuck"):
        model.count(ENDLESS)
    assert not model.alive
    model.reset()
