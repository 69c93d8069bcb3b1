"""The tree of branches and their comparison, made from events alone."""

import math
from typing import Any

import pytest

from samantha import events
from samantha.chain.record import Record
from samantha.errors import ChainError
from samantha.events import Event
from samantha.traces import TokenTrace
from samantha.ui import branch_view


def token(id: int, shown: str, branch: int = 0, probability: float | None = 0.5) -> Event:
    trace = None if probability is None else TokenTrace(1, 0.0, probability, 1.0, (), ())
    return events.TokenGenerated(run="r", step=1, id=id, piece=shown.encode(), shown=shown, branch=branch, trace=trace)


def answered(branch: int = 0, text: str = "", reason: Any = "end") -> Event:
    return events.StepFinished(run="r", step=1, text=text, reason=reason, branch=branch)


def left(branch: int, parent: int, position: int, forced: int | None = None, **given: Any) -> Event:
    return events.BranchStarted(run="r", step=1, branch=branch, parent=parent, position=position, token=forced, **given)


def record(*more: Event) -> Record:
    begun = events.StepStarted(run="r", step=1, model="tiny", prompt="Hi", rendered="Hi", seed=7, changed={"top_k": 3})
    words = [token(id, shown) for id, shown in enumerate(["One", " day", " Clara", " went"])]
    return Record.of([events.RunStarted(run="r", seed=1, chain={}), begun, *words, answered(), *more])


def test_an_answer_without_branches_is_one_node() -> None:
    tree = branch_view.tree(record(), 1)
    assert (tree["branch"], tree["parent"], tree["forks"], tree["text"]) == (0, None, [], "One day Clara went")
    assert tree["sum"] == pytest.approx(4 * math.log(0.5))
    assert tree["mean"] == pytest.approx(math.log(0.5))


def test_a_step_that_is_not_there_is_an_empty_tree() -> None:
    assert branch_view.tree(record(), 2) == {}


def test_a_branch_stands_at_its_fork_with_its_own_tokens_alone() -> None:
    tree = branch_view.tree(
        record(left(1, 0, 2, 9, seed=8, changed={"top_k": 3, "temperature": 1.0}), token(9, " Tom", 1, 0.25)), 1
    )
    (fork,) = tree["forks"]
    (branch,) = fork["branches"]
    assert (fork["position"], fork["trunk"], fork["cut"], fork["rest"]["text"]) == (2, "One day", False, " Clara went")
    assert (branch["forced"], branch["text"], branch["tokens"], branch["seed"]) == (9, " Tom", 1, 8)
    assert branch["first"] == {"id": 9, "piece": " Tom", "probability": 0.25, "rank": 1}
    assert branch["changes"] == {"temperature": 1.0}
    assert (branch["reason"], branch["sum"]) == ("", pytest.approx(math.log(0.25)))


def test_a_branch_of_a_branch_hangs_from_it_and_says_what_differs_from_it() -> None:
    tree = branch_view.tree(
        record(
            left(1, 0, 1, changed={"temperature": 2.0}), token(5, " night", 1), token(6, " fell", 1), answered(1),
            left(2, 1, 2, 8, changed={"temperature": 2.0, "top_p": 0.5}), token(8, " came", 2), answered(2),
        ),
        1,
    )  # fmt: skip
    first = tree["forks"][0]["branches"][0]
    fork = first["forks"][0]
    assert (fork["trunk"], fork["rest"]["text"]) == ("One night", " fell")
    assert (fork["branches"][0]["parent"], fork["branches"][0]["text"]) == (1, " came")
    assert first["changes"] == {"temperature": 2.0, "top_k": 40}
    assert fork["branches"][0]["changes"] == {"top_p": 0.5}


def test_what_the_user_changed_before_the_fork_is_no_difference() -> None:
    adjusted = events.HyperparametersChanged(run="r", step=1, position=1, changed={"temperature": 1.5})
    tree = branch_view.tree(record(adjusted, left(1, 0, 2, changed={"temperature": 1.5})), 1)
    assert tree["forks"][0]["branches"][0]["changes"] == {}


def test_the_seed_is_said_where_it_is_another() -> None:
    tree = branch_view.tree(record(left(1, 0, 2, seed=7), left(2, 0, 2, seed=9)), 1)
    assert [tree["seed"], *(one["seed"] for one in tree["forks"][0]["branches"])] == [7, None, 9]


def test_thirty_branches_at_several_places_come_in_order() -> None:
    many = [left(number, 0, (number * 7) % 4) for number in range(1, 31)]
    tree = branch_view.tree(record(*many), 1)
    assert [fork["position"] for fork in tree["forks"]] == [0, 1, 2, 3]
    assert sorted(one["branch"] for fork in tree["forks"] for one in fork["branches"]) == list(range(1, 31))


def test_long_texts_are_shortened_and_say_so() -> None:
    long = [token(50 + count, " word") for count in range(500)]
    full = record(left(1, 0, 4), *[token(50, " word", 1) for _ in range(500)])
    branch = branch_view.tree(full, 1)["forks"][0]["branches"][0]
    assert (len(branch["text"]), branch["longer"], branch["tokens"]) == (branch_view.SHORTENED, True, 500)
    begun = events.StepStarted(run="r", step=1, model="m", prompt="", rendered="", seed=1)
    deep = Record.of([begun, *long, left(1, 0, 400), token(1, "!", 1)])
    fork = branch_view.tree(deep, 1)["forks"][0]
    assert (len(fork["trunk"]), fork["cut"]) == (branch_view.TRUNK, True)


def test_tokens_that_were_not_traced_have_no_likelihood() -> None:
    tree = branch_view.tree(record(left(1, 0, 1), token(5, " night", 1, None)), 1)
    branch = tree["forks"][0]["branches"][0]
    assert (branch["sum"], branch["mean"], branch["first"]["probability"]) == (None, None, None)


def test_an_impossible_token_has_no_logarithm() -> None:
    tree = branch_view.tree(record(left(1, 0, 1, 5), token(5, " night", 1, 0.0)), 1)
    assert tree["forks"][0]["branches"][0]["sum"] is None


def test_bytes_that_are_no_text_are_shown_as_bytes() -> None:
    half = events.TokenGenerated(run="r", step=1, id=3, piece=b"\xe2\x82", shown="", branch=1)
    tree = branch_view.tree(record(left(1, 0, 1), half), 1)
    assert tree["forks"][0]["branches"][0]["first"]["piece"] == "\\xe2\\x82"


def test_two_branches_share_what_has_the_same_ids() -> None:
    answers = record(
        left(1, 0, 1, 2), token(2, " Clara", 1), token(3, " went", 1), left(2, 0, 1, 2), token(2, " Clara", 2),
        token(4, " slept", 2), token(1, " day", 2),
    ).answers  # fmt: skip
    found = branch_view.compared(answers[1, 1], answers[1, 2])
    assert (found["same"], found["text"]) == (2, "One Clara")
    assert (found["left"]["first"]["shown"], found["left"]["text"]) == (" went", "")
    assert (found["right"]["first"]["id"], found["right"]["text"], found["right"]["tokens"]) == (4, " day", 2)


def test_an_answer_that_is_the_beginning_of_the_other_ends_there() -> None:
    answers = record(left(1, 0, 4), token(9, " home", 1)).answers
    found = branch_view.compared(answers[1, 0], answers[1, 1])
    assert (found["same"], found["left"]["first"]) == (4, None)
    assert found["right"]["first"]["piece"] == " home"


def test_an_answer_and_itself_differ_nowhere() -> None:
    answer = record().answers[1, 0]
    assert branch_view.compared(answer, answer)["left"]["first"] is None


@pytest.mark.parametrize(("step", "branch", "said"), [(2, 0, "answer of step 2"), (1, 4, "branch 4 of step 1")])
def test_an_answer_that_is_not_there_is_named(step: int, branch: int, said: str) -> None:
    with pytest.raises(ChainError, match=said):
        branch_view.answer_of(record(), step, branch)
