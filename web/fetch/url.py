"""An address of an image, read once: what is compared with the list is what is looked up and asked.

https://BÜCHER.example:443/a%20b.png?size=1#top ──► xn--bcher-kva.example, 443, /a%20b.png?size=1
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Self
from urllib.parse import unquote

import httpx2

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.hosts import address_of, split_host

#: Characters of an address as it is asked for; those that buckets sign have some hundreds.
LONGEST_URL = 8192
HTTPS_PORT = 443
#: Characters of a host: DNS has no longer names, and it is part of messages.
_LONGEST_HOST = 253
#: Characters of what is no address that are shown.
_SHOWN = 100
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:/*")
#: A last label by which a host is an IPv4 address, in any of the ways in which C reads them.
_NUMERIC = re.compile(r"^(0x[0-9a-f]*|[0-9]+)$")


@dataclass(frozen=True)
class Url:
    """Where an image is, by https."""

    #: A name in ASCII and lower case, or an IP address as it is usually written.
    host: str
    port: int
    #: Path and query, as they are asked for.
    target: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises BadInput (`bad_url`)."""
        if (length := _length(text)) > LONGEST_URL:
            raise _bad(f"The address has {length:,} characters; the limit is {LONGEST_URL:,}.")
        if "@" in (place := _place(text)):
            raise _with_user(place.rpartition("@")[2][:_LONGEST_HOST])
        try:
            return cls._of(httpx2.URL(text.strip()))
        except (httpx2.InvalidURL, ValueError) as error:
            raise _bad("This is no address. Write one as https://images.example.org/a.png.") from error

    def join(self, location: str) -> Self:
        """Where a redirect leads; raises BadInput (`bad_url`)."""
        if (length := _length(location)) > LONGEST_URL:
            raise _bad(f"It has {length:,} characters; the limit is {LONGEST_URL:,}.")
        try:
            return self._of(httpx2.URL(str(self)).join(location))
        except (httpx2.InvalidURL, ValueError) as error:
            raise _bad("It is none.") from error

    def __str__(self) -> str:
        return f"https://{self._bracketed}:{self.port}{self.target}"

    @property
    def host_header(self) -> str:
        """The host as a request names it."""
        return self._bracketed if self.port == HTTPS_PORT else f"{self._bracketed}:{self.port}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @classmethod
    def _of(cls, url: httpx2.URL) -> Self:
        host = _canonical(url.raw_host.decode("ascii"))
        if not 0 < len(host) <= _LONGEST_HOST:
            raise _bad("This is no address with a host. Write one as https://images.example.org/a.png.")
        if url.scheme != "https":
            raise _bad(f"The address of {host} does not begin with https://, and others are not fetched.")
        if url.userinfo:
            raise _with_user(host)
        return cls(host, HTTPS_PORT if url.port is None else url.port, url.raw_path.decode("ascii"))


def name_of(text: str) -> str:
    """What the image at an address is called: its host and path.

    What else is in an address may be a secret: a password, or the signature by which a bucket gives it.
    """
    rest = re.split(r"[?#]", _SCHEME.sub("", text.strip()), maxsplit=1)[0]
    try:
        host = Url.read(text).host
    except BadInput:
        return rest.rpartition("@")[2][:_SHOWN]
    return f"{host}/{unquote(rest.partition('/')[2], errors='replace')}".rstrip("/")


def _length(text: str) -> int:
    """Characters of an address as it is asked for, where others than ASCII's are three for each byte."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace")) * 3 - 2 * _ascii_in(text)


def _ascii_in(text: str) -> int:
    return len(text.encode("ascii", "ignore"))


def _place(text: str) -> str:
    """What stands before an address's path."""
    return re.split(r"[/\\?#]", _SCHEME.sub("", text.strip()), maxsplit=1)[0]


def _with_user(host: str) -> BadInput:
    return _bad(f"The address of {host} has a user or a password before the host. Leave them out.")


def _canonical(host: str) -> str:
    """The host without a last dot; "" for what is no name and no address.

    Raises ValueError for what is nearly an IPv4 address.
    """
    if ":" in host:
        # A zone belongs to one machine's network, and to none that is public.
        address = None if "%" in host else address_of(host)
        return str(address) if address else ""
    named = split_host(host)
    name = named[0] if named else ""
    # As the system reads it: 0x7f.1 and 2130706433 are 127.0.0.1 as well.
    return str(IPv4Address(_packed(name))) if _NUMERIC.match(name.rpartition(".")[2]) else name


def _packed(host: str) -> bytes:
    try:
        return socket.inet_aton(host)
    except OSError as error:
        raise ValueError("no IPv4 address") from error


def _bad(message: str) -> BadInput:
    return BadInput(message, code=Code.BAD_URL)
