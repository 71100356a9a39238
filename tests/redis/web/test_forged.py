"""Every key of Redis as something else, and every field of every record as nonsense: nothing breaks of it.

Whoever asks for what is broken hears a reason; what is everybody's stays, and a worker goes on.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.contract import names
from tests.forging import World

# Each kind of key is damaged, and met by some forty calls: on a busy machine that takes minutes.
pytestmark = [pytest.mark.redis, pytest.mark.timeout(400)]

#: What may stand where something else should.
NONSENSE: dict[str, Any] = {
    "empty": "",
    "a word": "x",
    "half of some JSON": "{",
    "a list": "[1]",
    "a number": "7",
    "below zero": "-1",
    "a number without end": "1e999",
    "a large number": "9" * 400,
    "nothing": "0",
    "less than any number": "-1e999",
    "the largest number": "9223372036854775807",
    "no number": "nan",
    "deep": "[" * 50_000,
    "long": "x" * 300_000,
    "no text": b"\xf0\x28\xff",
    "a zero byte": "a\0b",
    "a surrogate": '"\\ud800"',
    "null": "null",
    "an object of another version": '{"later": [1, {"a": null}]}',
}
#: Every kind of key that there is, by the name of what makes it.
KINDS = {
    name: re.compile(function(*["[^:]+"] * len(inspect.signature(function).parameters)))
    for name, function in inspect.getmembers(names, inspect.isfunction)
    if name.endswith(("_key", "_queue"))
} | {
    name: re.compile(re.escape(value))
    for name, value in vars(names).items()
    if isinstance(value, str) and value.startswith("eva01:")
}


@pytest.fixture
def world(http, services, redis_url) -> Iterator[World]:
    made = World(http, services, redis_url)
    yield made
    made.raw.close()


def test_every_key_may_be_of_another_type(world):
    broken = []
    for key in world.kinds:
        world.restore()
        is_text = world.raw.type(key) == b"string"
        world.raw.delete(key)
        world.raw.hset(key, "x", "x") if is_text else world.raw.set(key, "x")
        broken += [f"{key}: {one}" for one in world.broken()]
    assert broken == []


def test_no_kind_of_key_is_left_out_and_none_is_written_that_has_no_name(world):
    assert {name for name, shape in KINDS.items() if not any(map(shape.fullmatch, world.keys))} == set()
    assert world.broken() == []
    keys = {*world.keys, *(key.decode() for key in world.raw.scan_iter())}
    assert {key for key in keys if not any(shape.fullmatch(key) for shape in KINDS.values())} == set()


def test_every_list_and_set_may_have_members_that_are_none_of_ours(world):
    add = {
        b"list": lambda key, member: world.raw.lpush(key, member),
        b"set": lambda key, member: world.raw.sadd(key, member),
        b"zset": lambda key, member: world.raw.zadd(
            key, {member: float("-inf"), member + b"2": float("inf")}
        ),
    }
    broken = []
    for key in world.kinds:
        if (kind := world.raw.type(key)) in add:
            world.restore()
            for member in (b"x", b"", b"\xff\xfe", b"0" * 32, b"../../etc/passwd"):
                add[kind](key, member)
            broken += [f"{key}: {one}" for one in world.broken()]
    assert broken == []


def test_every_field_may_be_nonsense(world):
    damage = st.tuples(st.sampled_from(world.places), st.sampled_from([None, *NONSENSE.values()]))

    @settings(max_examples=12, derandomize=True, deadline=None, database=None)
    @given(st.lists(damage, min_size=1, max_size=5, unique_by=lambda one: one[0][:2]))
    def nothing_breaks(damages):
        world.restore()
        for place, value in damages:
            world.damage(place, value)
        assert world.broken() == []

    nothing_breaks()
