"""Whoever guesses keys is held up, by the address they come from; a right key is let through all the same.

Others may share the address. Where Redis cannot count, nobody is held up.
"""

import ipaddress
import logging

import redis
from flask import request

from jobs.contract.errors import TooManyWrongKeys
from web.services import services

_log = logging.getLogger(__name__)

#: Of an IPv6 address, the bits that one customer of a provider has for themselves.
_IPV6_BITS = 64


def count_wrong_key() -> None:
    """Note that the address of the current request has sent a key that is none.

    Raises TooManyWrongKeys when it has sent too many of late.
    """
    limit = services().web.wrong_keys_per_min
    try:
        wait_s = services().attempts.note(_network(request.remote_addr or ""), limit)
    except redis.RedisError as error:
        _log.debug("Nobody is held up: %s", error)
        return
    if wait_s:
        raise TooManyWrongKeys(
            f"Your address has sent more than {limit} wrong keys in a minute (EVA01_WRONG_KEYS_PER_MIN)."
            " Check the key, then wait.",
            retry_after_s=wait_s,
        )


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, _IPV6_BITS), strict=False)) if ip.version == 6 else address
