"""How often callers may ask, and how often an address may try keys that are none.

A right key is let through whatever its address has tried before: others may share the address. Where Redis
cannot count, nobody is held up; what needs Redis fails by itself.
"""

import ipaddress
import logging
import math

import redis
from flask import request

from jobs.contract.access.owners import Caller
from jobs.contract.codes import Code
from jobs.contract.errors import NotSignedIn, QuotaExceeded, TooManyWrongKeys
from web.access.caller import find_caller
from web.services import services

_log = logging.getLogger(__name__)

_MINUTE_S = 60
#: In the environment of a request that is counted: as whose.
_COUNTED = "eva01.counted"
#: Of an IPv6 address, the bits that one customer of a provider has for themselves.
_IPV6_BITS = 64


def caller_in_pace() -> Caller:
    """The caller of the current request, if they do not ask too often.

    Raises NotSignedIn, TooManyWrongKeys and QuotaExceeded.
    """
    try:
        caller = find_caller()
    except NotSignedIn as error:
        if error.code is Code.UNKNOWN_KEY:
            count_wrong_key()
        raise
    if rate := caller.quotas.requests_per_s:
        wait_s = _wait_s(f"ask {caller.name}", rate, rate)
        if wait_s > 0:
            raise QuotaExceeded("requests_per_s", rate, rate, renews_s=wait_s)
    return caller


def count_wrong_key() -> None:
    """Note that the address of the current request has sent a key that is none.

    Raises TooManyWrongKeys when it has sent too many of late.
    """
    limit = services().web.wrong_keys_per_min
    wait_s = _wait_s(f"try {_network(request.remote_addr or '')}", limit / _MINUTE_S, limit)
    if wait_s > 0:
        raise TooManyWrongKeys(
            f"Your address has sent more than {limit} wrong keys in a minute (EVA01_WRONG_KEYS_PER_MIN)."
            " Check the key, then wait.",
            retry_after_s=math.ceil(wait_s),
        )


def _wait_s(who: str, rate_per_s: float, burst: float) -> float:
    # The head of a request may be looked at before its body is taken, and again with it.
    if request.environ.get(_COUNTED) == who:
        return 0
    request.environ[_COUNTED] = who
    try:
        return services().pace.wait_s(who, rate_per_s=rate_per_s, burst=burst)
    except redis.RedisError as error:
        _log.debug("Nobody is held up: %s", error)
        return 0


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, _IPV6_BITS), strict=False)) if ip.version == 6 else address
