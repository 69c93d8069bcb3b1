"""The pace: it holds the reading thread exactly as long as is chosen, and lets it go at once when something changes."""

import queue
import threading
from collections.abc import Iterator

import pytest

from samantha import events
from samantha.errors import SettingsError
from samantha.events import Event
from samantha.traces import TokenTrace
from samantha.ui.pace import MOST_TOKENS, Pace, Speed

AT = {"run": "r", "step": 1}


def token(rank: int = 1) -> Event:
    trace = TokenTrace(rank=rank, logit=1.0, probability=0.5, entropy=1.0, stages=(), candidates=())
    return events.TokenGenerated(**AT, id=1, piece=b"x", shown="x", trace=trace)


class Reader:
    """A thread that reads tokens through a pace; `seen` says each one after it was let through."""

    def __init__(self, pace: Pace, ranks: list[int]) -> None:
        self.seen: queue.Queue[int] = queue.Queue()
        self._pace = pace
        self._ranks = ranks
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        self._pace.follow(events.RunStarted(run="r", seed=1, chain={}))
        for number, rank in enumerate(self._ranks, 1):
            self._pace.follow(token(rank))
            self.seen.put(number)

    def through(self, count: int) -> None:
        """Exactly `count` more tokens are let through, and the reader waits after them."""
        first = self.seen.get(timeout=20)
        for number in range(first + 1, first + count):
            assert self.seen.get(timeout=20) == number

    def holds(self) -> None:
        """The reader waits for a click and let nothing more through."""
        waiting = threading.Event()
        while not self._pace.state.waiting:
            assert self.thread.is_alive()
            waiting.wait(0.005)
        assert self.seen.empty()


@pytest.fixture
def pace() -> Iterator[Pace]:
    made = Pace()
    yield made
    made.choose("off")


def test_off_nothing_waits(pace: Pace) -> None:
    Reader(pace, [1] * 500).through(500)


def test_zero_seconds_do_not_wait(pace: Pace) -> None:
    pace.choose(0)
    Reader(pace, [1] * 500).through(500)


def test_next_lets_one_token_through_for_each_click(pace: Pace) -> None:
    pace.choose("next")
    reader = Reader(pace, [1] * 10)
    for _ in range(3):
        reader.holds()
        pace.next()
        reader.through(1)
    reader.holds()


def test_clicks_that_come_faster_than_tokens_are_not_lost(pace: Pace) -> None:
    pace.choose("next")
    pace.next(2)
    pace.next(3)
    reader = Reader(pace, [1] * 10)
    reader.through(5)
    reader.holds()


def test_up_to_the_next_unlikely_selection(pace: Pace) -> None:
    pace.choose("next")
    reader = Reader(pace, [1, 1, 1, 4, 1, 2, 1])
    reader.holds()
    pace.to_unlikely()
    reader.through(3)
    reader.holds()
    assert not pace.state.to_unlikely
    pace.to_unlikely()
    reader.through(2)
    reader.holds()


@pytest.mark.parametrize("before", ["next", 10])
@pytest.mark.parametrize("after", [0, "off"])
def test_a_speed_that_is_changed_while_waiting_holds_at_once(pace: Pace, before: Speed, after: Speed) -> None:
    pace.choose(before)
    reader = Reader(pace, [1] * 100)
    pace.choose(after)
    reader.through(100)


def test_a_long_wait_becomes_a_wait_for_a_click(pace: Pace) -> None:
    pace.choose(10)
    reader = Reader(pace, [1] * 3)
    pace.choose("next")
    reader.holds()
    pace.next()
    reader.through(1)
    reader.holds()


def test_seconds_are_counted_from_the_token_on(pace: Pace) -> None:
    now, looked = [0.0], threading.Event()

    def clock() -> float:
        looked.set()
        return now[0]

    slow = Pace(clock=clock)
    slow.choose(3)
    reader = Reader(slow, [1, 1])
    assert looked.wait(20)
    now[0] = 2.9
    slow.choose(3)
    assert reader.seen.empty()
    now[0] = 3.1
    slow.choose(3)
    assert reader.seen.get(timeout=20) == 1
    slow.choose("off")


@pytest.mark.parametrize("speed", ["next", 10])
def test_stop_ends_every_wait_of_the_run(pace: Pace, speed: Speed) -> None:
    pace.choose(speed)
    reader = Reader(pace, [1] * 50)
    pace.choose(speed)
    while reader.seen.qsize() < 50:
        pace.pass_run()
    reader.through(50)


def test_skip_ends_the_waits_of_its_step_alone(pace: Pace) -> None:
    pace.choose("next")
    done = threading.Event()

    def read() -> None:
        for _ in range(3):
            pace.follow(token())
        pace.follow(events.StepFinished(**AT, text="", reason="skipped"))
        done.set()
        pace.follow(token())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    pace.pass_step()
    assert done.wait(20)
    while not pace.state.waiting:
        assert thread.is_alive()


def test_a_new_run_waits_again_after_one_that_was_stopped(pace: Pace) -> None:
    pace.choose("next")
    pace.pass_run()
    pace.follow(token())
    pace.end()
    Reader(pace, [1, 1]).holds()


def test_clicks_that_were_not_used_end_with_the_run(pace: Pace) -> None:
    pace.next(100)
    pace.end()
    assert (pace.state.speed, pace.state.left) == ("next", 0)


@pytest.mark.parametrize("speed", [None, True, "fast", -1, 2, "0.3", float("nan"), [], {"a": 1}])
def test_no_such_speed(pace: Pace, speed: object) -> None:
    with pytest.raises(SettingsError, match=r"must be one of off, 0, 0\.3, 1, 3, 10, next"):
        pace.choose(speed)
    assert pace.state.speed == "off"


@pytest.mark.parametrize("tokens", [None, 0, -1, 1.5, True, "3", MOST_TOKENS + 1])
def test_no_such_number_of_tokens(pace: Pace, tokens: object) -> None:
    with pytest.raises(SettingsError, match="whole number from 1 to"):
        pace.next(tokens)


def test_every_change_of_what_is_shown_is_told() -> None:
    told: list[str] = []
    pace = Pace(lambda: told.append(str(pace.state.speed)))
    pace.choose(3)
    pace.choose(3)
    pace.choose("off")
    assert told == ["3", "off"]
