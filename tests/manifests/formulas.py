"""What KEDA makes of a formula, by the expression language that it uses."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

golem = pytest.importorskip("golem", reason="enchanter-golem has no wheel for this machine")


@cache
def _engine(names: tuple[str, ...]) -> Any:
    return golem.Engine(variables=dict.fromkeys(names, 0.0))


def value(formula: str, readings: Mapping[str, float | None]) -> float | None:
    """A formula's value where its triggers read these; None is a trigger that failed, or a value that is nil.

    KEDA gives each reading as a float64, and takes nothing else for the value: a whole number would end it.
    """
    data = {name: None if number is None else float(number) for name, number in readings.items()}
    found = _engine(tuple(sorted(data))).eval(formula, data)
    assert found is None or isinstance(found, float), f"{formula} is {found!r}"
    return found
