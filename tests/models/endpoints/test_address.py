"""How chains name models on servers: what is an address, what it means, and what may not stand in one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import settings
from samantha.errors import EndpointError, EndpointNotConfirmed
from samantha.models import endpoints
from samantha.models.endpoints import address, known


@pytest.mark.parametrize(
    ("text", "base", "model"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1", ""),
        ("http://localhost:8080/", "http://localhost:8080/v1", ""),
        ("http://127.0.0.1:8080/v1#tiny", "http://127.0.0.1:8080/v1", "tiny"),
        ("http://127.0.0.1:11434/v1/#llama3.2:3b", "http://127.0.0.1:11434/v1", "llama3.2:3b"),
        ("https://api.example.org/v1/chat/completions", "https://api.example.org/v1", ""),
        ("https://router.example.org/api/v1#meta/llama-3", "https://router.example.org/api/v1", "meta/llama-3"),
        ("https://example.org/v1beta/openai#g", "https://example.org/v1beta/openai", "g"),
        ("openai+http://127.0.0.1:9/custom#a%20b", "http://127.0.0.1:9/custom", "a b"),
        ("HTTP://[::1]:8080/v1", "http://[::1]:8080/v1", ""),
        ("http://127.0.0.1:80/v1", "http://127.0.0.1/v1", ""),
    ],
)
def test_addresses_of_openai_compatible_servers(text: str, base: str, model: str) -> None:
    found = address.parse(text)
    assert (found.api, found.base, found.model) == ("openai", base, model)
    assert address.parse(str(found)) == found


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/v1", "/api/extra"])
def test_addresses_of_koboldcpp(path: str) -> None:
    found = address.parse(f"kobold+http://127.0.0.1:5001{path}")
    assert (found.api, found.base) == ("kobold", "http://127.0.0.1:5001")
    assert address.parse(str(found)) == found


@pytest.mark.parametrize(
    ("base", "root"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"),
        ("https://router.example.org/api/v1", "https://router.example.org/api"),
        ("https://v1", "https://v1/v1".removesuffix("/v1")),
        ("http://127.0.0.1:9/custom", "http://127.0.0.1:9/custom"),
    ],
)
def test_a_servers_own_routes_begin_before_the_version(base: str, root: str) -> None:
    assert address.Address("openai", base).root == root


@pytest.mark.parametrize(
    "text",
    [
        "tiny", "./model.gguf", "https://huggingface.co/user/repo", "https://hf.co/user/repo", "user/repo:Q4_K_M",
        "https://example.org/files/model.gguf", "https://example.org/v1/model.gguf", "https://example.org/page",
        "ftp://example.org/v1", "kobold://127.0.0.1", "evil+http://127.0.0.1", "",
    ],
)  # fmt: skip
def test_what_is_no_address_is_left_to_others(text: str) -> None:
    assert not endpoints.is_endpoint(text)


@pytest.mark.parametrize(
    "text", ["https://user:sk-secret@example.org/v1", "https://example.org/v1?api_key=sk-secret#m",
             "kobold+http://sk-secret@127.0.0.1:5001"]
)  # fmt: skip
def test_a_secret_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(EndpointError, match="leave it out") as caught:
        endpoints.find(text)
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["http://127.0.0.1:99999/v1", "http://[::1/v1", "http:///v1", "http://a b/v1"])
def test_what_cannot_be_read_is_one_sentence(text: str) -> None:
    with pytest.raises(EndpointError):
        address.parse(text)


@given(st.text())
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    for candidate in (text, f"http://{text}", f"kobold+https://{text}"):
        address.is_address(candidate)
        with contextlib.suppress(EndpointError):
            assert address.parse(candidate).base.startswith(("http://", "https://"))


def test_another_computer_without_https_is_confirmed_once() -> None:
    with pytest.raises(EndpointNotConfirmed, match=r"no https\. Nothing was sent") as caught:
        endpoints.find("http://192.0.2.7:8080/v1")
    assert caught.value.origin == "http://192.0.2.7:8080"
    assert address.confirm("http://192.0.2.7:8080/v1") == "http://192.0.2.7:8080"
    endpoints.find("http://192.0.2.7:8080/v1#a")
    with pytest.raises(EndpointNotConfirmed):
        endpoints.find("http://192.0.2.7:8081/v1")
    assert settings.load().endpoint_origins == ("http://192.0.2.7:8080",)


@pytest.mark.parametrize("host", ["localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "2130706433"])
def test_what_only_looks_like_this_computer_is_another(host: str) -> None:
    with pytest.raises(EndpointError):
        endpoints.find(f"http://{host}:8080/v1")


@pytest.mark.parametrize(
    "text", ["http://localhost:1/v1", "http://127.8.8.8:1", "http://[::1]:1", "https://localhost:1/v1"]
)
def test_this_computer_needs_no_word(text: str) -> None:
    endpoints.find(text)


def test_a_chain_of_a_stranger_sends_nothing_to_a_server_of_his() -> None:
    with pytest.raises(EndpointNotConfirmed, match=r"would leave this one\. Nothing was sent") as caught:
        endpoints.find("https://example.org/v1#a")
    assert caught.value.origin == "https://example.org"
    address.confirm("https://example.org/v1")
    endpoints.find("https://example.org/v1#a")


def test_a_server_with_a_name_is_agreed_to() -> None:
    known.add("lab", settings.Endpoint("https://lab.example/v1"))
    endpoints.find("lab#a")
    endpoints.find("https://lab.example/v1#b")
    with pytest.raises(EndpointNotConfirmed):
        endpoints.find("https://lab.example:444/v1#b")
