"""What an API server refuses although its schema allows it, and what a namespace's security level refuses."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.manifests.rendering import (
    Object,
    containers,
    name_of,
    namespace_of,
    of_kind,
    owners,
    render,
    whole_folders,
)
from tests.manifests.test_wiring import CLUSTER_WIDE

#: Namespaces that exist in every cluster.
OF_THE_CLUSTER = {"kube-system", "default"}
#: A name that becomes a label, or part of a pod's name, by the kind; others may have 253 characters.
LONGEST = {"CronJob": 52, "StatefulSet": 52, "Job": 63, "Deployment": 63, "DaemonSet": 63, "Service": 63}
#: KEDA's name for the HorizontalPodAutoscaler that it makes, which becomes a label too.
KEDA = "keda-hpa-{}"
#: Kinds whose names may hold colons and the like.
ROLES = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
DNS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
#: What a pod may mount at the level `restricted`.
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",  # from Kubernetes 1.33 on
    "persistentVolumeClaim",
    "projected",
    "secret",
}
#: Bytes of all annotations; `kubectl apply` keeps the whole object in one.
ANNOTATIONS_BYTES = 256 * 1024
UNITS: dict[str, str | int] = {"m": "0.001", "": "1", "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}

pytestmark = pytest.mark.parametrize("folder", whole_folders())


def quantity(text: object) -> Decimal:
    """The value of a Kubernetes quantity such as `500m`, `2` or `16Gi`."""
    parts = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text))
    assert parts is not None, f"{text} is no quantity"
    number, unit = parts.groups()
    return Decimal(number) * Decimal(UNITS[unit])


def levels(folder: str) -> dict[str, str]:
    """The pod security level of each namespace that the folder creates."""
    return {
        thing["metadata"]["name"]: thing["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for thing in of_kind(render(folder), "Namespace")
    }


def labels(folder: str) -> Iterator[tuple[str, dict[str, str]]]:
    """All labels, of objects and of pods."""
    for thing in render(folder):
        yield name_of(thing), thing["metadata"].get("labels", {})
    for owner, pod in owners(render(folder)):
        yield name_of(owner), pod["metadata"]["labels"]


def test_names_are_short_enough_for_what_is_made_of_them(folder):
    for thing in render(folder):
        name = thing["metadata"]["name"]
        assert len(name) <= LONGEST.get(thing["kind"], 253), name_of(thing)
        assert thing["kind"] in ROLES or DNS.fullmatch(name), name_of(thing)
        if thing["kind"] == "ScaledObject":
            assert len(KEDA.format(name)) <= 63, name


def test_labels_can_be_labels(folder):
    for name, pairs in labels(folder):
        for key, value in pairs.items():
            assert LABEL.fullmatch(value), f"{name}: {key}: {value}"
            assert LABEL.fullmatch(key.rpartition("/")[2]), f"{name}: {key}"


def test_every_namespace_is_made_here_or_is_in_every_cluster(folder):
    there = set(levels(folder)) | OF_THE_CLUSTER
    for thing in render(folder):
        assert thing["kind"] in CLUSTER_WIDE or thing["metadata"]["namespace"] in there, name_of(thing)


def test_every_binding_names_who_and_where_and_a_role_that_is_there(folder):
    objects = render(folder)
    roles = {(thing["kind"], thing["metadata"]["name"]) for thing in of_kind(objects, "Role", "ClusterRole")}
    # Roles that a cluster has; the second is for API servers behind the aggregation layer.
    roles |= {("ClusterRole", "system:auth-delegator"), ("Role", "extension-apiserver-authentication-reader")}
    accounts = {
        (thing["metadata"]["namespace"], thing["metadata"]["name"])
        for thing in of_kind(objects, "ServiceAccount")
    } | {("kube-system", "horizontal-pod-autoscaler")}
    for binding in of_kind(objects, "RoleBinding", "ClusterRoleBinding"):
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in roles, name_of(binding)
        for subject in binding["subjects"]:
            assert (subject["namespace"], subject["name"]) in accounts, name_of(binding)


def test_no_request_is_above_its_limit_and_gpus_are_asked_for_as_they_are_limited(folder):
    for owner, pod in owners(render(folder)):
        for container in containers(pod):
            resources = container["resources"]
            for name, wanted in resources["requests"].items():
                assert quantity(wanted) <= quantity(resources["limits"][name]), name_of(owner)
            counted = {name for name in resources["limits"] if "/" in name}
            assert all(str(resources["requests"][name]) == str(resources["limits"][name]) for name in counted)


def test_names_within_a_pod_are_unique_and_ports_short(folder):
    for owner, pod in owners(render(folder)):
        found = [container["name"] for container in containers(pod)]
        assert len(found) == len(set(found)), name_of(owner)
        ports = [port["name"] for container in containers(pod) for port in container.get("ports", ())]
        assert len(ports) == len(set(ports)), name_of(owner)
        assert all(len(port) <= 15 for port in ports), name_of(owner)
        volumes = [volume["name"] for volume in pod["spec"].get("volumes", ())]
        assert len(volumes) == len(set(volumes)), name_of(owner)
        for container in containers(pod):
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", ())]
            assert len(paths) == len(set(paths)), name_of(owner)


def test_pods_mount_no_more_than_their_namespace_allows(folder):
    restricted = {name for name, level in levels(folder).items() if level == "restricted"}
    assert namespace_of(folder) in restricted
    for owner, pod in owners(render(folder)):
        if owner["metadata"]["namespace"] in restricted:
            for volume in pod["spec"].get("volumes", ()):
                assert set(volume) - {"name"} <= VOLUMES, name_of(owner)


def test_a_job_that_is_applied_again_with_another_image_is_gone_by_then(folder):
    for job in of_kind(render(folder), "Job"):
        assert job["spec"]["ttlSecondsAfterFinished"] <= 600


def test_what_kubectl_notes_on_an_object_fits(folder):
    for thing in render(folder):
        annotations: dict[str, Any] = thing["metadata"].get("annotations", {})
        size = len(json.dumps(thing).encode()) + sum(map(len, annotations.values()))
        assert size < ANNOTATIONS_BYTES, name_of(thing)


def test_a_volume_of_many_nodes_is_claimed_as_one(folder):
    objects = render(folder)
    mounted: dict[str, list[Object]] = {}
    for owner, pod in owners(objects):
        for volume in pod["spec"].get("volumes", ()):
            if claim := volume.get("persistentVolumeClaim"):
                mounted.setdefault(claim["claimName"], []).append(owner)
    for claim in of_kind(objects, "PersistentVolumeClaim"):
        modes = claim["spec"]["accessModes"]
        # The overlay for a laptop has a single node, which may mount a volume for several pods.
        if len(mounted[claim["metadata"]["name"]]) > 1 and folder != "overlays/local":
            assert not {"ReadWriteOnce", "ReadWriteOncePod"} & set(modes), name_of(claim)
