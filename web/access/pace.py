"""How often callers may ask, and how often an address may try keys that are none.

Where Redis cannot count, nobody is held up; what needs Redis fails by itself.
"""

import ipaddress
import logging
import math
from typing import cast

import redis
from flask import request

from jobs.contract.access.owners import Caller
from jobs.contract.errors import QuotaExceeded, TooManyWrongKeys
from jobs.contract.hosts import address_of
from jobs.storage.access.pace import Paced
from web.services import services

_log = logging.getLogger(__name__)

_MINUTE_S = 60
#: In the environment of a request that is counted: as whose, and what came of it.
_COUNTED = "eva01.counted"
#: Of an IPv6 address, the bits that one customer of a provider has for themselves.
_IPV6_BITS = 64


def count_request(caller: Caller) -> Paced | None:
    """Note that a caller asks; gives how much they may ask besides, None where nothing limits or counts it.

    Raises QuotaExceeded when they ask too often.
    """
    rate = caller.quotas.requests_per_s
    if not rate:
        return None
    paced = _counted(f"ask {caller.name}", rate, rate)
    if paced and paced.wait_s > 0:
        raise QuotaExceeded("requests_per_s", rate, rate, renews_s=paced.wait_s)
    return paced


def check_tries() -> None:
    """Look whether the address of the current request may try a key that is not known.

    Raises TooManyWrongKeys.
    """
    limit = services().web.wrong_keys_per_min
    if _is_counted(_address()):
        return
    try:
        _hold_up(services().pace.look(_address(), rate_per_s=limit / _MINUTE_S, burst=limit))
    except redis.RedisError as error:
        _log.debug("Nobody is held up: %s", error)


def count_wrong_key() -> None:
    """Note that the address of the current request has sent a key that is none.

    Raises TooManyWrongKeys when it has sent too many of late.
    """
    limit = services().web.wrong_keys_per_min
    _hold_up(_counted(_address(), limit / _MINUTE_S, limit))


def _hold_up(paced: Paced | None) -> None:
    if paced and paced.wait_s > 0:
        limit = services().web.wrong_keys_per_min
        raise TooManyWrongKeys(
            f"More than {limit} wrong keys, or sign-ins that failed, came from your address in a minute"
            " (EVA01_WRONG_KEYS_PER_MIN). Check the key, then wait.",
            retry_after_s=math.ceil(paced.wait_s),
        )


def _counted(who: str, rate_per_s: float, burst: float) -> Paced | None:
    if not _is_counted(who):
        try:
            paced = services().pace.take(who, rate_per_s=rate_per_s, burst=burst)
        except redis.RedisError as error:
            _log.debug("Nobody is held up: %s", error)
            return None
        request.environ[_COUNTED] = who, paced
    return cast(Paced, request.environ[_COUNTED][1])


def _is_counted(who: str) -> bool:
    """True for the second look at a request whose head was looked at before its body was taken."""
    return _COUNTED in request.environ and request.environ[_COUNTED][0] == who


def _address() -> str:
    """The address of the current request, as one that tries keys."""
    ip = address_of(request.remote_addr or "")
    if ip is None or ip.version == 4:
        return f"try {ip or request.remote_addr}"
    return f"try {ipaddress.ip_network((ip, _IPV6_BITS), strict=False)}"
