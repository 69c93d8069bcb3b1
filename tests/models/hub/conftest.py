"""A hub on this computer, a cache of its own, and no patience at all."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samantha.models.hub import Cache, Download, Patience, fetch, resolve
from tests.models.hub.hub_server import CERTIFICATE, HubServer

HASTE = Patience(
    attempts=4, first_wait=0.01, longest_wait=0.02, longest_request=0.3, connect=5.0, silence=1.5, answer=10.0
)
FILE = "model-Q4_K_M.gguf"


def model(size: int = 300_000, seed: int = 1) -> bytes:
    """Bytes that begin as a GGUF file does."""
    return b"GGUF" + random.Random(seed).randbytes(size - 4)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No token, no proxy, no mirror of whoever runs the tests."""
    from huggingface_hub import constants

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with `user/repo`, which holds one model."""
    server = HubServer()
    server.add("user/repo", {FILE: model(), "README.md": b"# A model"})
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    yield server
    server.close()


@pytest.fixture
def secure_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """The same over TLS, where tokens may travel."""
    server = HubServer(tls=True)
    server.add("user/repo", {FILE: model(), "README.md": b"# A model"})
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "downloads")


@pytest.fixture
def found() -> Callable[..., Download]:
    """Resolves without patience."""
    return lambda text="user/repo": resolve(text, patience=HASTE)


@pytest.fixture
def fetched(cache: Cache) -> Callable[[Download], Path]:
    """Downloads to the end."""

    def to_the_end(download: Download) -> Path:
        *_, path = fetch(download, cache=cache, patience=HASTE)
        assert isinstance(path, Path)
        return path

    return to_the_end
