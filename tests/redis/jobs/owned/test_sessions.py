"""Sessions in a Redis that comes back from an older disk, or is taken over: what was ended stays so.

Also where Redis does not say which one it is, since INFO has no name there, or is forbidden.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from jobs.contract import names
from jobs.contract.access.sessions import NewSession, new_session
from jobs.contract.models import utc_now
from jobs.storage.access.sessions import Sessions
from jobs.storage.connection.client import connect
from jobs.storage.lives import Lives
from jobs.storage.restarts import RestartWatch
from tests.conftest import start_redis, stop
from tests.processes import free_port, wait_until

pytestmark = pytest.mark.redis

Restart = Callable[[], None]


@pytest.fixture(params=["says", "has no INFO", "forbids INFO"])
def options(request: pytest.FixtureRequest) -> list[str]:
    """How a server is started that says which one it is, or does not."""
    allowed = ["on", "nopass", "~*", "&*", "+@all", "-info"]
    how = {
        "says": [],
        "has no INFO": ["--rename-command", "INFO", ""],
        "forbids INFO": ["--user", "default", *allowed],
    }
    # A replica gets the data at once, and not when others may have come.
    return [*how[request.param], "--repl-diskless-sync-delay", "0"]


@pytest.fixture
def server(tmp_path: Path, options: list[str]) -> Iterator[tuple["redis.Redis", Restart]]:
    """A client of a server that keeps its data, and what starts it anew with what it had saved last."""
    port, folder = free_port(), tmp_path / "redis"
    folder.mkdir()
    client = connect(f"redis://127.0.0.1:{port}/0")
    running = [start_redis(port, folder, *options)]

    def restart() -> None:
        client.close()
        stop(running.pop())
        running.append(start_redis(port, folder, *options))

    yield client, restart
    client.close()
    stop(running.pop())


@pytest.fixture
def replica(
    server: tuple["redis.Redis", Restart], tmp_path: Path, options: list[str]
) -> Iterator["redis.Redis"]:
    """A client of a second server, which follows the first."""
    port, folder = free_port(), tmp_path / "replica"
    folder.mkdir()
    process = start_redis(port, folder, "--replicaof", f"127.0.0.1 {port_of(server[0])}", *options)
    try:
        with connect(f"redis://127.0.0.1:{port}/0") as client:
            wait_until(lambda: client.role()[3] == "connected", "the replica has the data")
            yield client
    finally:
        stop(process)


def port_of(client: "redis.Redis") -> int:
    return client.connection_pool.connection_kwargs["port"]


def begun(sessions: Sessions, owner: str = "anna") -> NewSession:
    now = utc_now()
    new = new_session(name=f"openid:{owner}", owner=owner, started_at=now, ends_at=now + timedelta(hours=1))
    sessions.begin(new.session, most=10)
    return new


def test_a_session_that_was_ended_does_not_come_back_with_an_older_redis(server, tmp_path):
    client, restart = server
    sessions = Sessions(client)
    ended, ended_with_all = begun(sessions), begun(sessions, "ben")
    client.save()
    kept = shutil.copy(tmp_path / "redis" / "dump.rdb", tmp_path)
    sessions.end(ended.session)
    assert sessions.end_all("ben") == 1
    client.save()
    shutil.copy(kept, tmp_path / "redis")
    restart()
    assert client.dbsize() > 0, "what was saved is there again"
    assert [sessions.find(new.token) for new in (ended, ended_with_all)] == [None, None]
    assert sessions.of("anna") == sessions.of("ben") == []
    new = begun(sessions)
    found = sessions.find(new.token)
    assert found is not None
    assert found.owner == "anna"
    assert [session.digest for session in sessions.of("anna")] == [new.session.digest]


def take_over(new: "redis.Redis", old: "redis.Redis") -> None:
    """Make one of two servers the master, and the other follow it."""
    new.replicaof("no", "one")
    old.replicaof("127.0.0.1", port_of(new))
    wait_until(lambda: old.role()[3] == "connected", "the other follows")


def test_a_replica_that_has_taken_over_knows_no_session_of_before(server, replica):
    client, _ = server
    new, sessions = begun(Sessions(client)), Sessions(replica)
    key = names.session_key(new.session.digest)
    wait_until(lambda: replica.exists(key), "it has the session as well")
    replica.replicaof("no", "one")
    assert sessions.find(new.token) is None
    assert Sessions(client).find(new.token) is not None


def test_a_server_that_takes_over_again_is_not_taken_for_itself(server, replica):
    """Between the two somebody has looked which Redis it is, as housekeeping does all the time."""
    client, _ = server
    new = begun(Sessions(client))
    wait_until(lambda: replica.exists(names.session_key(new.session.digest)), "it has the session as well")
    take_over(replica, client)
    RestartWatch(replica).note()
    Sessions(replica).find(new.token)
    begun(Sessions(replica), "ben")
    wait_until(lambda: client.exists(names.sessions_key("ben")), "the first has what came since")
    take_over(client, replica)
    assert client.exists(names.session_key(new.session.digest))
    assert Sessions(client).find(new.token) is None


def test_a_server_that_was_started_anew_is_noticed_once(server):
    client, restart = server
    watch = RestartWatch(client)
    assert watch.is_blank()
    watch.note()
    assert watch.forgotten_since() is None
    client.save()
    restart()
    # Whoever signs in first has it noted as well.
    begun(Sessions(client))
    assert watch.forgotten_since() is not None
    watch.note()
    assert watch.forgotten_since() is None


def test_two_at_once_agree_which_life_it_is(redis_client):
    lives = [Lives(redis_client, "replication", "what no Redis says") for _ in range(2)]
    assert [one.known() for one in lives] == ["", ""]
    first = lives[0].noted()
    assert [lives[1].noted(), lives[0].known(), lives[1].known()] == [first] * 3
    redis_client.script_flush()
    assert lives[1].known() == ""
    assert lives[1].noted() != first


def test_a_redis_that_is_away_is_no_redis_that_hides_something(redis_client):
    gone = connect(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(redis.ConnectionError):
        Sessions(gone).find("token")
    redis_client.set(names.LIFE, "x")
    assert Sessions(redis_client).find("token") is None
