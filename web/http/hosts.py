"""By which names this server may be asked: whoever owns another name must not make browsers read it.

http://evil.example ──► its owner lets it lead to 127.0.0.1, and for a browser this server is that site (DNS
                        rebinding), whose page could read all that is here: other names get 421
http://10.0.3.4     ──► nobody can let an address lead elsewhere: it is answered where web listens on it
"""

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Flask, current_app, request

from jobs.contract.codes import Code
from jobs.contract.errors import Foreign
from jobs.contract.hosts import address_of, split_host
from web.http.proxies import ORIGINAL

_log = logging.getLogger(__name__)

_NAME = "eva01_hosts"
#: Characters of a name that are repeated to whoever sent it.
_LONGEST_SHOWN = 100


class Hosts:
    """The loopback's names and addresses, what web listens on, and the names of EVA01_HOSTS, with any port.

    `listens_on` is a name or an address; of one that stands for all (0.0.0.0, ::) every address is answered.
    """

    def __init__(self, listens_on: str, named: Sequence[str]) -> None:
        address = address_of(listens_on)
        #: Whether names were given at all.
        self.are_named = bool(named)
        self.is_any_address = address is not None and address.is_unspecified
        given = [name.lower() for name in ("localhost", listens_on, *named)]
        self._names = {name for name in given if not name.startswith("*.")}
        self._suffixes = tuple(name[1:] for name in given if name.startswith("*."))
        self._addresses = {address_of(name) for name in self._names} - {None}

    def has(self, host: str) -> bool:
        """True when `host`, as a Host header says it, is one of them."""
        name, _ = split_host(host) or ("", None)
        if address := address_of(name):
            return self.is_any_address or address.is_loopback or address in self._addresses
        return name in self._names or name.endswith(self._suffixes or ("\n",))


def register_hosts(app: Flask, hosts: Hosts) -> None:
    """Have `app` refuse every request under another name with 421 (`unknown_host`).

    Behind proxies both are looked at: the name that the proxy asks by, and the one it was asked by. The
    latter is left to the proxy where no names were given.
    """
    app.extensions[_NAME] = hosts
    app.before_request(check_host)
    if hosts.is_any_address:
        _log.info("Web listens on all addresses. By a name it answers only if that is in EVA01_HOSTS.")


def hosts_of(app: Flask) -> Hosts:
    """Those of an app."""
    hosts: Hosts = app.extensions[_NAME]
    return hosts


def check_host() -> None:
    """Raises Foreign when the current request was sent to another name."""
    hosts = hosts_of(current_app)
    asked_by, target = request.environ.get("HTTP_HOST"), request.environ.get("RAW_URI", "")
    named = [request.environ.get(ORIGINAL, {}).get("HTTP_HOST", asked_by)]
    if hosts.are_named:
        named.append(asked_by)
    if not target.startswith(("/", "*")):
        # One that names a host itself counts for more than `Host`, for whoever stands between.
        named.append(urlsplit(target).netloc or None)
    for host in named:
        # Browsers always name a host; a program that does not is no browser's.
        if host is not None and not hosts.has(host):
            raise Foreign(
                f"This server does not answer to the name {host[:_LONGEST_SHOWN]!r}."
                " If that is its name, add it to EVA01_HOSTS (without the port) and start the server again.",
                code=Code.UNKNOWN_HOST,
            )
