"""Manifests say things as the API server does, so that a second `kubectl apply` finds nothing changed."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.manifests.rendering import Object, all_objects, name_of, of_kind, owners

#: Fields that hold quantities, by the name of what is around them; `*`: all fields there.
_QUANTITIES = {
    "requests": "*",
    "limits": "*",
    "capacity": "*",
    "minAllowed": "*",
    "maxAllowed": "*",
    "emptyDir": "sizeLimit",
    "target": "averageValue",
}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def canonical(text: str) -> str:
    """A quantity as the API server writes it: a whole number with the largest unit that leaves it whole.

    >>> [canonical(text) for text in ("1000m", "0.5", "1024Mi", "1.5Gi", "2000", "64Mi")]
    ['1', '500m', '1Gi', '1536Mi', '2k', '64Mi']
    """
    parts = re.fullmatch(r"(-?[0-9.]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|)", text)
    assert parts, f"{text} is no quantity"
    number, unit = Decimal(parts[1]), parts[2]
    if unit.endswith("i"):
        power = _BINARY.index(unit)
        while number % 1 or (power and number == 0):
            number, power = number * 1024, power - 1
        while number and number % 1024 == 0 and power + 1 < len(_BINARY):
            number, power = number / 1024, power + 1
        return f"{number:f}".partition(".")[0] + _BINARY[power]
    value = number.scaleb(_DECIMAL[unit])
    for name, power in sorted(_DECIMAL.items(), key=lambda one: -one[1]):
        scaled = value.scaleb(-power)
        if scaled % 1 == 0:
            return f"{scaled:.0f}{name}" if value else "0"
    raise AssertionError(f"{text} is finer than a quantity can be")


def quantities(thing: Any, around: str = "") -> Iterator[tuple[str, Any]]:
    """All quantities in an object, each with the name of its field."""
    if isinstance(thing, list):
        for inner in thing:
            yield from quantities(inner, around)
    elif isinstance(thing, dict):
        wanted = _QUANTITIES.get(around)
        for key, inner in thing.items():
            if wanted and not isinstance(inner, (dict, list)) and wanted in ("*", key):
                yield key, inner
            yield from quantities(inner, key)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("2000", "2k"),
        ("64Mi", "64Mi"),
    ],
)
def test_the_tests_know_how_the_server_writes_quantities(written, read):
    assert canonical(written) == read
    assert canonical(read) == read


def test_every_quantity_is_written_as_the_server_writes_it():
    seen = 0
    for thing in all_objects():
        for field, written in quantities(thing):
            # A number is a text to the server: 1 would come back as "1".
            assert isinstance(written, str), f"{name_of(thing)}: {field}: {written!r}"
            assert written == canonical(written), f"{name_of(thing)}: {field}"
            seen += 1
    assert seen > 100


def in_lists(thing: Any, name: str) -> Iterator[Any]:
    """The items of all lists of that name in an object."""
    if isinstance(thing, dict):
        for key, inner in thing.items():
            if key == name and isinstance(inner, list):
                yield from inner
            yield from in_lists(inner, name)
    elif isinstance(thing, list):
        for inner in thing:
            yield from in_lists(inner, name)


#: Lists that are compared as a whole, by kind and name, and what the server adds to an item without it.
_ADDED = (
    ("NetworkPolicy", "ports", ("protocol",)),
    ("ValidatingAdmissionPolicy", "resourceRules", ("scope",)),
    ("PodMonitor", "relabelings", ("action",)),
    ("ServiceMonitor", "relabelings", ("action",)),
    ("PodMonitor", "metricRelabelings", ("action",)),
    ("ServiceMonitor", "metricRelabelings", ("action",)),
    ("StatefulSet", "volumeClaimTemplates", ("apiVersion", "kind", "status")),
    ("Gateway", "certificateRefs", ("group", "kind")),
    ("HTTPRoute", "parentRefs", ("group", "kind")),
    ("HTTPRoute", "rules", ("matches",)),
    ("HTTPRoute", "backendRefs", ("group", "kind", "weight")),
)


def test_where_a_list_is_compared_as_a_whole_what_the_server_would_add_is_there():
    for kind, name, added in _ADDED:
        for thing in of_kind(all_objects(), kind):
            for item in in_lists(thing["spec"], name):
                assert set(added) <= set(item), f"{name_of(thing)}: {name}"
    for thing in of_kind(all_objects(), "StatefulSet"):
        for claim in thing["spec"]["volumeClaimTemplates"]:
            assert (claim["spec"]["volumeMode"], claim["status"]) == ("Filesystem", {"phase": "Pending"})


def test_nothing_is_written_that_the_server_leaves_out():
    def empty(thing: Any, path: str = "") -> Iterator[str]:
        pairs = (
            thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
        )
        for key, inner in pairs:
            if inner is None or (inner == "" and key == "value"):
                yield f"{path}.{key}"
            yield from empty(inner, f"{path}.{key}")

    core: list[Object] = [owner for owner, _ in owners(all_objects())]
    assert [f"{name_of(thing)}{path}" for thing in core for path in empty(thing)] == []
