"""The drain of a worker: the order of its steps."""

import signal
import threading

import pytest

from worker.device.base import GivenBack
from worker.drain import Drain


class Held:
    """A worker that holds jobs until it is told to give them back."""

    def __init__(self, held: int) -> None:
        self.held = held
        self.steps: list[str] = []
        self.has_stopped = threading.Event()

    def take_no_more(self) -> None:
        self.steps.append("take no more")

    def how_many_held(self) -> int:
        return self.held

    def give_back(self) -> None:
        self.steps.append("give back")
        self.held = 0

    def stop(self) -> None:
        self.steps.append("stop")
        self.has_stopped.set()


@pytest.fixture(autouse=True)
def signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_broken_part_ends_the_worker_with_1_without_waiting_for_what_is_held():
    drain, worker = Drain(drain_s=3600), Held(2)
    drain.start(worker)
    drain.fail()
    assert worker.has_stopped.wait(10)
    assert worker.steps == ["take no more", "give back", "stop"]
    assert (drain.exit_code, drain.has_begun) == (1, True)
    with pytest.raises(GivenBack):
        drain.pause(10)


def test_a_drain_says_how_long_it_has_lasted():
    drain, worker = Drain(drain_s=0), Held(1)
    assert drain.seconds() == 0
    drain.start(worker)
    signal.raise_signal(signal.SIGTERM)
    assert worker.has_stopped.wait(10)
    assert 0 < drain.seconds() < drain.seconds()
