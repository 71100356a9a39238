"""The way to Redis: what REDIS_URL names, read, and as a client.

    redis:// rediss:// unix://                           one server
    redis+sentinel://host:26379,host:26379/master/0      the master that the sentinels know at the moment

When another server becomes master, the connections to the old one fail once with redis.ConnectionError,
and whoever connects again is led to the new one.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

from jobs.contract.settings import BadSetting

DEFAULT_SENTINEL_PORT = 26379

_SCHEME = "redis+sentinel://"
_ADDRESS = re.compile(
    re.escape(_SCHEME) + r"((?P<username>[^:@/]*):(?P<password>[^@/]*)@)?(?P<sentinels>[^@/?]+)"
    r"/(?P<master>[^/?]+)(/(?P<database>\d+))?(\?sentinel_password=(?P<sentinel_password>[^&]+))?"
)
_SENTINEL = re.compile(r"(?P<host>\[[^\]]+\]|[^\[\]:]+)(:(?P<port>\d{1,5}))?")
#: A user's password, up to the last @ before the path; and one that is given as an option.
_PASSWORDS = re.compile(r"(?<=://)[^/]*:[^/]*(?=@)|(?<=password=)[^&]*")


@dataclass(frozen=True)
class SentinelAddress:
    """A `redis+sentinel://` address, read."""

    #: Host and port of each sentinel.
    sentinels: tuple[tuple[str, int], ...]
    #: What the sentinels call the master.
    master: str
    database: int = 0
    #: Who we are to the Redis servers.
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    #: What the sentinels themselves ask for.
    sentinel_password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, redis_url: str) -> Self:
        """Read an address.

        Raises BadSetting.
        """
        found = _ADDRESS.fullmatch(redis_url)
        nodes = [_SENTINEL.fullmatch(node) for node in found["sentinels"].split(",")] if found else [None]
        if found is None or None in nodes:
            raise BadSetting(
                f"REDIS_URL={without_password(redis_url)!r}: write an address of sentinels as"
                " redis+sentinel://:password@host1:26379,host2:26379/name-of-master/0,"
                " the password's special characters as %XX. See docs/configuration.md."
            )
        return cls(
            sentinels=tuple(
                (node["host"].strip("[]"), int(node["port"] or DEFAULT_SENTINEL_PORT))
                for node in nodes
                if node is not None
            ),
            master=unquote(found["master"]),
            database=int(found["database"] or 0),
            username=_plain(found["username"]),
            password=_plain(found["password"]),
            sentinel_password=_plain(found["sentinel_password"]),
        )

    def sentinel_options(self, timeout_s: float) -> dict[str, Any]:
        """How to connect to a sentinel: once, because one that is away has others beside it."""
        return {
            "password": self.sentinel_password,
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "retry": Retry(NoBackoff(), 0),
        }


class MasterConnection(SentinelManagedConnection):
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

    Raises BadSetting.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 30,
    }
    if not names_sentinels(redis_url):
        return redis.Redis.from_url(redis_url, **options)
    address = SentinelAddress.parse(redis_url)
    options |= {
        "connection_class": MasterConnection,
        "db": address.database,
        "username": address.username,
        "password": address.password,
    }
    sentinel = Sentinel(address.sentinels, sentinel_kwargs=address.sentinel_options(timeout_s))
    return sentinel.master_for(address.master, redis.Redis, **options)


def names_sentinels(redis_url: str) -> bool:
    """True for an address of sentinels, which know the master; False for a server's own address."""
    return redis_url.startswith(_SCHEME)


def without_password(redis_url: str) -> str:
    """The address as it may be shown."""
    return _PASSWORDS.sub("***", redis_url)


def _plain(text: str | None) -> str | None:
    return unquote(text) if text else None
