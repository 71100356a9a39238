"""The watchdog: it calls back once when a call to the device takes too long, and never otherwise."""

import threading

from worker.device.watchdog import Watchdog

#: A time limit in seconds that the watched call exceeds.
SHORT_S = 0.05


def test_it_calls_once_when_what_is_watched_takes_too_long():
    calls, called = [], threading.Event()

    def on_overrun() -> None:
        calls.append(1)
        called.set()

    watchdog = Watchdog(SHORT_S, 0, on_overrun)
    watchdog.start()
    for _ in range(2):
        with watchdog.watching():
            assert called.wait(10)
    assert calls == [1]


def test_what_is_not_watched_may_take_as_long_as_it_wants():
    called = threading.Event()
    watchdog = Watchdog(SHORT_S, 0, called.set)
    # Before it looks: a busy machine may take longer than that even for nothing.
    with watchdog.watching():
        pass
    watchdog.start()
    assert not called.wait(10 * SHORT_S)
    watchdog.stop()


def test_it_does_not_call_after_it_was_stopped():
    called = threading.Event()
    watchdog = Watchdog(SHORT_S, 0, called.set)
    watchdog.start()
    watchdog.stop()
    with watchdog.watching():
        assert not called.wait(10 * SHORT_S)


def test_who_comes_back_while_it_calls_waits_until_it_has():
    """Otherwise the jobs on the device could change before the callback reads them."""
    comes_back, left, was_left, is_over = (threading.Event() for _ in range(4))

    def on_overrun() -> None:
        comes_back.set()
        if left.wait(10 * SHORT_S):
            was_left.set()
        is_over.set()

    watchdog = Watchdog(SHORT_S, 0, on_overrun)
    watchdog.start()
    with watchdog.watching():
        assert comes_back.wait(10)
    left.set()
    assert is_over.is_set()
    assert not was_left.is_set()


def test_its_patience_is_a_tenth_more_than_the_time_or_the_grace_if_that_is_more():
    assert Watchdog(600, 5, lambda: None).patience_s == 660
    assert Watchdog(10, 5, lambda: None).patience_s == 15
