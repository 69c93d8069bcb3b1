"""Keys are in a private file or a variable, belong to an origin, and are nowhere else."""

import os
from pathlib import Path

import pytest

from samantha import settings
from samantha.errors import EndpointError, ModelNotFound
from samantha.models import endpoints
from samantha.models.endpoints import keys, known
from samantha.settings import Endpoint

ORIGIN = "https://api.example.org"


def test_a_key_is_kept_for_its_origin_alone() -> None:
    keys.save(ORIGIN, "sk-1")
    assert keys.find(ORIGIN) == "sk-1"
    assert keys.find("https://api.example.org:8443") == ""
    assert keys.find("http://api.example.org") == ""
    keys.save(ORIGIN, "")
    assert keys.origins() == set()


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
def test_only_the_user_may_read_the_file(samantha_home: Path) -> None:
    old = os.umask(0)
    try:
        keys.save(ORIGIN, "sk-1")
    finally:
        os.umask(old)
    assert keys.path().stat().st_mode & 0o777 == 0o600
    keys.path().chmod(0o644)
    with pytest.raises(EndpointError, match="chmod 600") as caught:
        keys.find(ORIGIN)
    assert "sk-1" not in str(caught.value)


def test_a_damaged_file_is_a_sentence_that_quotes_nothing(samantha_home: Path) -> None:
    keys.save(ORIGIN, "sk-1")
    keys.path().write_bytes(b'{"https://api.example.org": "sk-1')
    with pytest.raises(EndpointError, match="damaged") as caught:
        keys.find(ORIGIN)
    assert "sk-1" not in str(caught.value)


def test_a_key_comes_from_the_variable_that_the_user_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-2")
    assert keys.find(ORIGIN, "LAB_KEY") == "sk-2"
    monkeypatch.delenv("LAB_KEY")
    known.add("lab", Endpoint(f"{ORIGIN}/v1", key_variable="LAB_KEY"))
    with pytest.raises(EndpointError, match="LAB_KEY"):
        endpoints.find("lab#m")


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "x" * 9000])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(EndpointError, match="cannot be a key") as caught:
        keys.save(ORIGIN, key)
    assert key not in str(caught.value)


def test_settings_never_hold_a_key(samantha_home: Path) -> None:
    known.add("lab", Endpoint(f"{ORIGIN}/v1", key_variable="LAB_KEY"))
    keys.save(ORIGIN, "sk-3")
    assert "sk-3" not in (settings.data_folder() / "settings.json").read_text()


def test_a_name_stands_for_an_address_and_may_choose_a_model() -> None:
    known.add("lab", Endpoint(f"{ORIGIN}/v1#usual", parallel=4))
    assert endpoints.is_endpoint("lab")
    assert endpoints.is_endpoint("lab#other")
    assert endpoints.find("lab").address.model == "usual"
    assert endpoints.find("lab#other").address.model == "other"
    assert known.resolve(f"{ORIGIN}/v1#x")[1].parallel == 4
    known.remove("lab")
    assert not endpoints.is_endpoint("lab")


def test_an_unknown_name_names_the_nearest() -> None:
    known.add("laboratory", Endpoint(f"{ORIGIN}/v1"))
    with pytest.raises(ModelNotFound, match="Did you mean laboratory"):
        endpoints.find("laboratry")


@pytest.mark.parametrize("name", ["tiny", "a b", "a#b", "", "x.gguf", "../x", "http://x/v1"])
def test_what_cannot_name_a_server_is_refused(name: str) -> None:
    with pytest.raises(EndpointError):
        known.add(name, Endpoint(f"{ORIGIN}/v1"))
