"""What every pod must say: probes, limits, how little it may, and how it stops."""

from collections.abc import Iterator

import pytest

from tests.manifests.rendering import (
    LASTING,
    Object,
    containers,
    environment,
    name_of,
    namespace_of,
    of_kind,
    ours,
    owners,
    render,
    whole_folders,
)
from web.server import _GRACE_S as WEB_GRACE_S
from worker.drain import _GRACE_S as WORKER_GRACE_S

#: Third-party programs that need more privileges on the node, and why.
PRIVILEGED = {
    "nvidia-device-plugin": "gives the node's GPUs to the kubelet through its socket, which is root's",
    "dcgm-exporter": "asks the kubelet through its socket, which is root's, who has which GPU",
    "folder": "hands a node's folder, which the kubelet made as root's, to the user of all others",
}
#: Images without a port or a shell, so that no probe is possible.
SILENT = {
    "registry.k8s.io/pause": "sleeps",
    "nvcr.io/nvidia/k8s-device-plugin": "is called by the kubelet through its socket, and ends when it fails",
}

pytestmark = pytest.mark.parametrize("folder", whole_folders())


def pods(folder: str) -> Iterator[tuple[str, Object, Object]]:
    """Each object that owns pods: its name, itself, its template."""
    for owner, pod in owners(render(folder)):
        yield name_of(owner), owner, pod


def lasting(folder: str) -> Iterator[tuple[str, Object, str]]:
    """Each container of pods that run without an end: its name, itself, its namespace."""
    for name, owner, pod in pods(folder):
        if owner["kind"] in LASTING:
            for container in pod["spec"]["containers"]:
                yield f"{name}/{container['name']}", container, owner["metadata"]["namespace"]


def every(folder: str) -> Iterator[tuple[str, Object, Object]]:
    """Each container: its name, itself, its pod's template."""
    for name, _, pod in pods(folder):
        for container in containers(pod):
            yield f"{name}/{container['name']}", container, pod


def test_every_container_that_lives_on_has_probes(folder):
    for name, container, namespace in lasting(folder):
        if container["image"].partition("@")[0].rpartition(":")[0] in SILENT:
            continue
        assert "livenessProbe" in container, name
        # Programs in the cluster's own namespaces serve no requests, so they need no readiness.
        if namespace == namespace_of(folder):
            assert {"startupProbe", "readinessProbe"} <= set(container), name


def test_every_container_has_requests_and_limits(folder):
    for name, container, _ in every(folder):
        resources = container.get("resources", {})
        assert {"cpu", "memory"} <= set(resources.get("requests", ())), name
        assert {"cpu", "memory"} <= set(resources.get("limits", ())), name


def test_every_container_may_as_little_as_possible(folder):
    for name, container, pod in every(folder):
        may = container.get("securityContext", {})
        around = pod["spec"].get("securityContext", {})
        assert may.get("readOnlyRootFilesystem") is True, name
        assert may.get("allowPrivilegeEscalation") is False, name
        assert may["capabilities"]["drop"] == ["ALL"], name
        assert {**around, **may}["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not any(pod["spec"].get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC")), name
        if container["name"] not in PRIVILEGED:
            assert may["capabilities"] == {"drop": ["ALL"]}, name
            assert {**around, **may}["runAsNonRoot"] is True, name


def test_every_image_has_a_tag_that_stays(folder):
    for name, container, _ in every(folder):
        _, colon, tag = container["image"].rpartition(":")
        assert colon, f"{name}: {container['image']}"
        assert "/" not in tag, f"{name}: {container['image']}"
        assert tag != "latest", f"{name}: {container['image']}"


def test_ours_mount_a_token_only_for_the_role(folder):
    for name, owner, pod in pods(folder):
        if not any(ours(container) for container in containers(pod)):
            continue
        is_worker = owner["metadata"]["labels"]["app.kubernetes.io/component"] == "worker"
        assert pod["spec"]["automountServiceAccountToken"] is is_worker, name
        assert pod["spec"]["enableServiceLinks"] is False, name


def test_workers_have_longer_to_stop_than_their_drain_takes(folder):
    objects = render(folder)
    for name, container, pod in every(folder):
        variables = environment(container, objects) if ours(container) else {}
        if "--model" not in container.get("args", ()):
            continue
        needed_s = float(variables["EVA01_DRAIN_S"]) + WORKER_GRACE_S
        assert pod["spec"]["terminationGracePeriodSeconds"] > needed_s + 5, name


def test_web_has_longer_to_stop_than_its_requests_take(folder):
    for name, _, pod in pods(folder):
        if name != "Deployment/web":
            continue
        (container,) = pod["spec"]["containers"]
        pause_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["spec"]["terminationGracePeriodSeconds"] > pause_s + WEB_GRACE_S, name


def test_an_update_takes_no_gpu_that_is_not_there(folder):
    for name, owner, pod in pods(folder):
        gpus = [
            container for container in containers(pod) if "nvidia.com/gpu" in container["resources"]["limits"]
        ]
        if gpus and ours(gpus[0]):
            update = owner["spec"]["strategy"]["rollingUpdate"]
            assert update == {"maxSurge": 0, "maxUnavailable": "25%"}, name
            assert len(gpus) == 1, name
            assert gpus[0]["resources"]["limits"]["nvidia.com/gpu"] == "1", name


def test_a_large_fleet_is_updated_by_more_than_one_worker_at_a_time(folder):
    for name, owner, pod in pods(folder):
        if owner["metadata"]["labels"]["app.kubernetes.io/component"] == "worker":
            update = owner["spec"]["strategy"]["rollingUpdate"]
            assert sorted(map(str, update.values())) == ["0", "25%"], name
            delay = pod["metadata"]["annotations"].get("cluster-autoscaler.kubernetes.io/pod-scale-up-delay")
            # A successor waits for no longer than this for its GPU.
            assert delay is None or int(delay.rstrip("s")) > pod["spec"]["terminationGracePeriodSeconds"]


def test_a_pod_that_is_not_ready_keeps_no_node_from_being_drained(folder):
    budgets = of_kind(render(folder), "PodDisruptionBudget")
    assert budgets
    for budget in budgets:
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow", name_of(budget)
        assert budget["spec"]["maxUnavailable"] == 1, name_of(budget)
