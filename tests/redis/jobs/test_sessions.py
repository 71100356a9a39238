"""Sessions in a Redis that comes back from an older disk: what was ended stays so."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from jobs.contract.access.sessions import NewSession, new_session
from jobs.contract.models import utc_now
from jobs.storage.access.sessions import Sessions
from jobs.storage.connection.client import connect
from tests.conftest import start_redis, stop
from tests.processes import free_port, wait_until

pytestmark = pytest.mark.redis

Restart = Callable[[], None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple["redis.Redis", Restart]]:
    """A client of a server that keeps its data, and what starts it anew with what it had saved last."""
    port, folder = free_port(), tmp_path / "redis"
    folder.mkdir()
    client = connect(f"redis://127.0.0.1:{port}/0")
    running = [start_redis(port, folder)]

    def restart() -> None:
        client.close()
        stop(running.pop())
        running.append(start_redis(port, folder))

    yield client, restart
    client.close()
    stop(running.pop())


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


def test_a_replica_that_has_taken_over_knows_no_session_of_before(server, tmp_path):
    client, _ = server
    port, folder = free_port(), tmp_path / "replica"
    folder.mkdir()
    master = client.connection_pool.connection_kwargs["port"]
    process = start_redis(port, folder, "--replicaof", f"127.0.0.1 {master}")
    try:
        with connect(f"redis://127.0.0.1:{port}/0") as replica:
            wait_until(lambda: replica.info()["master_link_status"] == "up", "the replica has the data")
            token, sessions = begun(Sessions(client)).token, Sessions(replica)
            wait_until(lambda: sessions.find(token), "it has the session as well")
            replica.replicaof("no", "one")
            assert sessions.find(token) is None
            assert Sessions(client).find(token) is not None
    finally:
        stop(process)
