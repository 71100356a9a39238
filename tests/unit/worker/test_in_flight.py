"""A value that several threads want at the same time is made once, and dropped after the last."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.processes import wait_until
from worker.device.base import GivenBack
from worker.job.in_flight import Held, InFlight


class Making:
    """Makes a number, a higher one each time, when it is let go on; or fails with `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times = 0
        self.error = error
        self.may_go_on = threading.Event()

    def __call__(self) -> int:
        self.times += 1
        assert self.may_go_on.wait(30)
        if self.error:
            raise self.error
        return self.times


@pytest.fixture
def things() -> InFlight[int]:
    return InFlight()


def hold(things: InFlight[int], making: Making, key: str = "a") -> Held[int]:
    with things.hold(key, making) as held:
        return held


def hold_at_once(things: InFlight[int], making: Making, keys: list[str]) -> list["Future[Held[int]]"]:
    """Hold each key in a thread of its own; values are made once all threads wait for them."""
    with ThreadPoolExecutor(len(keys)) as threads:
        futures = [threads.submit(hold, things, making, key) for key in keys]
        wait_until(lambda: sum(one.holders for one in [*things._shared.values()]) == len(keys), "all want it")
        making.may_go_on.set()
    return futures


def test_many_at_once_get_the_same_from_one_maker(things):
    making = Making()
    held = [future.result() for future in hold_at_once(things, making, ["a"] * 8)]
    assert [one.value for one in held] == [1] * 8
    assert [one.is_maker for one in held].count(True) == 1


def test_other_keys_are_made_for_themselves(things):
    making = Making()
    held = [future.result() for future in hold_at_once(things, making, ["a", "b", "b", "c"])]
    assert making.times == [one.is_maker for one in held].count(True) == 3


def test_it_lives_as_long_as_anybody_holds_it_and_no_longer(things):
    making = Making()
    making.may_go_on.set()
    with things.hold("a", making) as first:
        with things.hold("a", making) as second:
            assert (second.value, second.is_maker) == (first.value, False)
        assert hold(things, making).value == first.value
    assert things._shared == {}
    assert hold(things, making) == Held(2, is_maker=True)


def test_who_comes_while_the_maker_is_gone_and_another_still_holds_it_gets_it(things):
    making = Making()
    making.may_go_on.set()
    maker, other = things.hold("a", making), things.hold("a", making)
    maker.__enter__()
    other.__enter__()
    maker.__exit__(None, None, None)
    assert hold(things, making) == Held(1, is_maker=False)
    other.__exit__(None, None, None)
    assert things._shared == {}


@pytest.mark.parametrize("error", [ValueError("broken"), GivenBack("the worker stops")])
def test_an_error_reaches_all_who_wait_for_it_and_nobody_later(things, error):
    making = Making(error)
    futures = hold_at_once(things, making, ["a"] * 4)
    assert [future.exception() for future in futures] == [error] * 4
    assert (making.times, things._shared) == (1, {})
    making.error = None
    assert hold(things, making) == Held(2, is_maker=True)


def test_who_comes_after_an_error_tries_anew_though_others_have_it_still(things):
    making = Making(ValueError("broken"))
    making.may_go_on.set()

    def fail_then_hold() -> Held[int]:
        try:
            hold(things, making)
        except ValueError:
            making.error = None
        return hold(things, making)

    assert fail_then_hold() == Held(2, is_maker=True)


def test_an_error_of_one_who_holds_it_is_his_own(things):
    making = Making()
    making.may_go_on.set()
    with things.hold("a", making) as held:
        with pytest.raises(KeyError), things.hold("a", making):
            raise KeyError
        assert hold(things, making) == Held(held.value, is_maker=False)
    assert things._shared == {}


def test_a_maker_that_is_not_wanted_any_more_leaves_the_making_to_the_next(things):
    class NotWantedError(Exception):
        pass

    making, begun = Making(), threading.Event()

    def give_up() -> int:
        begun.set()
        wait_until(lambda: things._shared["a"].holders == 2, "another waits")
        raise NotWantedError

    def first() -> Held[int]:
        with things.hold("a", give_up, own=(NotWantedError,)) as held:
            return held

    def second() -> Held[int]:
        assert begun.wait(30)
        with things.hold("a", making, own=(NotWantedError,)) as held:
            return held

    making.may_go_on.set()
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.submit(first), threads.submit(second)
        with pytest.raises(NotWantedError):
            one.result(30)
        assert (other.result(30).value, other.result(30).is_maker) == (1, True)
    assert things._shared == {}
