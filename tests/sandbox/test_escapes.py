"""Every escape is tried in every sandbox, by root and by an ordinary user: none gets away, and each is real."""

import os

import pytest

from samantha import sandbox
from samantha.sandbox import landlock
from tests.sandbox.escapes import AS_ROOT, ESCAPES, HARDENED, ISOLATED, NETWORK, NOT_OUTSIDE, trying
from tests.sandbox.situations import Situation, escaped, ordinary_python

ROOT = os.geteuid() == 0
USERS = [False, True] if ROOT else [False]
SITUATIONS = [
    *(Situation(ordinary=user) for user in USERS),
    *(Situation(network=True, ordinary=user) for user in USERS),
    Situation(mode="reduced", ordinary=True),
    Situation(mode="reduced", network=True, ordinary=True),
]


def found(situation: Situation) -> dict[str, bool]:
    """What happened, if this computer can show it at all."""
    if situation.ordinary and ROOT and not ordinary_python():
        pytest.skip("no Python of this version is within an ordinary user's reach on this computer")
    if situation.outside:
        return escaped(situation)
    if situation.mode == "isolated" and sandbox.isolation() != "bubblewrap":
        pytest.skip("bubblewrap does not work on this computer")
    if situation.mode == "reduced" and landlock.missing():
        pytest.skip(f"this computer lacks {landlock.missing()}")
    return escaped(situation)


def test_there_are_at_least_ninety() -> None:
    assert trying.main
    assert len(ESCAPES) >= 200


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
@pytest.mark.parametrize("name", ESCAPES)
def test_nothing_gets_away(name: str, situation: Situation) -> None:
    got_away = found(situation)[name]
    if name in NETWORK and situation.network:
        assert got_away or name in HARDENED, "the network was granted"
    elif name not in ISOLATED or situation.mode == "isolated":
        assert not got_away


@pytest.mark.parametrize(("name", "ordinary"), [
    pytest.param(name, user, id=f"{name}-{'ordinary' if user or not ROOT else 'root'}")
    for user in USERS for name in sorted(set(ESCAPES) - NOT_OUTSIDE)
    if name not in AS_ROOT or (ROOT and not user)
])  # fmt: skip
def test_escape_is_real_outside(name: str, ordinary: bool) -> None:
    """What nobody could do anyway would prove nothing."""
    got_away = found(Situation(outside=True, ordinary=ordinary))[name]
    if not got_away and name in HARDENED:
        pytest.skip("this computer forbids it to everybody")
    assert got_away
