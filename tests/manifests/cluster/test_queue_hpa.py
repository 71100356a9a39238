"""The queue for plain autoscalers: KEDA's numbers and formula, by a metric that is served."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.expressions import adapter_rules
from tests.manifests.formulas import value
from tests.manifests.promtool import WISHED, promtool, rules_of, write_rules
from tests.manifests.rendering import Object, of_kind, render, used_by, whole_folders

#: What an autoscaler asks for.
WISH = "eva01_wished_jobs"
#: Waiting, held, ready of late: nothing, a first job, floods, full workers, a Redis that was emptied.
QUEUES = [
    *itertools.product((0, 1, 119, 121, 1000, 90_000), (0, 1, 33, 246), (0, 1, 2, 8)),
    *((0, 320, 10), (3000, 320, 10), (0, 320, 0), (500, 288, 9)),
]


def autoscalers() -> dict[str, Object]:
    """What scales each model's workers, by model."""
    found = of_kind(render(WISHED), "HorizontalPodAutoscaler")
    return {
        one["metadata"]["labels"]["eva01.dev/model"]: one["spec"]
        for one in found
        if "eva01.dev/model" in one["metadata"]["labels"]
    }


def fleets() -> dict[str, Object]:
    """The same by KEDA, as k8s/keda has it."""
    return {
        one["metadata"]["labels"]["eva01.dev/model"]: one for one in of_kind(render("keda"), "ScaledObject")
    }


def modifiers(model: str) -> dict[str, str]:
    """KEDA's formula for a model, and its target."""
    found: dict[str, str] = fleets()[model]["spec"]["advanced"]["scalingModifiers"]
    return found


def numbers(name: str) -> dict[str, int]:
    """A number that the rules know of each model."""
    (group,) = (
        one["spec"]["groups"][0] for one in rules_of(WISHED) if one["metadata"]["name"] == "eva01-wish"
    )
    return {
        rule["labels"]["model"]: int(rule["expr"].removeprefix("vector(").removesuffix(")"))
        for rule in group["rules"]
        if rule["record"] == f"model:eva01_{name}"
    }


def test_every_fleet_of_keda_has_one():
    assert set(autoscalers()) == set(fleets())


@pytest.mark.parametrize("model", sorted(fleets()))
def test_its_numbers_are_those_of_keda(model):
    mine, keda = autoscalers()[model], fleets()[model]
    (metric,) = (one["external"] for one in mine["metrics"] if one["type"] == "External")
    assert metric == {
        "metric": {"name": WISH, "selector": {"matchLabels": {"model": model}}},
        "target": {"type": "AverageValue", "averageValue": modifiers(model)["target"]},
    }
    assert mine["behavior"] == keda["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert mine["minReplicas"] == keda["spec"]["minReplicaCount"]
    assert mine["maxReplicas"] == keda["spec"]["maxReplicaCount"]
    assert mine["scaleTargetRef"] == keda["spec"]["scaleTargetRef"]


def test_the_rules_know_the_numbers_of_every_fleet():
    said = {model: one["metadata"]["annotations"] for model, one in fleets().items()}
    assert numbers("target_jobs") == {model: int(modifiers(model)["target"]) for model in fleets()}
    assert numbers("slots") == {model: int(one["eva01.dev/slots"]) for model, one in said.items()}
    assert numbers("first_workers") == {
        model: int(one["eva01.dev/first-workers"]) for model, one in said.items()
    }


def by_keda(model: str, waiting: int, held: int, ready: int) -> float:
    """What KEDA makes of a queue, in jobs."""
    readings = {"interactive": 0, "bulk": waiting, "held": held, "ready": ready}
    found = value(modifiers(model)["formula"], readings)
    assert found is not None
    return found


def minutes(model: str) -> dict[str, Any]:
    """Every queue of `QUEUES`, a minute each, and that the rules make of it what KEDA does."""
    whose = f'namespace="eva01", model="{model}"'
    columns = {
        f'eva01_queue_jobs{{queue="bulk", {whose}}}': 0,
        f"eva01_held_jobs{{{whose}}}": 1,
        f"eva01_ready_workers_of_late{{{whose}}}": 2,
    }
    series = [
        {"series": name, "values": " ".join(str(queue[place]) for queue in QUEUES)}
        for name, place in columns.items()
    ]
    looks = [
        {
            "expr": f"model:{WISH}",
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": f"model:{WISH}{{{whose}}}", "value": by_keda(model, *queue)}],
        }
        for minute, queue in enumerate(QUEUES)
    ]
    # Web cannot reach Redis: nobody knows what is open.
    looks.append({"expr": f"model:{WISH}", "eval_time": f"{len(QUEUES) + 10}m", "exp_samples": []})
    return {"name": model, "interval": "1m", "input_series": series, "promql_expr_test": looks}


def test_the_wish_is_what_kedas_formula_says_of_every_queue_and_of_none_nothing(tmp_path: Path):
    files = write_rules(tmp_path, WISHED)
    order = [group["name"] for one in rules_of(WISHED) for group in one["spec"]["groups"]]
    case = {
        "rule_files": files,
        "evaluation_interval": "1m",
        "group_eval_order": sorted(order, key="eva01-wish".__eq__),
        "tests": [minutes(model) for model in sorted(fleets())],
    }
    (tmp_path / "wish.test.yaml").write_text(yaml.safe_dump(case))
    promtool("test", "rules", "wish.test.yaml", folder=tmp_path)


def test_a_fleet_of_which_nobody_becomes_ready_stays_at_its_first_worker():
    # The test above says that the rules do the same.
    for model in fleets():
        assert by_keda(model, 3000, 0, 0) == int(modifiers(model)["target"])


def test_the_adapter_has_the_metric_and_the_controller_may_ask_for_it():
    objects = render(WISHED)
    assert {rule["name"]["as"] for rule in adapter_rules("externalRules")} == {WISH}
    (role,) = (
        one for one in of_kind(objects, "ClusterRole") if one["metadata"]["name"] == "eva01-external-metrics"
    )
    (rule,) = role["rules"]
    assert (rule["apiGroups"], rule["resources"]) == (["external.metrics.k8s.io"], [WISH])
    assert "external.metrics.k8s.io" in {one["spec"]["group"] for one in of_kind(objects, "APIService")}


def test_an_autoscaler_is_given_the_wish_of_its_own_namespace():
    (rule,) = adapter_rules("externalRules")
    assert rule["resources"] == {"overrides": {"namespace": {"resource": "namespace"}}}


def test_a_cluster_has_one_program_for_external_metrics():
    for folder in whole_folders():
        keda, taken = of_kind(render(folder), "ScaledObject"), used_by(folder)
        assert bool(keda) is not ("components/queue-hpa" in taken), folder
