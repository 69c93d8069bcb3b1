"""Servers are asked what they are once for a run, and anew when something has changed."""

import pytest

from samantha.errors import EndpointError
from samantha.models.endpoints import EndpointModel, Servers, keys
from samantha.models.model import Loading, LoadOptions
from tests.models.endpoints.conftest import HASTY, KEY, chat, collect, end, outputs
from tests.models.endpoints.small_server import SmallServer


def acquired(servers: Servers, name: str, n_ctx: int = 4000) -> EndpointModel:
    (model,) = [
        item for item in servers.acquire(name, LoadOptions(n_ctx=n_ctx), lambda: False) if not isinstance(item, Loading)
    ]
    return model


def test_a_server_is_asked_once_for_many_steps(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.text("ok"))
    servers = Servers(HASTY)
    for _ in range(3):
        model = acquired(servers, small.base)
        assert end(outputs(model, chat("Hi"))).text == "ok"
        servers.release(model)
    assert len(small.asked("/v1/models")) == 1


def test_it_is_asked_anew_for_another_run_other_options_or_another_key(small: SmallServer) -> None:
    servers = Servers(HASTY)
    servers.release(acquired(servers, small.base))
    servers.begin()
    servers.release(acquired(servers, small.base))
    assert len(small.asked("/v1/models")) == 2
    servers.release(acquired(servers, small.base, n_ctx=100))
    assert len(small.asked("/v1/models")) == 3
    keys.save(small.origin, KEY)
    servers.release(acquired(servers, small.base))
    assert [seen.headers.get("authorization") for seen in small.asked("/v1/models")][3:] == [f"Bearer {KEY}"]


def test_after_a_failure_it_is_asked_anew(small: SmallServer) -> None:
    small.chat(lambda exchange: exchange.json({}, 400))
    servers = Servers(HASTY)
    model = acquired(servers, small.base)
    assert isinstance(collect(model, chat("Hi"))[1], EndpointError)
    servers.release(model)
    assert acquired(servers, small.base) is not model


def test_two_runs_use_a_server_at_once_each_with_a_model_of_its_own(small: SmallServer) -> None:
    servers = Servers(HASTY)
    assert acquired(servers, small.base) is not acquired(servers, small.base)


def test_a_server_that_is_not_there_keeps_nothing() -> None:
    servers = Servers(HASTY)
    with pytest.raises(EndpointError):
        acquired(servers, "http://127.0.0.1:9/v1")
    servers.begin()
