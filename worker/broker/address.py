"""Redis as Celery's broker: the address and the options that kombu wants for what REDIS_URL names."""

from typing import Any
from urllib.parse import quote, urlencode

from kombu.transport import TRANSPORT_ALIASES

from jobs.storage.connection.address import Address
from jobs.storage.connection.client import sentinel_options
from worker.broker.channel import MasterTransport, ServerTransport

#: kombu takes the transport from the address alone, again at each sentinel that it turns to.
for _scheme, _transport in (
    ("redis", ServerTransport),
    ("rediss", ServerTransport),
    ("sentinel", MasterTransport),
):
    TRANSPORT_ALIASES[_scheme] = f"{_transport.__module__}:{_transport.__qualname__}"


def broker(redis_url: str, timeout_s: float) -> tuple[str, dict[str, Any]]:
    """Celery's address for `redis_url`, and the transport options that belong to it.

    Raises BadSetting.
    """
    address = Address.parse(redis_url)
    options = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        # A wait for a ticket whose reply is overdue by that is given up, and begun on a new connection.
        "health_check_interval": timeout_s,
        **address.options,
    }
    if address.path:
        return _socket_url(address), options
    if not address.master:
        return _server_url(address), options
    options |= {"master_name": address.master, "sentinel_kwargs": sentinel_options(address, timeout_s)}
    return ";".join(_url("sentinel", address, host, port) for host, port in address.nodes), options


def _socket_url(address: Address) -> str:
    """kombu's way to write a socket."""
    return f"redis+socket://{_user(address)}{quote(address.path)}?virtual_host={address.database}"


def _server_url(address: Address) -> str:
    ((host, port),) = address.nodes
    if not address.has_tls:
        return _url("redis", address, host, port)
    # kombu's own default is to believe every certificate.
    tls = {"ssl_cert_reqs": "required", **address.tls_options}
    return f"{_url('rediss', address, host, port)}?{urlencode(tls)}"


def _url(scheme: str, address: Address, host: str, port: int) -> str:
    """kombu reads user and database from whichever of several it is at."""
    node = f"[{host}]" if ":" in host else quote(host)
    return f"{scheme}://{_user(address)}{node}:{port}/{address.database}"


def _user(address: Address) -> str:
    if not (address.username or address.password):
        return ""
    return f"{quote(address.username or '', safe='')}:{quote(address.password or '', safe='')}@"
