"""REDIS_URL as clients and Celery read it."""

import pytest
from kombu import Connection

from jobs.contract.settings import BadSetting
from jobs.storage.connection import SentinelAddress, connect, without_password
from worker.broker.address import MasterTransport, broker

FULL = "redis+sentinel://me:p%40ss@one:26380,two,[::1]:26381/main/3?sentinel_password=s%26cret"


def test_an_address_of_sentinels_is_read_whole():
    assert SentinelAddress.parse(FULL) == SentinelAddress(
        sentinels=(("one", 26380), ("two", 26379), ("::1", 26381)),
        master="main",
        database=3,
        username="me",
        password="p@ss",
        sentinel_password="s&cret",
    )


def test_what_an_address_of_sentinels_leaves_out_is_the_usual():
    assert SentinelAddress.parse("redis+sentinel://one/main") == SentinelAddress((("one", 26379),), "main")


@pytest.mark.parametrize(
    "address",
    [
        "redis+sentinel://one",
        "redis+sentinel:///main",
        "redis+sentinel://one,/main",
        "redis+sentinel://one:port/main",
        "redis+sentinel://one/main/zero",
        "redis+sentinel://one/main?db=1",
    ],
)
def test_an_address_of_sentinels_that_cannot_be_read_is_shown_without_its_password(address):
    with pytest.raises(BadSetting, match=r"REDIS_URL='redis\+sentinel://\*\*\*@.*: write ") as caught:
        connect(address.replace("://", "://:secret@"))
    assert "secret" not in str(caught.value)


def test_a_client_connects_to_the_master_with_the_masters_password_and_the_database():
    with connect(FULL, timeout_s=2) as client:
        pool = client.connection_pool
    ours = {"db": 3, "username": "me", "password": "p@ss", "socket_timeout": 2, "decode_responses": True}
    assert pool.service_name == "main"
    assert pool.connection_kwargs.items() >= ours.items()
    theirs = [node.connection_pool.connection_kwargs for node in pool.sentinel_manager.sentinels]
    assert [(node["host"], node["port"]) for node in theirs] == [
        ("one", 26380),
        ("two", 26379),
        ("::1", 26381),
    ]
    assert {(node["password"], node["socket_timeout"]) for node in theirs} == {("s&cret", 2)}


def test_celery_gets_every_sentinel_with_user_and_database():
    url, options = broker(FULL, timeout_s=2)
    with Connection(url, transport_options=options) as connection:
        seen = []
        for _ in range(3):
            seen.append((connection.hostname, connection.port))
            assert (connection.userid, connection.password) == ("me", "p@ss")
            assert connection.virtual_host == "3"
            assert isinstance(connection.transport, MasterTransport)
            connection.maybe_switch_next()
    assert seen == [("one", 26380), ("two", 26379), ("::1", 26381)]
    assert options["master_name"] == "main"
    assert options["sentinel_kwargs"]["password"] == "s&cret"


@pytest.mark.parametrize("address", ["redis://one:6380/2", "rediss://:secret@one"])
def test_the_address_of_one_server_stays_as_it_is(address):
    assert broker(address, timeout_s=2) == (address, {})


def test_a_socket_is_written_as_kombu_wants_it():
    url, options = broker("unix:///run/redis.sock?db=1", timeout_s=2)
    assert (url, options) == ("redis+socket:///run/redis.sock?virtual_host=1", {})


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (FULL, "redis+sentinel://***@one:26380,two,[::1]:26381/main/3?sentinel_password=***"),
        ("redis://:p@ss@one/0", "redis://***@one/0"),
        ("unix://me:secret@/run/redis.sock?db=1", "unix://***@/run/redis.sock?db=1"),
        ("redis://one:6379/0?password=secret&db=1", "redis://one:6379/0?password=***&db=1"),
        ("redis://one:6379/0", "redis://one:6379/0"),
    ],
)
def test_an_address_is_shown_without_its_passwords(address, shown):
    assert without_password(address) == shown
