"""REDIS_URL as clients and Celery read it."""

from urllib.parse import quote

import pytest
import redis
from kombu import Connection

from jobs.contract.settings import BadSetting
from jobs.storage.connection.address import Address, without_password
from jobs.storage.connection.client import connect
from worker.broker.address import broker
from worker.broker.channel import MasterTransport

FULL = "redis+sentinel://me:p%40ss@one:26380,two,[::1]:26381/main/3?sentinel_password=s%26cret"


def test_an_address_of_sentinels_is_read_whole():
    assert Address.parse(FULL) == Address(
        nodes=(("one", 26380), ("two", 26379), ("::1", 26381)),
        master="main",
        database=3,
        username="me",
        password="p@ss",
        sentinel_password="s&cret",
    )


def test_what_an_address_leaves_out_is_the_usual():
    assert Address.parse("redis+sentinel://one/main") == Address((("one", 26379),), master="main")
    assert Address.parse("redis://one") == Address((("one", 6379),))
    assert Address.parse("unix:///run/redis.sock") == Address(path="/run/redis.sock")


@pytest.mark.parametrize("scheme", ["redis://one", "redis+sentinel://one/main", "unix:///run/redis.sock"])
def test_a_password_may_be_in_a_file(tmp_path, scheme):
    (tmp_path / "a b&c").write_text("p@ss w/rd\n")
    url = f"{scheme}?password_file={quote(str(tmp_path / 'a b&c'))}"
    assert Address.parse(url).password == "p@ss w/rd"
    assert "p@ss" not in repr(Address.parse(url)) + without_password(url)


@pytest.mark.parametrize(
    ("content", "url", "why"),
    [
        (b" \n", "redis://one", "is empty"),
        (b"secret\xff", "redis://one", "is no text in UTF-8"),
        (b"secret", "redis://:other@one", "a password, and a password_file as well"),
        (b"secret", "redis://one?password=other&", "a password, and a password_file as well"),
        (None, "redis://one", "cannot be read: No such file"),
    ],
)
def test_a_file_without_a_password_is_refused(tmp_path, content, url, why):
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    with pytest.raises(BadSetting, match=why) as caught:
        Address.parse(f"{url}{'' if url.endswith('&') else '?'}password_file={tmp_path}/file")
    assert "secret" not in str(caught.value)
    assert "other" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("redis://:se#cret@127.0.0.1:1/0", "one of / ? # [ ]"),
        ("redis://:se/cret@127.0.0.1:1/0", "one of / ? # [ ]"),
        ("redis://:se?cret@127.0.0.1:1/0", "one of / ? # [ ]"),
        ("redis://:se[cret@127.0.0.1:1/0", "one of / ? # [ ]"),
        ("redis://:se]cret@127.0.0.1:1/0", "one of / ? # [ ]"),
        ("redis://:secret@[::1/0", "is not a host"),
        ("redis://:secret@127.0.0.1:99999/0", "the port is 99999"),
        ("redis://:secret@127.0.0.1:0/0", "the port is 0"),
        ("redis://:secret@127.0.0.1:port/0", "is not a host"),
        ("redis://:secret@one two/0", "is not a host"),
        ("redis://:secret@127.0.0.1:1/abc", "the database behind the last / is 'abc'"),
        ("redis://:secret@127.0.0.1:1/-1", "the database behind the last /"),
        ("redis://:secret@127.0.0.1:1/0/1", "the database behind the last /"),
        ("redis://:secret@127.0.0.1:1/0?db=1", "two databases"),
        ("redis://:secret@127.0.0.1:1/0?socket_timeout=x", "option socket_timeout is 'x'"),
        ("redis://:secret@127.0.0.1:1/0?socket_timeout=0", "option socket_timeout is '0'"),
        ("redis://:secret@127.0.0.1:1/0?db=", "option db is ''"),
        ("redis://:secret@127.0.0.1:١/0", "is not a host"),
        ("redis://:secret@one%2Ftwo/0", "'one%2Ftwo' is not a host"),
        ("redis://:secret@one%40two/0", "'one%40two' is not a host"),
        ("redis://:secret@one%3A1/0", "'one%3A1' is not a host"),
        ("redis://:secret@127.0.0.1:1/0?socket_timeout=1_0", "has to be a plain number"),
        ("redis://:secret@127.0.0.1:1/0?socket_timeout=٣", "has to be a plain number"),
        ("redis://:secret@127.0.0.1:1/٣", "the database behind the last /"),
        ("redis://:secret@x..y/0", "'x..y' is not a host"),
        (f"redis://:secret@{'a' * 70}/0", "is not a host"),
        (f"redis://:secret@{'.'.join(['a' * 50] * 6)}/0", "is not a host"),
        ("redis://:secret@one%00/0", "'one%00' is not a host"),
        ("redis://:secret@[:::1]/0", "'[:::1]' is not a host"),
        ("redis+sentinel://:secret@one,x..y/main", "'x..y' is not a host"),
        ("redis://:secret%ff@one/0", "is not UTF-8"),
        ("redis://one/0?password=secret%ff", "is not UTF-8"),
        ("redis://:secret@one/99999999999999999999", "the database is 99999999999999999999"),
        ("redis://:secret@one?db=2147483648", "the database is 2147483648"),
        (f"redis://:secret@one/{'9' * 5000}", "the database behind the last /"),
        ("redis://:secret@one/0?socket_timeout=1e300", "at most 86400 s"),
        ("redis://:secret@one/0?socket_connect_timeout=1e300", "at most 86400 s"),
        ("redis://:secret@one/0?socket_timeout=inf", "at most 86400 s"),
        ("redis://:secret@one/0?socket_timeout=nan", "at most 86400 s"),
        ("redis://:secret@one/0?health_check_interval=86401", "at most 86400 s"),
        ("redis://:secret@one/0?client_name=a%20b", "client_name is 'a b', and may have no blanks"),
        ("redis://:secret@one/0?client_name=%C3%A9", "only ASCII"),
        ("redis://:secret@one/0?client_name=a%0Ab", "may have no blanks"),
        ("rediss://:secret@one/0?ssl_ca_certs=/nosuch", "cannot be read: No such file"),
        ("rediss://:secret@one/0?ssl_ca_certs=/", "cannot be read: Is a directory"),
        (f"rediss://:secret@one/0?ssl_ca_certs={__file__}", "is no file of certificates"),
        ("rediss://:secret@one/0?ssl_certfile=/nosuch", "cannot be read: No such file"),
        (f"rediss://:secret@one/0?ssl_certfile={__file__}", "are no certificate and its key"),
        (f"rediss://:secret@one/0?ssl_keyfile={__file__}", "no ssl_certfile"),
        ("unix:///run/%00redis.sock", "none of them is 0"),
        (f"unix:///run/{'x' * 120}", "at most 107 bytes"),
        ("redis://:secret@127.0.0.1:1/0?colour=red", "the option 'colour'"),
        ("redis://:secret@127.0.0.1:1/0?ssl_cert_reqs=none", "the option 'ssl_cert_reqs'"),
        ("rediss://:secret@127.0.0.1:1/0?ssl_cert_reqs=some", "option ssl_cert_reqs is 'some'"),
        ("redis://:secret@/0", "names no host"),
        ("redis://:secret@:6379/0", "is not a host"),
        ("redis://one,two/0", "is not a host"),
        ("http://:secret@127.0.0.1/0", "does not begin with redis://"),
        ("127.0.0.1:6379", "does not begin with redis://"),
        ("", "does not begin with redis://"),
        ("redis://127.0.0.1/0 ", "blanks around it"),
        ("redis://:sec\nret@127.0.0.1/0", "cannot be seen"),
        ("unix://:secret@run/redis.sock", "a socket's path begins with /"),
        ("unix://:secret@", "a socket's path begins with /"),
        ("redis+sentinel://:secret@one", "name of the master is missing"),
        ("redis+sentinel://:secret@/main", "names no host"),
        ("redis+sentinel://:secret@one,/main", "names no host"),
        ("redis+sentinel://:secret@one:port/main", "is not a host"),
        ("redis+sentinel://:secret@one/main/zero", "the database behind the last /"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_in_one_line_without_its_password(address, why):
    for read in (connect, lambda address: broker(address, 1)):
        with pytest.raises(BadSetting) as caught:
            read(address)
        said = str(caught.value)
        assert said.startswith("REDIS_URL='")
        assert why in said
        assert "\n" not in said
        assert not any(secret in said for secret in ("secret", "cret", "sec"))


@pytest.mark.parametrize("password", ["p@ss", "p%ss", "p:ss", "p ss", "p,ss", "p+ss", "#/?[]@:%& é"])
def test_clients_and_celery_read_the_same_user_password_and_database(password):
    written = [quote(password, safe="")] + [password] * (not set(password) & set("#/?[]"))
    for text in written:
        address = f"redis://me:{text}@one:6380/2"
        with connect(address) as client:
            ours = client.connection_pool.connection_kwargs
        url, _ = broker(address, 1)
        with Connection(url) as connection:
            theirs = (connection.userid, connection.password, connection.hostname, connection.port)
            assert connection.virtual_host == "2"
        assert theirs == (ours["username"], ours["password"], ours["host"], ours["port"])
        assert theirs == ("me", password, "one", 6380)
        assert ours["db"] == 2


def test_options_of_an_address_reach_clients_and_celery():
    address = "rediss://one/0?socket_timeout=7&client_name=me&ssl_cert_reqs=optional&ssl_check_hostname=no"
    with connect(address, timeout_s=2) as client:
        ours = client.connection_pool.connection_kwargs
        assert issubclass(client.connection_pool.connection_class, redis.SSLConnection)
    assert (ours["socket_timeout"], ours["socket_connect_timeout"], ours["client_name"]) == (7, 2, "me")
    url, options = broker(address, timeout_s=2)
    assert (options["socket_timeout"], options["socket_connect_timeout"], options["client_name"]) == (
        7,
        2,
        "me",
    )
    with Connection(url) as connection:
        assert (int(connection.ssl["ssl_cert_reqs"]), connection.ssl["ssl_check_hostname"]) == (1, False)


def test_celery_believes_no_more_certificates_than_clients_do():
    url, _ = broker("rediss://:secret@one", timeout_s=2)
    with Connection(url) as connection:
        assert int(connection.ssl["ssl_cert_reqs"]) == 2


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


TIMEOUTS = {"socket_timeout": 2, "socket_connect_timeout": 2, "health_check_interval": 2}


def test_the_address_of_one_server_is_written_whole():
    assert broker("redis://one:6380/2", timeout_s=2) == ("redis://one:6380/2", TIMEOUTS)
    assert broker("redis://:p%40ss@[::1]", timeout_s=2) == ("redis://:p%40ss@[::1]:6379/0", TIMEOUTS)


def test_a_socket_is_written_as_kombu_wants_it():
    url, options = broker("unix:///run/redis.sock?db=1", timeout_s=2)
    assert (url, options) == ("redis+socket:///run/redis.sock?virtual_host=1", TIMEOUTS)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (FULL, "redis+sentinel://***@one:26380,two,[::1]:26381/main/3?sentinel_password=***"),
        ("redis://:p@ss@one/0", "redis://***@one/0"),
        ("redis://:p/s#s@one/0", "redis://***@one/0"),
        ("unix://me:secret@/run/redis.sock?db=1", "unix://***@/run/redis.sock?db=1"),
        ("redis://one:6379/0?password=secret&db=1", "redis://one:6379/0?password=***&db=1"),
        ("redis://one:6379/0", "redis://one:6379/0"),
    ],
)
def test_an_address_is_shown_without_its_passwords(address, shown):
    assert without_password(address) == shown


@pytest.mark.parametrize(
    "url",
    [
        "redis://me:marked@127.0.0.1:1/0",
        "redis://127.0.0.1:1/0?password=marked",
        "unix://:marked@/nosuch?db=0",
        "redis+sentinel://:marked@127.0.0.1:1,127.0.0.1:2/main/0?sentinel_password=marked",
    ],
)
def test_neither_clients_nor_their_errors_tell_a_password(url):
    client = connect(url, timeout_s=0.2)
    with pytest.raises(redis.ConnectionError) as caught:
        client.ping()
    address, options = broker(url, timeout_s=0.2)
    celerys = Connection(address, transport_options=options)
    for shown in (client, client.connection_pool, caught.value, celerys, celerys.as_uri()):
        assert "marked" not in f"{shown!r} {shown}"
