"""What the Learn tab is sent: every token once, branches from where they leave, all about one token on demand."""

import json
from typing import Any

import msgspec

from samantha import events
from samantha.chain.record import Record
from samantha.events import Event
from samantha.traces import Candidate, Rest, Stage, TokenTrace
from samantha.ui.learn_view import LearnStream, details, written
from samantha.ui.learning import Learning

AT = {"run": "r", "step": 1}


def trace(rank: int = 1, probability: float = 0.5) -> TokenTrace:
    candidates = (Candidate(7, b" a", 3.0, 0.6, 1, (0.7, None)), Candidate(8, b"\xe2\x80", None, 0.0, 2, (None, None)))
    return TokenTrace(
        rank=rank, logit=2.0, probability=probability, entropy=1.5, candidates=candidates,
        stages=(Stage("top_k", 40, 1.2), Stage("dry", 9, 1.0)), ids=bytes(8), logits=bytes(8), rest=Rest(998),
    )  # fmt: skip


def token(number: int, *, branch: int = 0, traced: bool = True, **seen: Any) -> Event:
    return events.TokenGenerated(
        **AT, id=number, piece=b" t%d" % number, shown=f" t{number}", branch=branch,
        trace=trace(**seen) if traced else None,
    )  # fmt: skip


STARTED = [
    events.RunStarted(run="r", seed=1, chain={}),
    events.StepStarted(**AT, model="tiny", prompt="Hi", rendered="Hi", seed=1, changed={"temperature": 1.0}),
]


def learning(*happened: Event) -> Learning:
    made = Learning()
    for event in (*STARTED, *happened):
        made.add(event)
    return made


def test_every_token_is_sent_once() -> None:
    tab, stream = learning(token(1), token(2)), LearnStream()
    first = stream.update(tab)
    assert first["clear"] is True
    assert [one[0] for one in first["answers"][0]["tokens"]] == [1, 2]
    assert first["answers"][0]["changes"] == [[0, {"temperature": 1.0}]]
    tab.add(token(3, rank=3, probability=0.125))
    change = stream.update(tab)["answers"]
    assert change == [{"step": 1, "branch": 0, "reason": "", "traced": True, "from": 2,
                       "tokens": [[3, " t3", 3, 0.125, 3.0, 1.5, False]]}]  # fmt: skip
    assert "answers" not in stream.update(tab)


def test_a_step_that_failed_before_it_began_is_sent_with_its_reason() -> None:
    tab = Learning()
    for event in (STARTED[0], events.StepFailed(**AT, message="The file is gone.", model="m", prompt="Hi")):
        tab.add(event)
    (one,) = LearnStream().update(tab)["answers"]
    assert (one["step"], one["branch"], one["model"], one["reason"]) == (1, 0, "m", "failed")
    assert one["message"] == "The file is gone."


def test_2000_tokens_cost_their_own_length_each() -> None:
    tab, stream = learning(), LearnStream()
    sizes = []
    for number in range(2000):
        tab.add(token(number))
        sizes.append(len(msgspec.json.encode(stream.update(tab))))
    assert max(sizes[1:]) < 400


def test_a_branch_is_sent_from_where_it_leaves() -> None:
    tab, stream = learning(token(1), token(2), token(3)), LearnStream()
    stream.update(tab)
    tab.add(events.StepFinished(**AT, text="", reason="branched"))
    tab.add(events.BranchStarted(**AT, branch=1, position=2, token=9, changed={"top_k": 1}, seed=5))
    tab.add(token(9, branch=1))
    left, branch = stream.update(tab)["answers"]
    assert (left["reason"], "tokens" in left) == ("branched", False)
    assert (branch["parent"], branch["position"], branch["forced"], branch["from"]) == (0, 2, 9, 2)
    assert [one[0] for one in branch["tokens"]] == [9]


def test_a_branch_of_an_answer_that_was_not_traced_is_sent_whole() -> None:
    tab = learning(token(1, traced=False), token(2, traced=False), events.StepFinished(**AT, text="", reason="end"))
    tab.add(events.BranchStarted(**AT, branch=1, position=1))
    tab.add(token(9, branch=1))
    first, branch = LearnStream().update(tab)["answers"]
    assert "tokens" not in first
    assert (branch["from"], [one[0] for one in branch["tokens"]]) == (0, [1, 9])


def test_changed_hyperparameters_are_told() -> None:
    tab, stream = learning(token(1)), LearnStream()
    stream.update(tab)
    tab.add(events.HyperparametersChanged(**AT, position=1, changed={"temperature": 2.0}))
    assert stream.update(tab)["answers"][0]["changes"] == [[0, {"temperature": 1.0}], [1, {"temperature": 2.0}]]


def test_a_stored_run_stands_beside_the_newest_until_another_begins() -> None:
    tab, stream = learning(token(1)), LearnStream()
    stream.update(tab)
    stored = Record.of([events.RunStarted(run="old", seed=1, chain={})])
    tab.open(stored)
    opened = stream.update(tab)
    assert (opened["run"], opened["opened"], opened["clear"]) == ("old", True, True)
    tab.add(token(2))
    assert "answers" not in stream.update(tab)
    tab.close()
    back = stream.update(tab)
    assert (back["run"], len(back["answers"][0]["tokens"])) == ("r", 2)
    tab.open(stored)
    tab.add(events.RunStarted(run="new", seed=1, chain={}))
    assert stream.update(tab)["run"] == "new"


def test_branches_of_an_opened_run_grow_its_record_and_not_the_newest() -> None:
    tab = learning(token(1))
    tab.open(Record.of(msgspec.structs.replace(event, run="old") for event in STARTED))
    tab.add(msgspec.structs.replace(token(5), run="old"))
    assert [one.id for one in tab.record.answers[1, 0].tokens] == [5]
    assert [one.id for one in tab.newest.answers[1, 0].tokens] == [1]


def test_everything_about_a_token() -> None:
    answer = learning(token(1), token(2, rank=2)).record.answers[1, 0]
    found = json.loads(msgspec.json.encode(details(answer, 1)))
    assert (found["position"], found["rank"], found["vocabulary"]) == (1, 2, 1000)
    assert found["values"] == {"temperature": 1.0}
    assert found["stages"] == [
        {"name": "top_k", "value": 40, "survivors": 40, "entropy": 1.2},
        {"name": "dry", "value": 0.0, "survivors": 9, "entropy": 1.0},
    ]
    assert found["candidates"][0] == [7, " a", 3.0, 0.6, 1, [0.7, None]]
    assert found["candidates"][1][1:3] == ["\\xe2\\x80", None]


def test_an_infinite_surprisal_is_null_and_not_a_number_that_json_does_not_know() -> None:
    update = LearnStream().update(learning(token(1, probability=0.0)))
    assert json.loads(msgspec.json.encode(update))["answers"][0]["tokens"][0][4] is None


def test_bytes_that_are_no_text_are_written() -> None:
    assert written(b"\xf0\x9f") == "\\xf0\\x9f"
    assert written("é\n".encode()) == "é\n"
