"""Sessions: one run each, side by side, looked at by pages that come and go."""

import threading
from collections.abc import Iterator

import pytest

from samantha.chain import engine
from samantha.chain.chain import Chain
from samantha.chain.prompts import parts
from samantha.errors import ChainError, SessionBusy, StoreError
from samantha.events import Event, TokenGenerated
from samantha.models.scripted import ScriptedSource
from samantha.ui.grants import Grants
from samantha.ui.pace import PaceState
from samantha.ui.session import GRACE, KEPT, RunningChain, Session, Sessions, escaped
from samantha.ui.view import RunLine

TAB, OTHER = "0" * 32, "1" * 32


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Program:
    """Starts chains on a scripted model; every token waits for the gate."""

    def __init__(self, answer: str = "one two three") -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.talking = threading.Event()
        self.chains: list[Chain] = []
        self.fault: Exception | None = None
        self.models = ScriptedSource({"tiny": [answer]})

    def begin(self, chain: Chain, _: Grants, trace: int) -> tuple[RunningChain, Iterator[Event]]:
        self.chains.append(chain)
        run = engine.run(chain, self.models)
        return run, self._paced(run)

    def _paced(self, run: Iterator[Event]) -> Iterator[Event]:
        for event in run:
            yield event
            if isinstance(event, TokenGenerated):
                self.talking.set()
                assert self.gate.wait(20)
                if self.fault:
                    raise self.fault


def finished(session: Session) -> Session:
    session.join(20)
    assert not session.running
    return session


def held(program: Program, session: Session) -> None:
    """Start a run that waits after its first token."""
    program.gate.clear()
    session.start(Chain(prompts="Hi"))
    assert program.talking.wait(20)


def test_a_run_ends_in_the_view() -> None:
    session = Session(Program().begin)
    session.start(Chain(prompts="Hi"))
    assert finished(session).view.responses() == ["one two three"]


def test_a_second_start_is_refused_and_the_first_goes_on() -> None:
    program = Program()
    session = Session(program.begin)
    held(program, session)
    with pytest.raises(SessionBusy, match="active"):
        session.start(Chain(prompts="Ho"))
    program.gate.set()
    assert finished(session).view.responses() == ["one two three"]


def test_two_sessions_run_side_by_side() -> None:
    first, second = Program("left"), Program("right")
    one, two = Session(first.begin), Session(second.begin)
    held(first, one)
    two.start(Chain(prompts="Ho"))
    assert finished(two).view.responses() == ["right"]
    assert one.running
    first.gate.set()
    assert finished(one).view.responses() == ["left"]


def test_a_mistake_in_the_chain_starts_nothing() -> None:
    session = Session(Program().begin)
    with pytest.raises(ChainError):
        session.start(Chain(prompts=""))
    assert not session.running
    assert session.view.lines == ()


def test_stop_ends_the_run_and_keeps_what_was_said() -> None:
    program = Program()
    session = Session(program.begin)
    held(program, session)
    session.stop()
    program.gate.set()
    heading = finished(session).view.lines[0]
    assert isinstance(heading, RunLine)
    assert heading.reason == "stopped"
    assert session.view.responses() == ["one"]


def test_next_ends_the_step_and_the_run_goes_on() -> None:
    program = Program()
    session = Session(program.begin)
    program.gate.clear()
    session.start(Chain(prompts="Hi\nHo"))
    assert program.talking.wait(20)
    session.skip()
    program.gate.set()
    assert finished(session).view.responses() == ["one", "one two three"]


@pytest.mark.parametrize("fault", [StoreError("The disk is full."), RuntimeError("a bug")])
def test_a_run_that_breaks_leaves_a_sentence_and_a_session_that_can_start_again(fault: Exception) -> None:
    program = Program()
    session = Session(program.begin)
    held(program, session)
    program.fault = fault
    program.gate.set()
    view = finished(session).view
    assert view.progress.reason == "failed"
    assert view.active == ()
    program.fault = None
    session.start(Chain(prompts="Hi"))
    assert finished(session).view.responses() == ["one two three"]


def test_nobody_looks_for_longer_than_the_grace_time() -> None:
    program, clock = Program(), Clock()
    sessions = Sessions(program.begin, clock)
    session = sessions.of(TAB)
    session.watch()
    held(program, session)
    session.leave()
    clock.now += GRACE - 1
    sessions.sweep()
    assert session.running
    clock.now += 2
    sessions.sweep()
    program.gate.set()
    heading = finished(session).view.lines[0]
    assert isinstance(heading, RunLine)
    assert heading.reason == "stopped"


def test_a_reload_within_the_grace_time_loses_nothing() -> None:
    program, clock = Program(), Clock()
    sessions = Sessions(program.begin, clock)
    session = sessions.of(TAB)
    session.watch()
    held(program, session)
    session.leave()
    clock.now += GRACE - 1
    sessions.of(TAB).watch()
    clock.now += 1000
    sessions.sweep()
    program.gate.set()
    assert finished(sessions.of(TAB)).view.responses() == ["one two three"]


def test_tabs_have_sessions_of_their_own_and_idle_ones_are_forgotten() -> None:
    clock = Clock()
    sessions = Sessions(Program().begin, clock)
    session = sessions.of(TAB)
    assert sessions.of(OTHER) is not session
    assert sessions.of(TAB) is session
    clock.now += KEPT + 1
    sessions.sweep()
    assert sessions.of(TAB) is not session


@pytest.mark.parametrize("tab", ["", "x", "0" * 31, "0" * 33, "../" + "0" * 29, "G" * 32])
def test_an_id_that_no_page_makes_is_refused(tab: str) -> None:
    with pytest.raises(ValueError, match="32"):
        Sessions(Program().begin).of(tab)


def test_clear_empties_and_leaves_a_running_session_alone() -> None:
    program = Program()
    session = Session(program.begin)
    held(program, session)
    session.clear()
    assert session.view.lines
    program.gate.set()
    finished(session).clear()
    assert session.view.lines == ()
    assert session.view.last is None


def test_replace_response_puts_the_last_response_before_the_next_run_once() -> None:
    program = Program()
    session = Session(program.begin)
    assert not session.replace_response()
    session.start(Chain(prompts="Hi"))
    finished(session)
    assert session.replace_response()
    session.start(Chain(prompts="Hi", previous_response="typed"))
    finished(session).start(Chain(prompts="Hi", previous_response="typed"))
    finished(session)
    assert [chain.previous_response for chain in program.chains] == ["", "one two three", "typed"]


@pytest.mark.parametrize("text", ["plain", "--- a rule", "a\n---\nb", "costs $$$ much", "$$$", "\n--- x"])
def test_a_response_is_no_list_of_parts(text: str) -> None:
    assert parts(escaped(text)) == text.strip()


def test_close_ends_every_run() -> None:
    program = Program()
    sessions = Sessions(program.begin)
    held(program, sessions.of(TAB))
    threading.Timer(0.05, program.gate.set).start()
    sessions.close()
    assert not sessions.of(TAB).running


def test_clicks_that_come_when_the_run_has_ended_let_nothing_of_the_next_one_through() -> None:
    session = Session(Program().begin)
    session.choose_speed(0)
    session.start(Chain(prompts="Hi"))
    finished(session).next_tokens(9)
    assert session.learning.pace.state == PaceState("next")
    session.start(Chain(prompts="Hi"))
    while not session.learning.pace.state.waiting:
        assert session.running
    assert [len(answer.tokens) for answer in session.record.answers.values()] == [1]
    session.stop()
    finished(session)
