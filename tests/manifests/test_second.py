"""Two installations in one cluster: each reads its own Redis, and they share no object."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.manifests.promtool import SECOND
from tests.manifests.rendering import ROOT, Object, name_of, of_kind, render, render_at
from tests.manifests.test_scaling import redis_of_triggers, redis_of_workers, values
from tests.manifests.test_wiring import CLUSTER_WIDE

NAMESPACE = "eva01-second"


def identity(thing: Object) -> tuple[str, str, str]:
    """What the API server tells an object by."""
    return thing["kind"], thing["metadata"].get("namespace", ""), thing["metadata"]["name"]


@pytest.mark.parametrize("other", ["overlays/aws", "overlays/local"])
def test_it_shares_no_object_with_another_installation(other):
    assert set(map(identity, render(SECOND))) & set(map(identity, render(other))) == set()


def test_all_of_it_is_in_its_namespace():
    for thing in render(SECOND):
        assert thing["metadata"].get("namespace") == (None if thing["kind"] in CLUSTER_WIDE else NAMESPACE), (
            name_of(thing)
        )
        if thing["kind"] in CLUSTER_WIDE:
            assert thing["metadata"]["name"].startswith(NAMESPACE)


def test_nothing_in_it_names_the_other_namespace():
    for thing in render(SECOND):
        for path, text in values(thing):
            assert not re.search(r"\.eva01(\.svc|$)", str(text)), f"{name_of(thing)}{path}: {text}"
            if path.endswith(("namespace", "metadata.name")):
                assert text != "eva01", f"{name_of(thing)}{path}"


def test_its_policy_holds_in_its_namespace():
    (binding,) = of_kind(render(SECOND), "ValidatingAdmissionPolicyBinding")
    (policy,) = of_kind(render(SECOND), "ValidatingAdmissionPolicy")
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    selector = binding["spec"]["matchResources"]["namespaceSelector"]
    assert selector == {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}


def test_its_limits_are_its_own_and_its_rules_are_the_clusters():
    (rules,) = of_kind(render(SECOND), "PrometheusRule")
    assert rules["metadata"]["name"] == "eva01-settings"
    found = {rule["record"]: rule["labels"] for group in rules["spec"]["groups"] for rule in group["rules"]}
    assert "eva01:installation" in found
    assert all(labels == {"namespace": NAMESPACE} for labels in found.values())


def test_its_metrics_are_asked_for():
    def monitors(folder: str) -> set[tuple[str, str]]:
        found = of_kind(render(folder), "ServiceMonitor", "PodMonitor")
        return {
            (one["kind"], one["metadata"]["name"])
            for one in found
            if one["metadata"]["namespace"] != "kube-system"
        }

    assert monitors(SECOND) == monitors("overlays/aws")


@pytest.fixture
def copy(tmp_path) -> Path:
    """The manifests, to be changed as people do."""
    return Path(shutil.copytree(ROOT, tmp_path / "k8s"))


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_the_namespace_is_said_once(copy):
    change(copy / SECOND / "installation" / "kustomization.yaml", NAMESPACE, "pictures")
    objects = render_at(copy / SECOND)
    assert set(redis_of_triggers(objects)) == {("redis.pictures.svc.cluster.local", 6379, 0, False)}
    assert NAMESPACE not in json.dumps(objects)


def asking_prometheus() -> list[str]:
    """The components with a trigger that asks Prometheus."""
    found = (ROOT / "components").glob("*/trigger.yaml")
    return sorted(
        path.parent.name
        for path in found
        if yaml.safe_load(path.read_text())[0]["value"]["type"] == "prometheus"
    )


@pytest.mark.parametrize("component", asking_prometheus())
def test_a_trigger_asks_prometheus_about_its_own_installation(copy, component):
    inner = copy / SECOND / "installation" / "kustomization.yaml"
    taken = "  - ../../../components/monitoring/installation\n"
    change(inner, taken, f"{taken}  - ../../../components/{component}\n")
    (query,) = (
        trigger["metadata"]["query"]
        for fleet in of_kind(render_at(copy / SECOND), "ScaledObject")
        for trigger in fleet["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    )
    assert re.findall(r'namespace="([^"]*)"', query) == [NAMESPACE]


def test_a_first_installation_elsewhere_is_watched_as_one_in_eva01(copy):
    inner = copy / SECOND / "installation" / "kustomization.yaml"
    change(inner, "components/monitoring/installation", "components/monitoring")
    for thing in of_kind(render_at(copy / SECOND), "PrometheusRule"):
        assert thing["metadata"]["namespace"] == NAMESPACE
        assert "eva01" not in {text for path, text in values(thing) if path.endswith("namespace")}


@pytest.mark.parametrize(
    "component",
    [
        "cluster-autoscaler/aws",
        "karpenter",
        "gpu-device-plugin",
        "spot",
        "prometheus-adapter",
        "dcgm-exporter",
    ],
)
def test_what_is_once_a_cluster_keeps_its_namespace_in_the_outer_folder(copy, component):
    change(
        copy / SECOND / "kustomization.yaml",
        "components:\n",
        f"components:\n  - ../../components/{component}\n",
    )
    added = set(map(identity, render_at(copy / SECOND))) - set(map(identity, render(SECOND)))
    assert added
    for kind, namespace, name in added:
        assert namespace == ("" if kind in CLUSTER_WIDE else "kube-system"), f"{kind}/{name}"


def test_the_database_of_a_redis_outside_is_said_once(copy):
    change(copy / "components" / "external-redis" / "address.yaml", ":6379/0", ":6379/3")
    objects = render_at(copy / "tests" / "external-redis")
    asked = {("redis.example.com", 6379, 3, True)}
    assert set(redis_of_triggers(objects)) == set(redis_of_workers(objects)) == asked


def test_an_address_without_a_database_is_refused(copy):
    change(copy / "components" / "external-redis" / "address.yaml", ":6379/0", ":6379")
    with pytest.raises(AssertionError, match="index 3"):
        render_at(copy / "tests" / "external-redis")


def test_another_namespace_with_a_redis_outside_moves_the_names_alone(copy):
    inner = copy / SECOND / "installation" / "kustomization.yaml"
    change(
        inner,
        "  - ../../../components/s3\n",
        "  - ../../../components/s3\n  - ../../../components/external-redis\n",
    )
    with pytest.raises(AssertionError, match="nothing selected by Service"):
        render_at(copy / SECOND)
    change(copy / SECOND / "kustomization.yaml", "components/own-namespace", "components/own-namespace/names")
    objects = render_at(copy / SECOND)
    assert set(redis_of_triggers(objects)) == {("redis.example.com", 6379, 0, True)}
    assert {one["metadata"]["name"].partition("-w")[0] for one in of_kind(objects, "PriorityClass")} >= {
        NAMESPACE
    }
