"""The queue for plain autoscalers: KEDA's numbers, by metrics that are served and may be asked for."""

import math

import pytest

from tests.manifests.expressions import adapter_rules
from tests.manifests.rendering import Object, environment, of_kind, owners, render, used_by, whole_folders

FOLDER = "tests/queue-hpa"


def autoscalers() -> dict[str, Object]:
    """What scales each model's workers, by model."""
    found = of_kind(render(FOLDER), "HorizontalPodAutoscaler")
    return {
        one["metadata"]["labels"]["eva01.dev/model"]: one["spec"]
        for one in found
        if "eva01.dev/model" in one["metadata"]["labels"]
    }


def fleets() -> dict[str, Object]:
    """The same by KEDA, as k8s/keda has it."""
    return {
        one["metadata"]["labels"]["eva01.dev/model"]: one["spec"]
        for one in of_kind(render("keda"), "ScaledObject")
    }


def shares(model: str) -> dict[str, int]:
    """How many jobs of each metric a worker is for."""
    found = {}
    for metric in autoscalers()[model]["metrics"]:
        assert metric["type"] == "External"
        assert metric["external"]["metric"]["selector"] == {"matchLabels": {"model": model}}
        assert metric["external"]["target"]["type"] == "AverageValue"
        found[metric["external"]["metric"]["name"]] = int(metric["external"]["target"]["averageValue"])
    return found


def wish(model: str, waiting: int, held: int) -> int:
    """How many workers a HorizontalPodAutoscaler wants: the largest of what its metrics ask for."""
    there = {"eva01_open_jobs": waiting + held, "eva01_held_jobs": held}
    return max(math.ceil(there[name] / share) for name, share in shares(model).items())


def test_every_fleet_of_keda_has_one():
    assert set(autoscalers()) == set(fleets())


@pytest.mark.parametrize("model", sorted(fleets()))
def test_its_numbers_are_those_of_keda(model):
    mine, keda = autoscalers()[model], fleets()[model]
    slots = {
        pod["metadata"]["labels"]["eva01.dev/model"]: environment(
            pod["spec"]["containers"][0], render(FOLDER)
        )
        for owner, pod in owners(render(FOLDER))
        if owner["metadata"]["labels"].get("eva01.dev/model")
    }
    assert shares(model) == {
        "eva01_open_jobs": int(keda["advanced"]["scalingModifiers"]["target"]),
        "eva01_held_jobs": int(slots[model]["EVA01_SLOTS"]),
    }
    assert mine["behavior"] == keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert (mine["minReplicas"], mine["maxReplicas"]) == (keda["minReplicaCount"], keda["maxReplicaCount"])
    assert mine["scaleTargetRef"] == keda["scaleTargetRef"]


def test_the_wish_follows_the_queue_and_spares_full_workers():
    model = "qwen2.5-vl-7b"
    assert [wish(model, waiting, 0) for waiting in (0, 1, 120, 121, 1000)] == [0, 1, 1, 2, 9]
    # Nothing waits, and seven workers have all their slots full.
    assert wish(model, 0, 7 * 32) == 7
    assert wish(model, 0, 1) == 1


def test_the_adapter_has_the_metrics_and_the_controller_may_ask_for_them():
    objects = render(FOLDER)
    asked = {name for model in autoscalers() for name in shares(model)}
    assert {rule["name"]["as"] for rule in adapter_rules("externalRules")} == asked
    (role,) = (
        one for one in of_kind(objects, "ClusterRole") if one["metadata"]["name"] == "eva01-external-metrics"
    )
    (rule,) = role["rules"]
    assert (rule["apiGroups"], set(rule["resources"])) == (["external.metrics.k8s.io"], asked)
    assert "external.metrics.k8s.io" in {one["spec"]["group"] for one in of_kind(objects, "APIService")}


def test_a_cluster_has_one_program_for_external_metrics():
    for folder in whole_folders():
        keda, taken = of_kind(render(folder), "ScaledObject"), used_by(folder)
        assert bool(keda) is not ("components/queue-hpa" in taken), folder
