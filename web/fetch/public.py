"""Which IP addresses are everybody's: what lies behind any other is somebody's inside, perhaps ours."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

#: What looks public and is not: what a cloud serves to its machines alone (Azure), what relays 6to4, and what
#: networks keep for themselves, which Python tells from one version to another.
_INSIDE4 = (IPv4Network("168.63.129.16/32"), IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))
#: All of IPv6 that is given out to the world.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
#: What is special in it: what protocols keep, such as Teredo's tunnels to IPv4, and the nearest router
#: (2001:1::1); 6to4, whose addresses have IPv4 addresses in them; examples in books.
_INSIDE6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"), IPv6Network("3fff::/20"))
#: IPv4 as a network of IPv6 alone reaches it (NAT64): the last 32 bits are the address.
_NAT64 = IPv6Network("64:ff9b::/96")
#: In the middle of an address of ISATAP, before an IPv4 address.
_ISATAP = (0x00005EFE, 0x02005EFE)
_32_BITS = 0xFFFFFFFF


def is_public(text: str) -> bool:
    """True for an address that belongs to the whole internet, and leads nowhere else in a roundabout way."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _is_public4(address) if isinstance(address, IPv4Address) else _is_public6(address)


def _is_public4(address: IPv4Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    return address.is_global and not is_special and not any(address in one for one in _INSIDE4)


def _is_public6(address: IPv6Address) -> bool:
    if address.scope_id:
        # Which of this machine's networks it is in: what is everybody's is in none.
        return False
    if address.ipv4_mapped:
        return _is_public4(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public4(IPv4Address(int(address) & _32_BITS))
    is_special = any(address in one for one in _INSIDE6) or (int(address) >> 32) & _32_BITS in _ISATAP
    return address.is_global and address in _GLOBAL_UNICAST and not is_special
