"""How long calls take."""

import time
from collections.abc import Callable, Sequence
from statistics import quantiles


def seconds(call: Callable[[], object]) -> float:
    """The duration of one call."""
    began_s = time.perf_counter()
    call()
    return time.perf_counter() - began_s


def p99(values: Sequence[float]) -> float:
    """The 99th percentile; of one value, that one."""
    return quantiles(values, n=100, method="inclusive")[-1] if len(values) > 1 else values[0]
