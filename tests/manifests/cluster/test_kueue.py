"""Quota by Kueue: each worker's queue is there, covers what a worker asks for, and has room for the fleet."""

from collections.abc import Iterator, Mapping

from tests.manifests.rendering import Object, containers, name_of, of_kind, owners, render
from tests.manifests.test_admission import quantity

FOLDER = "tests/kueue"
QUEUE = "kueue.x-k8s.io/queue-name"


def named(kind: str) -> Mapping[str, Object]:
    """Objects of a kind, by name."""
    return {one["metadata"]["name"]: one for one in of_kind(render(FOLDER), kind)}


def queued() -> Iterator[tuple[str, Object, Object]]:
    """Each owner of pods with a queue: its name, the template, the quota of its queue by resource."""
    for owner, pod in owners(render(FOLDER)):
        if queue := owner["metadata"]["labels"].get(QUEUE):
            local = named("LocalQueue")[queue]
            assert local["metadata"]["namespace"] == owner["metadata"]["namespace"]
            spec = named("ClusterQueue")[local["spec"]["clusterQueue"]]["spec"]
            assert spec["namespaceSelector"]["matchLabels"] == {
                "kubernetes.io/metadata.name": owner["metadata"]["namespace"]
            }
            (group,) = spec["resourceGroups"]
            (flavor,) = group["flavors"]
            assert flavor["name"] in named("ResourceFlavor")
            assert group["coveredResources"] == [one["name"] for one in flavor["resources"]]
            yield name_of(owner), pod, {one["name"]: one for one in flavor["resources"]}


def test_workers_have_a_queue_and_nothing_else_has():
    # What is queued waits for quota: web, Redis and the upkeep must not.
    assert {name for name, _, _ in queued()} == {"Deployment/worker-qwen2-5-vl-7b", "Deployment/worker-ocr"}


def test_a_queue_covers_all_that_its_workers_ask_for():
    for name, pod, quota in queued():
        asked = {resource for one in containers(pod) for resource in one["resources"]["requests"]}
        assert asked == set(quota), name


def test_with_what_it_may_borrow_a_queue_has_room_for_the_whole_fleet():
    most = {
        name_of_target(one): one["spec"]["maxReplicaCount"] for one in of_kind(render(FOLDER), "ScaledObject")
    }
    for name, pod, quota in queued():
        (container,) = containers(pod)
        for resource, asked in container["resources"]["requests"].items():
            room = quantity(quota[resource]["nominalQuota"]) + quantity(quota[resource]["borrowingLimit"])
            assert room == most[name] * quantity(asked), f"{name}: {resource}"


def test_a_rollout_asks_for_no_more_than_the_quota():
    for owner, _ in owners(render(FOLDER)):
        if QUEUE in owner["metadata"]["labels"]:
            assert owner["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0, name_of(owner)


def name_of_target(fleet: Object) -> str:
    """What a ScaledObject scales."""
    return f"Deployment/{fleet['spec']['scaleTargetRef']['name']}"


def test_queues_of_one_cohort_get_back_what_they_lent():
    specs = [one["spec"] for one in named("ClusterQueue").values()]
    assert {spec["cohortName"] for spec in specs} == {"gpus"}
    assert {spec["preemption"]["reclaimWithinCohort"] for spec in specs} == {"Any"}
