"""A real server for the whole session, a small one for each test, and what both are asked with."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from samantha.hyperparameters import Hyperparameters
from samantha.models import endpoints, library
from samantha.models.endpoints import EndpointModel, keys
from samantha.models.endpoints.faults import Patience
from samantha.models.model import GenerateRequest, LoadOptions, Message, Output, Rendered, SampleFinished, Token
from tests.models.endpoints.small_server import SmallServer, small_server

KEY = "sk-a-key-that-nobody-may-see"
HASTY = Patience(
    attempts=3, first_wait=0.01, longest_wait=0.02, longest_request=2.0, busy=5.0, first_token=20, between=20, answer=20
)


class RealServer(NamedTuple):
    """`python -m llama_cpp.server` with Samantha Tiny; it wants `KEY`."""

    origin: str
    log: Path


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("llama_cpp_server") / "log"
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(library.TINY_PATH), "--model_alias", "tiny"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "1024", "--n_threads", "1", "--api_key", KEY]
    with log.open("wb") as output:
        environment = {name: value for name, value in os.environ.items() if name not in ("CONFIG_FILE", "MODEL")}
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        server = RealServer(f"http://127.0.0.1:{port}", log)
        _wait(server, process)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: RealServer, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(1200):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{server.origin}/v1/models", timeout=5)
        except urllib.error.HTTPError:
            return  # it wants its key: it is up
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"llama_cpp.server did not start: {server.log.read_text(errors='replace')[-2000:]}")


@pytest.fixture
def tiny(real_server: RealServer) -> EndpointModel:
    """Samantha Tiny on the real server, opened with its key."""
    keys.save(real_server.origin, KEY)
    return opened(f"{real_server.origin}/v1#tiny")


@pytest.fixture
def small() -> Iterator[SmallServer]:
    with small_server() as server:
        yield server


@pytest.fixture
def other() -> Iterator[SmallServer]:
    """Another origin."""
    with small_server() as server:
        yield server


def opened(name: str, patience: Patience = HASTY, **options: int) -> EndpointModel:
    model = endpoints.find(name, patience=patience)
    for _ in model.open(LoadOptions(**options), lambda: False):  # type: ignore[arg-type]
        pass
    return model


def chat(*texts: str, samples: int = 1, trace: int = 0, window: int = 256, **values: object) -> GenerateRequest:
    """A request for the answer to turns of user, assistant, user, ..."""
    messages = tuple(Message("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))
    knobs = Hyperparameters(**{"max_tokens": 40, "seed": 7, **values})  # type: ignore[arg-type]
    return GenerateRequest(samples=(knobs,) * samples, messages=messages, trace=trace, window=window)


def raw(text: str, trace: int = 0, **values: object) -> GenerateRequest:
    knobs = Hyperparameters(**{"max_tokens": 40, "seed": 7, **values})  # type: ignore[arg-type]
    return GenerateRequest(samples=(knobs,), text=text, trace=trace)


def outputs(model: EndpointModel, request: GenerateRequest) -> list[Output]:
    return list(model.generate(request))


def end(items: list[Output], sample: int = 0) -> SampleFinished:
    return next(item for item in items if isinstance(item, SampleFinished) and item.sample == sample)


def tokens(items: list[Output], sample: int = 0) -> list[Token]:
    return [item for item in items if isinstance(item, Token) and item.sample == sample]


def notices(items: list[Output]) -> str:
    return " ".join(next(item for item in items if isinstance(item, Rendered)).notices)


def collect(model: EndpointModel, request: GenerateRequest) -> tuple[list[Output], Exception | None]:
    """What came, and the error that ended it."""
    items: list[Output] = []
    try:
        items.extend(model.generate(request))
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return items, error
    return items, None
