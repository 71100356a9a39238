"""The way to Redis: what REDIS_URL names, as a client.

When another server becomes master, the connections to the old one fail once with redis.ConnectionError,
and whoever connects again is led to the new one.
"""

import codecs
from typing import Any

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

from jobs.contract import names
from jobs.contract.refusals import is_wrong_type
from jobs.storage.connection.address import Address

#: Tries of a command after the first when the connection is lost, and the pauses between them in seconds: a
#: server that was started anew is there again at once, and who waits should soon hear of one that is not.
_RETRIES, _FIRST_PAUSE_S, _LONGEST_PAUSE_S = 3, 0.05, 0.5
#: What is tried again. Not what took too long: tries of a command, of its connection and of its first words
#: multiply, so that a network that drops packets would be waited for 23 times as long as `timeout_s`.
_TRIED_AGAIN = (redis.ConnectionError,)


def _shown(error: UnicodeError) -> tuple[str, int]:
    """What is no UTF-8 in a reply, as a sign that says so; half a reply would be taken for the next one."""
    if isinstance(error, UnicodeDecodeError):
        return "\ufffd", error.end
    raise error


_ENCODING_ERRORS = "eva01-shown"
codecs.register_error(_ENCODING_ERRORS, _shown)


class _Alive:
    """A connection is alive when its server answers, be it that it refuses: reading goes on then."""

    def _send_ping(self) -> None:
        try:
            super()._send_ping()  # type: ignore[misc]
        except redis.ResponseError:
            return


class ServerConnection(_Alive, redis.Connection):
    """A connection to one server."""


class TlsConnection(_Alive, redis.SSLConnection):
    """The same with TLS."""


class SocketConnection(_Alive, redis.UnixDomainSocketConnection):
    """A connection to a server's socket on this machine."""


class MasterConnection(_Alive, SentinelManagedConnection):
    """A connection to the master, which is lost when that becomes a replica.

    redis-py knows this from a write that is refused; here also from a wait that the server breaks off,
    in which a worker spends most of its time.
    """

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """The next reply.

        Raises redis.ConnectionError when the server is no longer the master.
        """
        try:
            return super().read_response(*args, **kwargs)
        except redis.ResponseError as error:
            if not str(error).startswith("UNBLOCKED"):
                raise
            self.disconnect()
            raise redis.ConnectionError("The previous master is now a replica.") from error


def connect(redis_url: str, timeout_s: float = 5.0) -> "redis.Redis":
    """A client for `redis_url`; it connects when first used, and again after a loss.

    Nothing waits for longer than `timeout_s` for a connection, and for each answer: a command ends with
    redis.TimeoutError then.

    Raises BadSetting.
    """
    address = Address.parse(redis_url)
    options: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": _ENCODING_ERRORS,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 30,
        "retry": Retry(ExponentialBackoff(cap=_LONGEST_PAUSE_S, base=_FIRST_PAUSE_S), _RETRIES, _TRIED_AGAIN),
        "db": address.database,
        "username": address.username,
        "password": address.password,
        **address.options,
    }
    if address.master:
        sentinel = Sentinel(address.nodes, sentinel_kwargs=sentinel_options(address, timeout_s))
        return sentinel.master_for(address.master, redis.Redis, connection_class=MasterConnection, **options)
    return redis.Redis.from_pool(redis.ConnectionPool(**_server(address), **options))


def check_writes(client: "redis.Redis") -> None:
    """Ask Redis to write what changes nothing.

    Raises redis.RedisError, as a write would that changes something.
    """
    try:
        client.zadd(names.WORKERS, {"": 0}, xx=True)
    except redis.ResponseError as error:
        # Whether it may write is looked at first, and only then what is there.
        if not is_wrong_type(error):
            raise


def sentinel_options(address: Address, timeout_s: float) -> dict[str, Any]:
    """How to connect to a sentinel: once, because one that is away has others beside it."""
    return {
        "password": address.sentinel_password,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }


def _server(address: Address) -> dict[str, Any]:
    """Where one server is, as redis-py wants it."""
    if address.path:
        return {"connection_class": SocketConnection, "path": address.path}
    ((host, port),) = address.nodes
    kind = TlsConnection if address.has_tls else ServerConnection
    return {"connection_class": kind, "host": host, "port": port, **address.tls_options}
