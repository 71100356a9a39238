"""Whose turn it is to fetch, among owners and requests, and while look-ups hang."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY

from jobs.contract.codes import Code
from jobs.contract.errors import Overloaded
from jobs.contract.settings import WebSettings
from tests.processes import PATIENCE_S, wait_until
from tests.servers.fetches import IMAGE, page
from tests.servers.internet import PUBLIC
from web.fetch.turns import Line, Turn, Turns, Work

STATES = ("waiting", "running", "hanging")


class Crowd:
    """Owners whose work begins, is noted, and ends when it is told to."""

    def __init__(self, **settings: Any) -> None:
        self.turns = Turns(WebSettings(**settings))
        #: Names of the works that have begun, in order.
        self.begun: list[str] = []
        self._ends: dict[str, threading.Event] = {}
        self._lines: list[Line] = []

    def join(self, owner: str, *names: str) -> Line:
        """One request with works of these names."""
        return self.join_with(owner, *(self._work(name) for name in names))

    def join_with(self, owner: str, *works: Work) -> Line:
        """One request."""
        self._lines.append(self.turns.join(owner, works))
        return self._lines[-1]

    def wait_for(self, *names: str) -> None:
        """Wait until exactly these have begun."""
        wait_until(lambda: len(self.begun) >= len(names), f"{names} have begun", every_s=0.005)
        assert sorted(self.begun) == sorted(names)

    def end(self, *names: str) -> None:
        """Let these end."""
        for name in names:
            self._ends[name].set()

    def end_all(self) -> None:
        """Let everything end, and wait until it has."""
        self.end(*self._ends)
        for line in self._lines:
            self.turns.wait(line, PATIENCE_S)

    def _work(self, name: str) -> Work:
        end = self._ends[name] = threading.Event()

        def work(_turn: Turn) -> None:
            self.begun.append(name)
            end.wait(60)

        return work


@pytest.fixture
def crowd() -> Iterator[Callable[..., Crowd]]:
    """Makes crowds; all of them end with the test, and leave nothing behind."""
    # What an earlier test has let go of may need a moment.
    wait_until(lambda: counted() == [0, 0, 0], "nothing waits, runs or hangs", every_s=0.005)
    made: list[Crowd] = []

    def make(**settings: int) -> Crowd:
        made.append(Crowd(**settings))
        return made[-1]

    yield make
    for one in made:
        one.end_all()
    wait_until(lambda: counted() == [0, 0, 0], "nothing waits, runs or hangs any more", every_s=0.005)


def counted() -> list[float]:
    return [REGISTRY.get_sample_value("eva01_fetch_turns", {"state": state}) or 0.0 for state in STATES]


def test_a_flood_of_one_owner_leaves_half_of_the_places_to_others(crowd):
    all_ = crowd(fetch_at_a_time=4)
    for request in range(50):
        all_.join("anna", f"anna {request}a", f"anna {request}b")
    all_.wait_for("anna 0a", "anna 1a")
    all_.join("ben", "ben")
    all_.wait_for("anna 0a", "anna 1a", "ben")


def test_where_no_place_is_free_another_owner_waits_for_one_turn(crowd):
    all_ = crowd(fetch_at_a_time=1)
    all_.join("anna", *(f"anna {number}" for number in range(9)))
    all_.wait_for("anna 0")
    all_.join("ben", "ben")
    all_.end("anna 0")
    all_.wait_for("anna 0", "ben")
    all_.end("ben")
    all_.wait_for("anna 0", "ben", "anna 1")


def test_owners_who_all_have_much_take_turns(crowd):
    all_ = crowd(fetch_at_a_time=1)
    for owner in ("anna", "ben", "cleo"):
        all_.join(owner, *(f"{owner} {number}" for number in range(3)))
    all_.end_all()
    assert [name.split()[0] for name in all_.begun] == ["anna", "ben", "cleo"] * 3


def test_an_owner_has_a_place_while_none_of_their_own_work_holds_up_more(crowd):
    all_ = crowd(fetch_at_a_time=4)
    all_.join("anna", "anna 0")
    all_.wait_for("anna 0")
    assert all_.turns.has_place("anna")
    all_.join("anna", "anna 1")
    all_.wait_for("anna 0", "anna 1")
    assert not all_.turns.has_place("anna")
    assert all_.turns.has_place("ben")
    all_.end_all()
    assert all_.turns.has_place("anna")


def test_when_the_last_work_of_a_request_is_done_it_is_said_once(crowd):
    all_, said = crowd(fetch_at_a_time=2), []
    end = threading.Event()
    works = [lambda _: None, lambda _: end.wait(60)]
    line: Line = all_.turns.join("anna", works, lambda: said.append(line.is_over))
    wait_until(lambda: line.running == 1 and not line.left, "the second runs", every_s=0.005)
    assert said == []
    end.set()
    wait_until(lambda: said, "it is said", every_s=0.005)
    assert said == [True]


def test_requests_of_one_owner_take_turns(crowd):
    all_ = crowd(fetch_at_a_time=2)
    all_.join("anna", *(f"large {number}" for number in range(5)))
    all_.join("anna", "small")
    all_.end_all()
    assert all_.begun.index("small") <= 2
    assert [name for name in all_.begun if name != "small"] == [f"large {number}" for number in range(5)]


def test_one_request_has_a_quarter_of_the_places_at_most(crowd):
    all_ = crowd(fetch_at_a_time=8)
    all_.join("anna", *(f"large {number}" for number in range(5)))
    all_.join("anna", "small")
    all_.wait_for("large 0", "large 1", "small")


def hanging(end: threading.Event, told: list[str]) -> Work:
    """A turn whose look-up goes on when it is over."""

    def work(turn: Turn) -> None:
        with suppress(TimeoutError):
            turn.apart(lambda: end.wait(60), 0.01)
        told.append("over")

    return work


def test_a_look_up_that_outlasts_its_turn_has_a_place_of_its_owner_and_of_nobody_else(crowd):
    all_, end = crowd(fetch_at_a_time=2), threading.Event()
    told: list[str] = []
    all_.join_with("anna", hanging(end, told))
    wait_until(lambda: told, "the turn is over")
    wait_until(lambda: counted() == [0, 0, 1], "the look-up goes on")
    all_.join("anna", "anna")
    assert counted() == [1, 0, 1]
    all_.join("ben", "ben")
    all_.join("cleo", "cleo")
    all_.wait_for("ben", "cleo")
    all_.end("ben")
    end.set()
    all_.wait_for("ben", "cleo", "anna")


def test_while_as_many_look_ups_hang_as_may_whose_do_not_have_a_turn_at_a_time(crowd):
    all_, end = crowd(fetch_at_a_time=16, fetch_hanging=2), threading.Event()
    told: list[str] = []
    for owner in ("anna", "ben"):
        all_.join_with(owner, hanging(end, told))
    wait_until(lambda: counted() == [0, 0, 2], "both turns are over, and their look-ups go on")
    all_.join("anna", "anna")
    all_.join("cleo", "cleo 0", "cleo 1")
    all_.wait_for("cleo 0")
    assert counted() == [2, 1, 2]
    all_.end("cleo 0")
    all_.wait_for("cleo 0", "cleo 1")
    end.set()
    all_.wait_for("cleo 0", "cleo 1", "anna")


def test_what_a_look_up_gives_or_raises_in_time_is_given_and_raised(crowd):
    all_, given = crowd(), []

    def work(turn: Turn) -> None:
        given.append(turn.apart(lambda: "found", 60))
        turn.apart(lambda: given[1], 60)

    line = all_.turns.join("anna", [work])
    with pytest.raises(IndexError):
        all_.turns.wait(line, PATIENCE_S)
    assert given == ["found"]


def test_an_owner_with_much_that_waits_is_told_so_and_others_are_not(crowd):
    all_ = crowd(fetch_at_a_time=1, fetch_waiting=3)
    all_.join("anna", "anna 0")
    all_.join("anna", "anna 1", "anna 2")
    with pytest.raises(Overloaded) as caught:
        all_.join("anna", "anna 3", "anna 4")
    assert caught.value.code is Code.QUEUE_FULL
    assert "EVA01_FETCH_WAITING" in caught.value.message
    all_.join("ben", *(f"ben {number}" for number in range(9)))
    all_.end_all()
    assert "anna 3" not in all_.begun


def test_what_goes_wrong_ends_the_request_and_no_other(crowd):
    all_ = crowd(fetch_at_a_time=1)

    def broken(_turn: Turn) -> None:
        raise KeyError("a fault")

    line = all_.turns.join("anna", [broken, broken])
    all_.join("anna", "anna")
    with pytest.raises(KeyError):
        all_.turns.wait(line, PATIENCE_S)
    all_.wait_for("anna")


def test_what_is_given_up_is_not_begun(crowd):
    all_ = crowd(fetch_at_a_time=1)
    line = all_.join("anna", "anna 0", "anna 1")
    all_.turns.leave(line)
    all_.end("anna 0")
    assert all_.turns.wait(line, PATIENCE_S)
    assert all_.begun == ["anna 0"]


def test_hosts_whose_names_hang_hold_up_nobody_but_who_named_them(internet):
    fetcher = internet.fetcher("*", fetch_at_a_time=4, fetch_s=60)
    came: list[bytes] = []
    internet.silent.add("uncertified.example.org")
    internet.pages["images.example.org/a.png"] = page()

    def fetch(host: str) -> Work:
        def left_s() -> float:
            return 60.0

        return lambda turn: fetcher.fetch(f"https://{host}/a.png", came.append, turn, left_s)

    lines = [fetcher.turns.join("anna", [fetch("uncertified.example.org")] * 10) for _ in range(10)]
    wait_until(lambda: len(internet.looked_up) == 2, "half of the places are taken")
    assert fetcher.turns.wait(fetcher.turns.join("ben", [fetch("images.example.org")]), PATIENCE_S)
    assert (b"".join(came), internet.sought) == (IMAGE, [(PUBLIC, 443)])
    assert not any(line.is_over for line in lines)
    for line in lines:
        fetcher.turns.leave(line)

    def are_over() -> bool:
        internet.answer_all()
        return all(line.is_over for line in lines)

    wait_until(are_over, "the look-ups have ended")
