"""The canary notices every part of the sandbox that is removed or replaced by a fake, and says so in words."""

import functools
import os
from pathlib import Path

import pytest

from samantha import sandbox
from samantha.sandbox import canary, landlock
from tests.sandbox import broken
from tests.sandbox.situations import ordinary_python, run

ROOT = os.geteuid() == 0
USERS = {"root": False, "ordinary": True} if ROOT else {"ordinary": False}
needs_bubblewrap = pytest.mark.skipif(
    sandbox.isolation() != "bubblewrap", reason="bubblewrap does not work on this computer"
)
needs_landlock = pytest.mark.skipif(bool(landlock.missing()), reason=f"this computer lacks {landlock.missing()}")


@functools.cache
def said(mode: str, user: str) -> dict[str, tuple[str, list[str]]]:
    """The proof's mode and failures, for each broken part."""
    if user == "ordinary" and ROOT and not ordinary_python():
        pytest.skip("no Python of this version is within an ordinary user's reach on this computer")
    found = run("tests.sandbox.broken", {"mode": mode}, USERS[user])
    return {name: (one[0], one[1]) for name, one in found.items()}


@needs_bubblewrap
@pytest.mark.parametrize(("user", "part"), [
    (user, part) for user in USERS for part in broken.isolated_names()
    if part not in (broken.ORDINARY_ONLY if user == "root" else broken.ROOT_ONLY)
])  # fmt: skip
def test_broken_isolation_is_noticed(part: str, user: str) -> None:
    mode, failures = said("isolated", user)[part]
    assert mode == "none"
    assert failures
    assert all(" " in failure for failure in failures)


@needs_landlock
@pytest.mark.parametrize("part", broken.reduced())
def test_broken_reduction_is_noticed(part: str) -> None:
    mode, failures = said("reduced", "ordinary")[part]
    assert mode == "none"
    assert failures


@needs_bubblewrap
@pytest.mark.parametrize("user", USERS)
def test_whole_isolation_holds(user: str) -> None:
    assert said("isolated", user)["whole"] == ("isolated", [])


@needs_landlock
def test_whole_reduction_holds() -> None:
    assert said("reduced", "ordinary")["whole"] == ("reduced", [])


@pytest.mark.parametrize(("part", "words"), [
    ("no filter of system calls", "io_uring"), ("the computer's network", "connect to a port"),
    ("the data folder", "read a file outside"), ("code that can be changed", "write outside"),
    ("living on", "went on after it was killed"), ("no limit nproc", "processes than allowed"),
    ("the program's descriptors", "open files"), ("bubblewrap that lies", "did not report"),
])  # fmt: skip
@needs_bubblewrap
def test_failure_is_named(part: str, words: str) -> None:
    _, failures = said("isolated", next(iter(USERS)))[part]
    assert any(words in failure for failure in failures)


def test_without_any_sandbox_code_does_not_run_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "available", lambda: ("none",))
    monkeypatch.setattr(canary, "lacking", lambda: ("the program bwrap is missing",))
    proof = canary.prove()
    assert (proof.mode, proof.failures) == ("none", ("the program bwrap is missing",))


@needs_bubblewrap
def test_bubblewrap_that_cannot_start_is_replaced_by_what_is_proven(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on Ubuntu 24.04 without a profile: bubblewrap is there, and is refused its namespace."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    proof = canary.prove()
    assert proof.mode in ("reduced", "none")
    assert "setting up uid map: Permission denied" in proof.failures[0]


@needs_bubblewrap
def test_canary_leaves_nothing_behind(samantha_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    canary.prove()
    assert not list((samantha_home / "work").iterdir())
    assert not list(tmp_path.glob("canary-*"))
