"""What is said when work would pass a quota: which one, what is left of it, and when it renews."""

from collections.abc import Sequence

from jobs.contract.access.owners import Quotas
from jobs.contract.errors import QuotaExceeded
from jobs.contract.models import Job

#: Seconds of a day, which begins and ends in UTC.
DAY_S = 24 * 3600
#: Seconds after which some of an owner's open jobs may have come to an end.
_OPEN_WAIT_S = 10.0
#: Quotas that the scripts know (jobs/storage/lua/lib/usage.lua).
_KEPT_BY_SCRIPTS = {"open_jobs", "images_per_day", "device_s_per_day"}


def as_json(quotas: Quotas | None) -> str:
    """Quotas as the scripts want them."""
    return quotas.model_dump_json(include=_KEPT_BY_SCRIPTS, exclude_none=True) if quotas else "{}"


def exceeded(
    quotas: Quotas, passed: Sequence[str], now_s: float, made: Sequence[tuple[Job, bool]] = ()
) -> QuotaExceeded:
    """What a script says that found a quota passed: its name, and what is taken of it.

    `now_s` is in Unix seconds; `made` are the jobs that were made before it came so far.
    """
    name, used = passed
    renews_s = _OPEN_WAIT_S if name == "open_jobs" else DAY_S - now_s % DAY_S
    return QuotaExceeded(name, getattr(quotas, name), float(used), renews_s=renews_s, made=made)
