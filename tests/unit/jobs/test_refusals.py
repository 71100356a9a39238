"""What redis-py raises, told apart: refused for now, away, or our own fault."""

import pytest
import redis
from redis import exceptions

from jobs.contract.codes import Code
from jobs.contract.refusals import Refusal, unavailable

FULL = "command not allowed when used memory > 'maxmemory'."


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (exceptions.OutOfMemoryError(FULL), "OOM", f"OOM {FULL[:-1]}"),
        (
            exceptions.OutOfMemoryError(f"Command # 1 (HSET a OOM) of pipeline caused error: {FULL}"),
            "OOM",
            f"OOM {FULL[:-1]}",
        ),
        (
            exceptions.ReadOnlyError(
                f"You can't write against a read only replica. script: {'a' * 40}, on @user_script:1."
            ),
            "READONLY",
            "READONLY You can't write against a read only replica",
        ),
        (
            redis.ResponseError(f"Error running script (call to f_{'a' * 40}): @user_script:1: -OOM {FULL}"),
            "OOM",
            f"OOM {FULL[:-1]}",
        ),
        (
            redis.ResponseError("MISCONF No\ndisk."),
            "MISCONF",
            "MISCONF No disk",
        ),
        (redis.ResponseError("NOREPLICAS Not enough."), "NOREPLICAS", "NOREPLICAS Not enough"),
        (redis.ResponseError("DB index is out of range"), "ERR", "DB index is out of range"),
        (redis.ResponseError("ACL failure in script: no."), "NOPERM", "NOPERM ACL failure in script: no"),
        (redis.ResponseError("ERR ACL failure in script: no."), "NOPERM", "NOPERM ACL failure in script: no"),
        (exceptions.BusyLoadingError("Loading."), "LOADING", "LOADING Loading"),
        (
            exceptions.AuthenticationError("Authentication required."),
            "NOAUTH",
            "NOAUTH Authentication required",
        ),
    ],
)
def test_a_refusal_is_told_by_its_code_and_in_redis_own_words(error, code, words):
    assert Refusal.of(error) == Refusal(code, words)


@pytest.mark.parametrize(
    "error",
    [
        redis.ConnectionError("Error 111 connecting to 127.0.0.1:1. Connection refused."),
        redis.TimeoutError("Timeout reading from socket"),
        redis.ResponseError("unknown command 'OOMPH', with args beginning with: READONLYISH"),
        redis.ResponseError("Command # 1 (SET a OOM b) of pipeline caused error: wrong type"),
        ValueError("OOM command"),
    ],
)
def test_what_is_away_or_wrong_is_no_refusal(error):
    assert Refusal.of(error) is None


def test_people_hear_what_it_is_and_what_helps():
    assert unavailable(redis.ConnectionError("gone")).code is Code.REDIS_UNAVAILABLE
    full = unavailable(exceptions.OutOfMemoryError(FULL))
    assert (full.code, full.message.startswith("Redis is full (OOM command")) == (Code.REDIS_FULL, True)
    refused = unavailable(redis.ResponseError("MISCONF It cannot save."))
    assert refused.code is Code.REDIS_REFUSES
    assert "MISCONF It cannot save" in refused.message


def test_a_database_that_the_server_does_not_have_is_called_so():
    for words in ("DB index is out of range", "ERR DB index is out of range", "invalid DB index"):
        said = unavailable(redis.ResponseError(words))
        assert said.code is Code.REDIS_REFUSES
        assert f"not have the database that REDIS_URL names ({words})" in said.message


def test_what_redis_says_is_cut_when_it_is_long():
    found = Refusal.of(redis.ResponseError(f"MISCONF {'long ' * 200}"))
    assert found is not None
    assert len(found.words) <= 200


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            exceptions.AuthenticationError("Authentication required."),
            "Redis says: NOAUTH Authentication required.",
        ),
        (redis.ResponseError("NOREPLICAS Not enough."), "Redis says: NOREPLICAS Not enough."),
        (exceptions.NoPermissionError("no permissions to run 'get'"), "Redis says: NOPERM no permissions"),
        (
            redis.ConnectionError("max number of clients reached"),
            "Redis says: max number of clients reached.",
        ),
    ],
)
def test_what_redis_says_is_passed_on_and_nothing_else_is_claimed(error, said):
    message = unavailable(error).message
    assert message.startswith(said)
    assert "write (" not in message
