"""The routes of the Learn tab on the real server: what they answer, and one sentence for whatever cannot be."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from samantha.chain.chain import Chain
from samantha.ui.session import Session
from tests.ui.conftest import Served

Post = Callable[..., httpx.Response]


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    cookies = {f"samantha-{served.page.port}": served.page.token}
    with httpx.Client(base_url=f"{served.base}/samantha/learn/", cookies=cookies, timeout=20) as made:
        yield made


@pytest.fixture
def tab() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def session(served: Served, tab: str) -> Session:
    return served.page.workbench.sessions.of(tab)


@pytest.fixture
def post(client: httpx.Client, tab: str) -> Post:
    return lambda path, **sent: client.post(path, json={"tab": tab, **sent})


def ran(session: Session, **chain: Any) -> str:
    """A run of the tab, to its end; its id."""
    session.start(Chain(**({"prompts": "Hi"} | chain)))
    session.join(20)
    assert not session.running
    return session.record.run


def problem(answer: httpx.Response, status: int) -> str:
    """The one sentence of a refusal."""
    assert answer.status_code == status
    said = answer.json()
    assert said.keys() == {"problem"}
    assert said["problem"].endswith((".", "?"))
    return str(said["problem"])


def test_a_traced_run_answers_for_each_of_its_tokens(
    session: Session, post: Post, client: httpx.Client, tab: str
) -> None:
    assert post("speed", speed=0).json() == {}
    run = ran(session)
    tokens = session.record.answers[1, 0].tokens
    assert tokens
    for position, seen in enumerate(tokens):
        place = {"tab": tab, "run": run, "step": 1, "branch": 0, "position": position}
        found = client.get("token", params=place).json()
        assert (found["id"], found["position"], found["traced"], found["rank"]) == (seen.id, position, True, 1)
        assert found["candidates"][0][0] == seen.id


def test_a_stored_run_answers_too(session: Session, post: Post, client: httpx.Client) -> None:
    post("speed", speed=0)
    place = {"run": ran(session), "step": 1, "branch": 0, "position": 0}
    other = uuid.uuid4().hex
    assert client.get("token", params={"tab": other, **place}).json()["traced"] is True


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"run": "no-such-run"}, "no stored run no-such-run"),
        ({"run": ""}, "no stored run"),
        ({"step": 2}, "no step 2"),
        ({"step": -1}, "no step -1"),
        ({"branch": 1}, "branch 1"),
        ({"position": 99}, "none at position 99"),
        ({"position": -1}, "none at position -1"),
        ({"position": "x"}, "whole numbers"),
        ({"step": "1.5"}, "whole numbers"),
        ({"position": "9" * 5000}, "whole numbers"),
        ({"branch": "../1"}, "whole numbers"),
    ],
)
def test_a_token_that_is_not_there_is_one_sentence(
    session: Session, post: Post, client: httpx.Client, tab: str, place: dict[str, Any], said: str
) -> None:
    post("speed", speed=0)
    right = {"tab": tab, "run": ran(session), "step": 1, "branch": 0, "position": 0}
    assert said in problem(client.get("token", params=right | place), 404)


def test_a_run_without_traces_is_not_opened_and_the_sentence_says_why(session: Session, post: Post) -> None:
    run = ran(session)
    answer = post("open", run=run)
    assert answer.status_code == 400
    assert answer.json() == {"problem_key": "learn.untraced_run", "values": {"run": run}}
    assert "no stored run gone" in problem(post("open", run="gone"), 400)
    assert not session.learning.opened


def test_a_traced_run_is_opened_and_left_again(session: Session, served: Served, post: Post) -> None:
    other = served.page.workbench.sessions.of(uuid.uuid4().hex)
    other.choose_speed(0)
    run = ran(other)
    assert post("open", run=run).json() == {}
    assert session.learning.record.run == run
    assert post("open", run="").json() == {}
    assert session.learning.record is session.record


@pytest.mark.parametrize(
    ("path", "sent", "said"),
    [
        ("speed", {"speed": "fast"}, "speed is 'fast'"),
        ("speed", {"speed": 2}, "speed is 2"),
        ("speed", {}, "speed is None"),
        ("next", {"tokens": 0}, "number of tokens is 0"),
        ("next", {"tokens": None}, "number of tokens is None"),
        ("next", {"tokens": 1e9}, "number of tokens"),
        ("candidates", {"count": 101}, "number of candidates is 101"),
        ("candidates", {"count": "10"}, "number of candidates is '10'"),
    ],
)
def test_bad_values_are_one_sentence_and_change_nothing(
    session: Session, post: Post, path: str, sent: dict[str, Any], said: str
) -> None:
    before = (session.learning.pace.state, session.learning.candidates)
    assert said in problem(post(path, **sent), 400)
    assert (session.learning.pace.state, session.learning.candidates) == before


def test_adjusting_while_nothing_runs_says_so(post: Post) -> None:
    assert post("adjust", values={"temperature": 1}).json()["problem_key"] == "learn.nothing_runs"
    for nothing in ({}, {"values": {}}, {"values": [1]}, {"values": "x"}):
        assert post("adjust", **nothing).json()["problem_key"] == "learn.no_values"


def test_impossible_values_are_refused_while_a_run_waits(session: Session, post: Post) -> None:
    post("speed", speed="next")
    session.start(Chain(prompts="Hi"))
    while not session.learning.pace.state.waiting:
        assert session.running
    assert "from 0 to 1" in problem(post("adjust", values={"top_p": 7}), 400)
    assert "did you mean temperature" in problem(post("adjust", values={"temprature": 1}), 400)
    assert "n_ctx" in problem(post("adjust", values={"n_ctx": 512}), 400)
    assert session.learning.pace.state.waiting
    assert post("stop").json() == {}
    session.join(20)
    assert session.view.progress.reason == "stopped"
    assert len(session.record.answers[1, 0].tokens) <= 2


def test_what_is_no_json_object_is_refused(client: httpx.Client) -> None:
    for body in (b"", b"[1]", b"{", b"\xff", b"null", b"[" * 100_000):
        assert "no JSON object" in problem(client.post("speed", content=body), 400)


def test_a_change_needs_post_and_a_tab(session: Session, client: httpx.Client, tab: str) -> None:
    assert client.get("speed", params={"tab": tab, "speed": "0"}).status_code == 404
    assert client.get("next", params={"tab": tab}).status_code == 404
    assert session.learning.pace.off
    assert client.post("speed", json={"speed": 0}).json()["problem_key"] == "problem.gone"
    assert client.post("speed", json={"tab": "../x", "speed": 0}).json()["problem_key"] == "problem.gone"
