"""What a worker says of a Redis that is away or refuses: once when it begins, and once when it is over."""

import logging

import pytest
import redis

from worker.ops.trouble import Trouble

AWAY = redis.ConnectionError("Connection refused.")
FULL = redis.exceptions.OutOfMemoryError("command not allowed.")


@pytest.fixture(autouse=True)
def everything_is_logged(caplog):
    caplog.set_level(logging.INFO)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said of it: threads of others may write lines as well."""
    return [record.message for record in caplog.records if record.name == Trouble.__module__]


def test_a_trouble_that_many_parts_meet_is_said_once_and_is_over_when_all_are_over_it(caplog):
    trouble = Trouble()
    for part in ("heartbeat", "slots", "queue", "slots"):
        trouble.meet(part, FULL)
    assert trouble.words == "OOM command not allowed"
    for part in ("heartbeat", "slots", "queue", "queue"):
        trouble.get_over(part)
    assert trouble.words == ""
    assert said(caplog) == [
        "Redis refuses (OOM command not allowed): keeping the model and what is held until it does not.",
        "Redis takes writes again.",
    ]


def test_another_kind_of_trouble_is_said_as_well(caplog):
    trouble = Trouble()
    trouble.meet("heartbeat", AWAY)
    trouble.meet("heartbeat", FULL)
    trouble.meet("heartbeat", AWAY)
    trouble.get_over("heartbeat")
    assert said(caplog) == [
        "Redis is away (Connection refused.): waiting until it is back.",
        "Redis refuses (OOM command not allowed): keeping the model and what is held until it does not.",
        "Redis is away (Connection refused.): waiting until it is back.",
        "Redis is back.",
    ]


def test_nothing_is_said_when_there_was_no_trouble(caplog):
    Trouble().get_over("slots")
    assert said(caplog) == []
