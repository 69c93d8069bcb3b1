"""The user's token goes to the hub alone, over https, only where it is needed, and is never written anywhere."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from samantha.errors import DownloadError, HostNotConfirmed
from samantha.models import hub as rooms
from samantha.models.hub import Cache, Download, fetch, resolve
from tests.models.hub import faults
from tests.models.hub.conftest import FILE, HASTE, model
from tests.models.hub.hub_server import TOKEN, HubServer

Fetched = Callable[[Download], Path]


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def with_token(server: HubServer, role: str) -> list[str]:
    return [seen.path for seen in server.seen if seen.role == role and "authorization" in seen.headers]


def test_a_public_model_is_fetched_without_it(secure_hub: HubServer, fetched: Fetched) -> None:
    fetched(resolve("user/repo", patience=HASTE))
    assert secure_hub.asked("store")
    assert not with_token(secure_hub, "hub")


@pytest.mark.parametrize("kind", ["gated", "private"])
def test_it_opens_a_closed_repository_and_stays_with_the_hub(
    secure_hub: HubServer, fetched: Fetched, cache: Cache, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    secure_hub.add("user/closed", {FILE: model(seed=3)}, **{kind: True})
    path = fetched(resolve("user/closed", patience=HASTE))
    assert path.read_bytes() == model(seed=3)
    assert with_token(secure_hub, "hub")
    assert not with_token(secure_hub, "store")
    assert TOKEN not in caplog.text
    written = [file.read_bytes() for file in cache.folder.rglob("*") if file.is_file()]
    assert written
    assert not any(TOKEN.encode() in content for content in written)


def test_a_redirect_elsewhere_does_not_get_it(secure_hub: HubServer, cache: Cache) -> None:
    secure_hub.add("user/closed", {FILE: model()}, gated=True)
    download = resolve("user/closed", patience=HASTE)
    secure_hub.redirect = f"{secure_hub.url('foreign', '127.0.0.1')}/stolen.gguf"
    with pytest.raises(HostNotConfirmed) as refused:
        list(fetch(download, cache=cache, patience=HASTE))
    assert refused.value.host.startswith("127.0.0.1:")
    assert not secure_hub.asked("foreign")
    rooms.confirm(refused.value.host)
    with pytest.raises(DownloadError):
        list(fetch(download, cache=cache, patience=HASTE))
    assert secure_hub.asked("foreign")
    assert not with_token(secure_hub, "foreign")


def test_it_never_travels_over_plain_http(hub: HubServer) -> None:
    hub.add("user/closed", {FILE: model()}, gated=True)
    with pytest.raises(DownloadError, match="is gated"):
        resolve("user/closed", patience=HASTE)
    assert not with_token(hub, "hub")


def test_a_redirect_to_plain_http_is_refused(secure_hub: HubServer, cache: Cache, fetched: Fetched) -> None:
    download = resolve("user/repo", patience=HASTE)
    secure_hub.redirect = f"{secure_hub.url('store').replace('https', 'http')}/m.gguf"
    with pytest.raises(DownloadError, match="without https"):
        fetched(download)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure_hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with pytest.raises(DownloadError, match=r"certificate of localhost.* is not trusted"):
        resolve("user/repo", patience=HASTE)
    assert not secure_hub.seen


@pytest.mark.parametrize("token", ["two words", "línea", "a\nb"])
def test_a_token_that_cannot_be_one_is_not_repeated_in_the_sentence(
    secure_hub: HubServer, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    secure_hub.add("user/closed", {FILE: model()}, gated=True)
    with pytest.raises(DownloadError, match=r"HF_TOKEN holds|is gated") as refused:
        resolve("user/closed", patience=HASTE)
    assert token not in str(refused.value)


def test_the_sentences_name_neither_token_nor_signature(secure_hub: HubServer, cache: Cache) -> None:
    secure_hub.add("user/closed", {FILE: model()}, gated=True)
    download = resolve("user/closed", patience=HASTE)
    for fault in (faults.status(403), faults.status(503), faults.cut(10), faults.garbage, faults.page, faults.longer):
        secure_hub.faults.clear()
        secure_hub.faults.extend([fault] * 5)
        with pytest.raises(DownloadError) as failed:
            list(fetch(download, cache=cache, patience=HASTE))
        assert TOKEN not in str(failed.value)
        assert "Signature" not in str(failed.value)
