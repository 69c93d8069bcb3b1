"""Https: a certificate that nobody vouches for is refused before anything is sent, one that the user names is used."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samantha.errors import EndpointError
from samantha.models.endpoints import keys
from tests.models.endpoints.conftest import KEY, chat, end, opened, outputs
from tests.models.endpoints.small_server import SmallServer

CERTIFICATE = Path(__file__).parents[1] / "hub" / "localhost.pem"


@pytest.fixture
def secure() -> Iterator[SmallServer]:
    server = SmallServer(CERTIFICATE)
    yield server
    server.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: SmallServer) -> None:
    keys.save(secure.origin, KEY)
    with pytest.raises(EndpointError, match=r"certificate of localhost:\d+ is not trusted: nothing was sent"):
        opened(secure.base)
    assert secure.seen == []


def test_a_certificate_that_the_user_names_is_trusted(secure: SmallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    secure.chat(lambda exchange: exchange.text("ok"))
    assert end(outputs(opened(secure.base), chat("Hi"))).text == "ok"


def test_a_redirect_from_https_to_http_is_another_server(
    secure: SmallServer, small: SmallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    secure.routes["/v1/models"] = lambda exchange: exchange.json({}, 302, Location=f"{small.base}/models")
    with pytest.raises(EndpointError, match="redirects to http://"):
        opened(secure.base)
    assert small.seen == []
