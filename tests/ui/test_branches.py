"""Branches as a tab begins them: Samantha Tiny, the real store, the tab's own thread. No browser."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from samantha.chain.chain import Chain
from samantha.chain.record import Answer, Record
from samantha.errors import ChainError, SessionBusy, StoreError
from samantha.hyperparameters import Hyperparameters
from samantha.models import library
from samantha.models.residency import Residency
from samantha.runs.store import RunStore
from samantha.ui.branch_routes import branch_routes
from samantha.ui.branching import Wish
from samantha.ui.controls import FieldError
from samantha.ui.session import Session
from samantha.ui.workbench import Workbench

TAB, OTHER = "a" * 32, "b" * 32
CHAIN = Chain(models=("tiny",), prompts="Write a story about a garden.", hyperparameters=Hyperparameters(max_tokens=24))


@pytest.fixture(scope="module")
def residency() -> Iterator[Residency]:
    found = Residency()
    yield found
    found.close()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, residency: Residency) -> Iterator[Workbench]:
    monkeypatch.setenv("SAMANTHA_HOME", str(tmp_path))
    with RunStore() as store:
        opened = Workbench(residency, store)
        yield opened
        opened.close()


def ran(bench: Workbench, chain: Chain = CHAIN, speed: object = 0) -> Session:
    """A tab in which the chain has run in learning mode."""
    session = bench.sessions.of(TAB)
    session.choose_speed(speed)
    session.start(chain)
    return ended(session) if speed == 0 else session


def ended(session: Session) -> Session:
    session.join(60)
    assert not session.running
    return session


def until(true: Callable[[], bool]) -> None:
    for _ in range(6000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def waiting(session: Session, tokens: int) -> None:
    """Until the newest answer has that many tokens and its reader waits for a click."""
    until(lambda: session.learning.pace.state.waiting and len(newest(session).tokens) >= tokens)


def newest(session: Session) -> Answer:
    return list(session.learning.record.answers.values())[-1]


def place(session: Session, position: int, branch: int = 0, token: int | None = None, **changes: Any) -> Wish:
    return Wish(session.learning.record.run, 1, branch, position, token, changes)


def begin(bench: Workbench, session: Session, wished: Wish) -> None:
    bench.branch(session, bench.record(session, wished.run).answers[wished.step, wished.branch], wished)


def branched(bench: Workbench, session: Session, wished: Wish) -> Answer:
    """The branch, once it has ended."""
    begin(bench, session, wished)
    ended(session)
    return newest(session)


def ids(answer: Answer) -> list[int]:
    return [token.id for token in answer.tokens]


def other_candidate(answer: Answer, position: int) -> int:
    """The best candidate at that place that was not chosen."""
    seen = answer.tokens[position]
    assert seen.trace
    return next(one.id for one in seen.trace.candidates if one.id != seen.id)


def test_a_candidate_is_forced_in_a_run_that_has_ended(bench: Workbench) -> None:
    session = ran(bench)
    first = newest(session)
    forced = other_candidate(first, 5)
    branch = branched(bench, session, place(session, 5, token=forced))
    assert ids(branch)[:6] == [*ids(first)[:5], forced]
    assert (branch.branch, branch.parent, branch.position, branch.reason != "") == (1, first, 5, True)
    assert branch.tokens[5].trace is not None
    assert branch.tokens[5].trace.forced
    assert all(token.trace for token in branch.tokens)


def test_a_branch_is_in_the_record_and_found_there_after_a_restart(bench: Workbench, residency: Residency) -> None:
    session = ran(bench)
    branch = branched(bench, session, place(session, 3, token=other_candidate(newest(session), 3)))
    with RunStore() as again:
        later = Workbench(residency, again)
        tab = later.sessions.of(OTHER)
        record = later.record(tab, branch.run)
        assert ids(record.answers[1, 1]) == ids(branch)
        tab.learning.open(record)
        second = branched(later, tab, Wish(branch.run, 1, 1, 6, other_candidate(record.answers[1, 1], 6)))
        assert (second.branch, second.parent) == (2, record.answers[1, 1])
        assert [answer.branch for answer in Record.of(again.events(branch.run)).branches(1)] == [0, 1, 2]


def test_a_step_in_progress_goes_on_as_a_branch_and_waits_at_the_forced_token(bench: Workbench) -> None:
    session = ran(bench, speed="next")
    waiting(session, 1)
    session.next_tokens(4)
    waiting(session, 5)
    first = newest(session)
    forced = other_candidate(first, 2)
    begin(bench, session, place(session, 2, token=forced))
    until(lambda: newest(session).branch == 1 and len(newest(session).tokens) == 3)
    until(lambda: session.learning.pace.state.waiting)
    branch = newest(session)
    assert ids(branch) == [*ids(first)[:2], forced]
    assert first.reason == "branched"
    session.next_tokens(2)
    waiting(session, 5)
    assert len(branch.tokens) == 5
    session.stop()
    ended(session)
    assert branch.reason == "stopped"


def test_stepping_holds_in_a_branch_of_a_run_that_has_ended_and_stop_ends_it(bench: Workbench) -> None:
    session = ran(bench)
    session.choose_speed("next")
    begin(bench, session, place(session, 4, token=other_candidate(newest(session), 4)))
    until(lambda: newest(session).branch == 1)
    waiting(session, 5)
    assert len(newest(session).tokens) == 5
    session.next_tokens(2)
    waiting(session, 7)
    assert len(newest(session).tokens) == 7
    session.stop()
    ended(session)
    assert newest(session).reason == "stopped"


def test_another_branch_is_forced_while_one_is_added(bench: Workbench) -> None:
    session = ran(bench)
    session.choose_speed("next")
    begin(bench, session, place(session, 4))
    until(lambda: newest(session).branch == 1)
    waiting(session, 5)
    begin(bench, session, place(session, 1, token=other_candidate(newest(session), 1)))
    until(lambda: newest(session).branch == 2 and len(newest(session).tokens) == 2)
    session.choose_speed(0)
    ended(session)
    assert [answer.reason != "" for answer in session.learning.record.branches(1)] == [True] * 3


def test_generating_again_draws_anew_and_a_given_seed_draws_the_same(bench: Workbench) -> None:
    session = ran(bench)
    texts = [branched(bench, session, place(session, 2, temperature=1.5)) for _ in range(2)]
    assert texts[0].seed != texts[1].seed
    same = [branched(bench, session, place(session, 2, temperature=1.5, seed=5)) for _ in range(2)]
    assert ids(same[0]) == ids(same[1])
    assert same[0].values(2).temperature == 1.5


def test_a_branch_has_the_settings_of_its_place_and_not_those_in_force_later(bench: Workbench) -> None:
    session = ran(bench, speed="next")
    waiting(session, 1)
    session.next_tokens(2)
    waiting(session, 3)
    session.adjust({"temperature": 2.0})
    session.next_tokens(3)
    waiting(session, 6)
    assert newest(session).values(5).temperature == 2.0
    begin(bench, session, place(session, 1))
    until(lambda: newest(session).branch == 1)
    assert newest(session).values(1).temperature == 0.0
    session.stop()
    ended(session)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"position": 500}, "500|501"),
        ({"position": -1}, "token"),
        ({"position": 2, "token": 10**6}, "no token 1000000"),
        ({"position": 2, "changes": {"top_p": 7}}, "from 0 to 1"),
        ({"position": 2, "changes": {"temprature": 1}}, "temperature"),
        ({"position": 2, "changes": {"n_ctx": 512}}, "n_ctx"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(bench: Workbench, wish: dict[str, Any], said: str) -> None:
    session = ran(bench)
    answer = newest(session)
    with pytest.raises(ChainError, match=said):
        begin(bench, session, Wish(answer.run, 1, 0, **wish))
    assert list(session.learning.record.answers) == [(1, 0)]
    assert not session.running
    assert Record.of(bench._store.events(answer.run)).answers.keys() == {(1, 0)}


def own_model(tmp_path: Path) -> Path:
    copy = tmp_path / "own.gguf"
    shutil.copy(library.find("tiny").path, copy)
    return copy


def test_a_changed_model_file_is_refused_and_nothing_is_lost(bench: Workbench, tmp_path: Path) -> None:
    path = own_model(tmp_path)
    session = ran(bench, Chain(models=(str(path),), prompts="Hi", hyperparameters=Hyperparameters(max_tokens=8)))
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 9)
        file.write(b"changed")
    with pytest.raises(ChainError, match="has changed"):
        begin(bench, session, place(session, 2))
    assert len(list(bench._store.events(newest(session).run))) > 10
    assert not session.running


def test_a_model_file_that_is_gone_is_refused(bench: Workbench, tmp_path: Path) -> None:
    path = own_model(tmp_path)
    session = ran(bench, Chain(models=(str(path),), prompts="Hi", hyperparameters=Hyperparameters(max_tokens=8)))
    path.unlink()
    with pytest.raises(ChainError, match="is gone"):
        begin(bench, session, place(session, 2))


def test_another_run_in_progress_is_not_disturbed(bench: Workbench) -> None:
    session = ran(bench)
    before = newest(session)
    session.choose_speed("next")
    session.start(CHAIN)
    waiting(session, 1)
    with pytest.raises(SessionBusy, match="Another run"):
        bench.branch(session, before, Wish(before.run, 1, 0, 2))
    session.stop()
    ended(session)


def test_a_run_that_another_tab_adds_to_is_refused_with_the_reason(bench: Workbench) -> None:
    session = ran(bench)
    run = newest(session).run
    session.choose_speed("next")
    begin(bench, session, place(session, 2))
    waiting(session, 3)
    other = bench.sessions.of(OTHER)
    other.learning.open(bench.record(other, run))
    begin(bench, other, Wish(run, 1, 0, 1))
    ended(other)
    assert "is being written" in other.learning.problem
    session.stop()
    ended(session)
    assert [answer.branch for answer in Record.of(bench._store.events(run)).branches(1)] == [0, 1]


@pytest.fixture
def client(bench: Workbench) -> TestClient:
    return TestClient(Starlette(routes=branch_routes(bench)))


def post(client: TestClient, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/samantha/learn/{path}", json={"tab": TAB, **sent})
    return answer.status_code, answer.json()


def get(client: TestClient, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
    answer = client.get(f"/samantha/learn/{path}", params={"tab": TAB, **sent})
    return answer.status_code, answer.json()


def test_the_page_begins_a_branch_and_is_given_the_tree_and_a_comparison(bench: Workbench, client: TestClient) -> None:
    session = ran(bench)
    run = newest(session).run
    where = {"run": run, "step": 1, "branch": 0, "position": 4}
    forced = other_candidate(newest(session), 4)
    assert post(client, "branch", **where, token=forced, changes={"temperature": 1.0}) == (200, {})
    ended(session)
    status, answer = get(client, "branches", **where)
    (branch,) = answer["tree"]["forks"][0]["branches"]
    assert (status, branch["forced"], branch["changes"]) == (200, forced, {"temperature": 1.0})
    assert branch["sum"] < 0
    assert (answer["values"]["temperature"], "seed" in answer["values"]) == (0.0, False)
    status, answer = get(client, "compare", run=run, step=1, branch=0, other=1)
    assert (status, answer["same"], answer["right"]["first"]["id"]) == (200, 4, forced)


@pytest.mark.parametrize(
    "sent",
    [
        {"token": "12"}, {"token": -1}, {"token": True}, {"token": 1.5}, {"token": 2**40}, {"position": "x"},
        {"position": None}, {"changes": [1]}, {"step": 9}, {"branch": 7}, {"position": 10**12}, {"run": "nothing"},
    ],
)  # fmt: skip
def test_whatever_the_page_sends_wrongly_is_a_sentence(
    bench: Workbench, client: TestClient, sent: dict[str, Any]
) -> None:
    session = ran(bench)
    where = {"run": newest(session).run, "step": 1, "branch": 0, "position": 2, "token": None, "changes": {}}
    status, answer = post(client, "branch", **(where | sent))
    assert status in (400, 404)
    assert answer.get("problem") or answer.get("problem_key")
    assert not session.running


def test_a_wish_of_no_use_is_refused_by_its_reader() -> None:
    from samantha.ui.branching import wish

    with pytest.raises(FieldError, match="vocabulary id"):
        wish({"run": "r", "step": 1, "branch": 0, "position": 1, "token": "many"})


def test_a_stored_run_that_is_not_there_is_named(bench: Workbench) -> None:
    with pytest.raises(StoreError, match="no stored run"):
        bench.record(bench.sessions.of(TAB), "20000101-000000-dead")


@pytest.mark.parametrize("form", ["csv", "candidates", "jsonl", "png", "token"])
def test_an_answer_is_taken_away_as_a_file(bench: Workbench, client: TestClient, form: str) -> None:
    answer = newest(ran(bench))
    where = {"tab": TAB, "run": answer.run, "step": 1, "branch": 0, "position": 3, "form": form}
    found = client.get("/samantha/learn/export", params=where)
    assert found.status_code == 200
    assert found.headers["content-disposition"].startswith(f"attachment; filename*=UTF-8''{answer.run}-step1")
    if form in ("png", "token"):
        assert found.content.startswith(b"\x89PNG")
    elif form != "candidates":
        assert len(found.text.splitlines()) == len(answer.tokens) + (form == "csv")


@pytest.mark.parametrize(("sent", "status"), [({"form": "exe"}, 404), ({"position": 999}, 404), ({"tab": "x"}, 400)])
def test_an_export_of_nothing_is_a_sentence(
    bench: Workbench, client: TestClient, sent: dict[str, Any], status: int
) -> None:
    answer = newest(ran(bench))
    where = {"tab": TAB, "run": answer.run, "step": 1, "branch": 0, "position": 3, "form": "csv"}
    found = client.get("/samantha/learn/export", params=where | sent)
    assert (found.status_code, bool(found.json()["problem"])) == (status, True)


def test_what_if_answers_from_the_record(bench: Workbench, client: TestClient) -> None:
    answer = newest(ran(bench))
    where = {"run": answer.run, "step": 1, "branch": 0, "position": 1}
    status, same = post(client, "what-if", **where, changes={})
    assert (status, same["unchanged"], same["values"]["top_k"]) == (200, True, 40)
    _, greedy = post(client, "what-if", **where, changes={"top_k": 1, "temperature": 1.0})
    assert [stage["survivors"] for stage in greedy["now"] if stage["name"] == "top_k"] == [1]
    assert greedy["shares"][0]["id"] == answer.tokens[1].id
    _, open_ = post(client, "what-if", **where, changes={"temperature": 3.0, "top_p": 1.0, "min_p": 0.0})
    assert len([one for one in open_["candidates"] if one["after"][-1] is not None]) >= 10
    assert all(one["piece"] is not None for one in open_["candidates"])


@pytest.mark.parametrize("changes", [{"top_p": 7}, {"nothing": 1}, [1], {"top_k": "many"}])
def test_what_if_of_bad_values_is_a_sentence(bench: Workbench, client: TestClient, changes: Any) -> None:
    answer = newest(ran(bench))
    status, found = post(client, "what-if", run=answer.run, step=1, branch=0, position=1, changes=changes)
    assert status == 400
    assert found.get("problem") or found.get("problem_key")


def test_what_was_not_traced_cannot_be_asked(bench: Workbench, client: TestClient) -> None:
    session = bench.sessions.of(TAB)
    session.start(CHAIN)
    answer = newest(ended(session))
    status, found = post(client, "what-if", run=answer.run, step=1, branch=0, position=1, changes={"top_k": 1})
    assert (status, "recorded" in found["problem"]) == (400, True)
