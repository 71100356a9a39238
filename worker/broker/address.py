"""Redis as Celery's broker: the address and the options that kombu wants for what REDIS_URL names."""

from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import SentinelChannel, SentinelTransport

from jobs.storage.connection import MasterConnection, SentinelAddress, names_sentinels


class _Channel(SentinelChannel):
    connection_class = MasterConnection


class MasterTransport(SentinelTransport):
    """kombu's transport to the master that sentinels know, on connections that notice when it changes."""

    Channel = _Channel


#: kombu takes the transport from the address alone, again at each sentinel that it turns to.
TRANSPORT_ALIASES["sentinel"] = f"{__name__}:{MasterTransport.__qualname__}"


def broker(redis_url: str, timeout_s: float) -> tuple[str, dict[str, Any]]:
    """Celery's address for `redis_url`, and the transport options that belong to it.

    Raises BadSetting.
    """
    if redis_url.startswith("unix://"):
        return _socket_url(redis_url), {}
    if not names_sentinels(redis_url):
        return redis_url, {}
    address = SentinelAddress.parse(redis_url)
    options = {"master_name": address.master, "sentinel_kwargs": address.sentinel_options(timeout_s)}
    return _kombu_url(address), options


def _socket_url(redis_url: str) -> str:
    """kombu's way to write `unix://[user:password@]/path?db=0`."""
    parts = urlsplit(redis_url)
    database = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def _kombu_url(address: SentinelAddress) -> str:
    """All sentinels; kombu reads user and database from whichever it is at."""
    user = f"{quote(address.username or '', safe='')}:{quote(address.password or '', safe='')}@"
    nodes = [(f"[{host}]" if ":" in host else host, port) for host, port in address.sentinels]
    return ";".join(f"sentinel://{user}{host}:{port}/{address.database}" for host, port in nodes)
