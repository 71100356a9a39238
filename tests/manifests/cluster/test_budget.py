"""The brake on a day's GPU-hours, as KEDA's own language reads the formula with everything around it."""

import math

import pytest

from tests.manifests.formulas import golem, value
from tests.manifests.rendering import Object, of_kind, render

FOLDER = "tests/triggers"


def fleet() -> Object:
    """The fleet that pays for GPUs."""
    (found,) = (
        one["spec"]
        for one in of_kind(render(FOLDER), "ScaledObject")
        if one["metadata"]["name"] == "worker-qwen2-5-vl-7b"
    )
    return found


def wish(**known: float | None) -> int | None:
    """How many workers the formula asks for; None for nil. Triggers read 0, but for what is said."""
    said = {trigger["name"]: 0.0 for trigger in fleet()["triggers"]}
    modifiers = fleet()["advanced"]["scalingModifiers"]
    # As many as may come at once, where the fleet has a brake on that, too.
    found = value(modifiers["formula"], said | {name: 50.0 for name in ("ready",) if name in said} | known)
    return None if found is None else math.ceil(found / int(modifiers["target"]))


@pytest.mark.parametrize("spent", [0, 0.5, 0.999, None])
def test_within_the_budget_and_while_nobody_knows_the_queue_has_its_say(spent):
    assert wish(bulk=1000, spent=spent) == 9
    assert wish(bulk=1, spent=spent) == 1


@pytest.mark.parametrize("spent", [1, 1.7, 90])
def test_when_the_budget_is_used_up_one_worker_is_left(spent):
    assert wish(bulk=1000, spent=spent) == 1
    assert wish(held=320, spent=spent) == 1
    assert wish(bulk=1000, gpu=50, latency=50, peak=50, forecast=90_000, spent=spent) == 1


def test_without_a_job_no_worker_is_wanted_whatever_was_spent():
    for spent in (0, 2, None):
        assert wish(spent=spent) == 0


def test_without_redis_there_is_no_telling():
    away = dict.fromkeys(("interactive", "bulk", "held"))
    assert wish(**away, spent=2) is None


@pytest.mark.parametrize("one", ["interactive", "bulk", "ready"])
def test_where_one_length_alone_cannot_be_read_there_is_no_metric(one):
    with pytest.raises(golem.EvalError):
        wish(**{one: None, "spent": 0.0})


def test_the_brake_is_around_all_other_terms():
    formula = fleet()["advanced"]["scalingModifiers"]["formula"]
    assert formula.startswith("held == nil ? nil : min((spent ?? 0.0) >= 1.0 ? ")
    assert formula.count("spent") == 1
