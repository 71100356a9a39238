"""Hosts as they stand in addresses and in settings: a name, or an IP address; both may have a port.

photos.example.org:8000 ──► photos.example.org, 8000
[::1]                   ──► ::1, None
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

#: ASCII alone: browsers send a name in other letters as Punycode. A port may be empty (RFC 3986, 3.2.3).
_HOST = re.compile(
    r"(\[[0-9a-f:.]+\]|[a-z0-9_-](?:[a-z0-9_.-]*[a-z0-9_-])?)\.?(?::([0-9]{0,5}))?", re.ASCII | re.IGNORECASE
)


def split_host(text: str) -> tuple[str, int | None] | None:
    """The name or address in `text`, in lower case and without brackets, and the port.

    None when it is neither.
    """
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    name, port = found.groups()
    return name.strip("[]").lower(), int(port) if port else None


def is_host(text: str) -> bool:
    """True for a name or an address without a port."""
    return address_of(text) is not None or (":" not in text and split_host(text) is not None)


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a name is; None for one that has to be looked up."""
    try:
        address = ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(name: str) -> bool:
    """True for a name or an address by which nobody but this machine is reached."""
    address = address_of(name.strip("[]"))
    return name.lower() == "localhost" if address is None else address.is_loopback
