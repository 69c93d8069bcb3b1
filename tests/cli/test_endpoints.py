"""`samantha endpoints`: names, keys and checks, against a small server on loopback."""

import json
from collections.abc import Iterator

import pytest

from samantha import settings
from samantha.models.endpoints import keys
from tests.models.endpoints.small_server import SmallServer, small_server

from .conftest import Samantha

KEY = "sk-a-key-that-nobody-may-see"


@pytest.fixture
def small() -> Iterator[SmallServer]:
    with small_server() as server:
        yield server


def test_a_server_gets_a_name_and_loses_it(samantha: Samantha) -> None:
    assert samantha("endpoints", "add", "lab", "https://example.org/v1#m", "--parallel", "3").status == 0
    (listed,) = [json.loads(line) for line in samantha("endpoints", "list", "--json").out.splitlines()]
    assert (listed["name"], listed["address"], listed["parallel"]) == ("lab", "https://example.org/v1#m", 3)
    assert "lab" in samantha("endpoints").out
    assert samantha("endpoints", "remove", "lab").status == 0
    assert "No server has a name yet" in samantha("endpoints").err


def test_a_key_is_read_from_standard_input_and_never_printed(samantha: Samantha, small: SmallServer) -> None:
    samantha("endpoints", "add", "lab", small.base)
    given = samantha("endpoints", "key", "lab", typed=f"{KEY}\n")
    assert keys.find(small.origin) == KEY
    listed = samantha("endpoints")
    assert "kept" in listed.out
    assert KEY not in given.out + given.err + listed.out + listed.err
    assert KEY not in (settings.data_folder() / "settings.json").read_text()
    samantha("endpoints", "key", "lab", typed="\n")
    assert keys.find(small.origin) == ""


def test_a_server_is_checked(samantha: Samantha, small: SmallServer) -> None:
    checked = samantha("endpoints", "check", small.base)
    assert checked.status == 0
    assert "small" in checked.out
    assert json.loads(samantha("endpoints", "check", small.base, "--json").out)["kind"] == "standard"


def test_nobody_there_fails_with_a_sentence(samantha: Samantha, small: SmallServer) -> None:
    small.close()
    checked = samantha("endpoints", "check", small.base)
    assert checked.status == 1
    assert "is the server running there?" in checked.err


def test_another_computer_is_confirmed(samantha: Samantha) -> None:
    refused = samantha("endpoints", "check", "http://192.0.2.7:8080/v1")
    assert "samantha endpoints confirm http://192.0.2.7:8080" in refused.err
    assert samantha("endpoints", "confirm", "http://192.0.2.7:8080").status == 0
    assert settings.load().endpoint_origins == ("http://192.0.2.7:8080",)


@pytest.mark.parametrize("given", [("add", "lab"), ("check",), ("list", "x"), ("key",), ("confirm",), ("remove",)])
def test_what_is_missing_is_said(samantha: Samantha, given: tuple[str, ...]) -> None:
    result = samantha("endpoints", *given)
    assert result.status == 2
    assert f"`samantha endpoints {given[0]}` takes" in result.err
