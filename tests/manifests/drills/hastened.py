"""The rules with a second for each minute, so that an alert of fifteen minutes fires in fifteen seconds."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.manifests.promtool import write_rules

#: How many times as fast as in a cluster.
HASTE = 60
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = r"(\d+)([smhd])"
#: A range with or without a step, and an offset.
_IN_EXPRESSION = re.compile(rf"(?<=[\[:]){_DURATION}(?=[\]:])|(?<=offset ){_DURATION}")
#: Limits of the settings that are lower here: what they are compared with is not hastened.
_LIMITS = {"eva01:oldest_wait_seconds:limit": "vector(10)"}


def hastened_rules(folder: Path) -> list[str]:
    """The names of the files in `folder` that have the hastened rules."""
    names = write_rules(folder)
    for name in names:
        groups = yaml.safe_load((folder / name).read_text())
        for group in groups["groups"]:
            group["rules"] = [_hastened(rule) for rule in group["rules"]]
        (folder / name).write_text(yaml.safe_dump(groups, sort_keys=False))
    return names


def _hastened(rule: dict[str, Any]) -> dict[str, Any]:
    made = rule | {"expr": _LIMITS.get(rule.get("record", ""), hasten(rule["expr"]))}
    if "for" in rule:
        made["for"] = re.sub(_DURATION, _shorter, rule["for"])
    return made


def hasten(expression: str) -> str:
    """The expression with shorter ranges and offsets.

    >>> hasten("rate(a[5m]) unless a offset 1h or sum_over_time(b[1d:30s])")
    'rate(a[5000ms]) unless a offset 60000ms or sum_over_time(b[1440000ms:500ms])'
    """
    return _IN_EXPRESSION.sub(_shorter, expression)


def _shorter(duration: re.Match[str]) -> str:
    count, unit = (found for found in duration.groups() if found)
    return f"{int(count) * _UNITS_MS[unit] // HASTE}ms"
