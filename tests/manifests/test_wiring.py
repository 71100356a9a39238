"""Every reference has its target: selectors, ports, paths, names, roles."""

from base64 import b64decode
from collections.abc import ItemsView, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from jobs.contract.models import WorkerState
from jobs.contract.settings import WebSettings
from tests import plain
from tests.manifests.rendering import (
    ROOT,
    Object,
    containers,
    name_of,
    of_kind,
    owners,
    render,
    whole_folders,
)
from worker.ops.health import HealthServer
from worker.status import Status

#: Secrets that the manifests do not create (k8s/README.md says how).
SECRETS = {"eva01-redis", "eva01-admin-key", "eva01-metrics-key", "eva01-stress-key"}
#: Those, and the default account of a namespace.
MADE_ELSEWHERE = {("Secret", name) for name in SECRETS} | {("ServiceAccount", "default")}
CLUSTER_WIDE = (
    "Namespace",
    "PriorityClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "PersistentVolume",
    "CustomResourceDefinition",
    "APIService",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "NodePool",
    "EC2NodeClass",
    "ResourceFlavor",
    "ClusterQueue",
)

each_folder = pytest.mark.parametrize("folder", whole_folders())


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """True when a selector of labels chooses them; all ours are written with matchLabels."""
    wanted = selector.get("matchLabels", selector)
    assert "matchExpressions" not in selector, selector
    return wanted.items() <= labels.items()


def pod_labels(objects: tuple[Object, ...]) -> list[Mapping[str, str]]:
    """The labels of all pods."""
    return [pod["metadata"]["labels"] for _, pod in owners(objects)]


def chosen(objects: tuple[Object, ...], service: Object) -> Iterator[Object]:
    """The pods behind a Service."""
    for _, pod in owners(objects):
        if matches(service["spec"]["selector"], pod["metadata"]["labels"]):
            yield pod


def port_names(container: Object) -> set[str]:
    """The names of a container's ports."""
    return {port["name"] for port in container.get("ports", ())}


def probes(container: Object) -> Iterator[Mapping[str, Any]]:
    """The probes by HTTP."""
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if "httpGet" in container.get(probe, {}):
            yield container[probe]["httpGet"]


@each_folder
def test_owners_choose_their_own_pods_and_nobody_elses(folder):
    objects = render(folder)
    for owner, pod in owners(objects):
        if "selector" in owner["spec"]:
            fits = [labels for labels in pod_labels(objects) if matches(owner["spec"]["selector"], labels)]
            assert fits == [pod["metadata"]["labels"]], name_of(owner)


@each_folder
def test_budgets_and_spreads_choose_their_own_pods(folder):
    objects = render(folder)
    for budget in of_kind(objects, "PodDisruptionBudget"):
        assert sum(matches(budget["spec"]["selector"], labels) for labels in pod_labels(objects)) == 1, budget
    for owner, pod in owners(objects):
        spreads = pod["spec"].get("topologySpreadConstraints", ())
        rather = pod["spec"].get("affinity", {}).get("podAntiAffinity", {})
        terms = rather.get("preferredDuringSchedulingIgnoredDuringExecution", ())
        for selector in [
            *(spread["labelSelector"] for spread in spreads),
            *(term["podAffinityTerm"]["labelSelector"] for term in terms),
        ]:
            assert matches(selector, pod["metadata"]["labels"]), name_of(owner)


@each_folder
def test_services_find_pods_and_ports(folder):
    objects = render(folder)
    for service in of_kind(objects, "Service"):
        if "selector" not in service["spec"]:
            continue
        found = list(chosen(objects, service))
        assert found, name_of(service)
        for pod in found:
            names = set().union(*(port_names(container) for container in pod["spec"]["containers"]))
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= names, name_of(service)


@each_folder
def test_monitors_find_pods_services_and_ports(folder):
    objects = render(folder)
    for monitor in of_kind(objects, "ServiceMonitor"):
        services = [
            service
            for service in of_kind(objects, "Service")
            if matches(monitor["spec"]["selector"], service["metadata"]["labels"])
        ]
        ports = {port["name"] for service in services for port in service["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports, name_of(monitor)
    for monitor in of_kind(objects, "PodMonitor"):
        pods = [
            pod
            for _, pod in owners(objects)
            if matches(monitor["spec"]["selector"], pod["metadata"]["labels"])
        ]
        assert pods, name_of(monitor)
        for pod in pods:
            names = set().union(*(port_names(container) for container in pod["spec"]["containers"]))
            wanted = {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]}
            assert wanted <= names, name_of(monitor)


@each_folder
def test_probes_ask_a_port_that_the_container_has(folder):
    for owner, pod in owners(render(folder)):
        for container in containers(pod):
            for probe in probes(container):
                assert probe["port"] in port_names(container), name_of(owner)


@each_folder
def test_what_is_named_is_there(folder):
    objects = render(folder)
    there = {(thing["kind"], thing["metadata"]["name"]) for thing in objects} | MADE_ELSEWHERE
    there |= {("PersistentVolumeClaim", name) for name in _claimed(objects)}
    for owner, pod in owners(objects):
        wanted = set(_named(pod))
        assert wanted <= there, f"{name_of(owner)}: {sorted(wanted - there)}"


@each_folder
def test_containers_mount_what_the_pod_has(folder):
    for owner, pod in owners(render(folder)):
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", ())}
        claims = {claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", ())}
        for container in containers(pod):
            mounted = {mount["name"] for mount in container.get("volumeMounts", ())}
            assert mounted <= volumes | claims, name_of(owner)


@each_folder
def test_everything_of_ours_is_labelled_and_has_a_namespace(folder):
    for thing in render(folder):
        labels = thing["metadata"].get("labels", {})
        if labels.get("app.kubernetes.io/name") != "eva01":
            continue
        assert labels["app.kubernetes.io/part-of"] == "eva01", name_of(thing)
        assert labels["app.kubernetes.io/component"], name_of(thing)
        assert ("namespace" in thing["metadata"]) is (thing["kind"] not in CLUSTER_WIDE), name_of(thing)


@each_folder
def test_nobody_may_more_than_mark_its_pod(folder):
    for role in of_kind(render(folder), "Role"):
        if role["metadata"]["labels"].get("app.kubernetes.io/component") == "worker":
            assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]


@each_folder
def test_no_password_is_in_what_is_not_for_one_machine(folder):
    assert not of_kind(render(folder), "Secret") or folder == "overlays/local"


@each_folder
def test_whatever_asks_web_in_the_cluster_has_a_key_from_a_secret(folder):
    objects = render(folder)
    (web,) = (pod for owner, pod in owners(objects) if name_of(owner) == "Deployment/web")
    assert secrets_of(web) >= {"EVA01_ADMIN_KEY": "eva01-admin-key"}.items()
    (stress,) = (pod for owner, pod in owners(objects) if name_of(owner) == "CronJob/stress-test")
    assert secrets_of(stress) == {"EVA01_KEY": "eva01-stress-key"}.items()
    for monitor in of_kind(objects, "ServiceMonitor"):
        for endpoint in monitor["spec"]["endpoints"]:
            assert endpoint["authorization"]["type"] == "Bearer"
            assert endpoint["authorization"]["credentials"] == {"name": "eva01-metrics-key", "key": "key"}


def secrets_of(pod: Object) -> ItemsView[str, str]:
    """The variables of a pod that come from Secrets, and from which."""
    entries = [entry for container in containers(pod) for entry in container.get("env", ())]
    sources = {entry["name"]: entry.get("valueFrom", {}).get("secretKeyRef") for entry in entries}
    return {name: source["name"] for name, source in sources.items() if source}.items()


def test_the_key_of_one_machine_is_one_that_web_takes():
    secrets = {one["metadata"]["name"]: one["data"] for one in of_kind(render("overlays/local"), "Secret")}
    key = b64decode(secrets["eva01-admin-key"]["key"]).decode()
    assert WebSettings(admin_key=key).admin_key.get_secret_value() == key


def test_every_secret_is_explained_where_people_look():
    said = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in SECRETS if f"secret generic {name} " not in said] == []


def test_the_worker_answers_what_its_probes_ask():
    status = Status("w1", "ocr", state=WorkerState.READY, is_consuming=True)
    server = HealthServer(status, "127.0.0.1", 0)
    server.start()
    try:
        for path in {probe["path"] for probe in _own_probes("worker")}:
            assert plain.get(f"http://{server.address}{path}").status_code == HTTPStatus.OK, path
    finally:
        server.stop()


@pytest.mark.redis
def test_web_answers_what_its_probes_ask(http):
    for path in {probe["path"] for probe in _own_probes("web")}:
        assert http.get(path).status_code == HTTPStatus.OK, path


def _own_probes(name: str) -> list[Mapping[str, Any]]:
    found = [
        probe
        for _, pod in owners(render("base"))
        for container in pod["spec"]["containers"]
        if container["name"] == name
        for probe in probes(container)
    ]
    assert found
    return found


def _claimed(objects: tuple[Object, ...]) -> Iterator[str]:
    """The claims that StatefulSets make, one for each pod."""
    for thing in of_kind(objects, "StatefulSet"):
        for claim in thing["spec"].get("volumeClaimTemplates", ()):
            for number in range(thing["spec"]["replicas"]):
                yield f"{claim['metadata']['name']}-{thing['metadata']['name']}-{number}"


def _named(pod: Object) -> Iterator[tuple[str, str]]:
    """What a pod's template names: accounts, priorities, settings, passwords, claims."""
    spec = pod["spec"]
    yield "ServiceAccount", spec.get("serviceAccountName", "default")
    if "priorityClassName" in spec and not spec["priorityClassName"].startswith("system-"):
        yield "PriorityClass", spec["priorityClassName"]
    for volume in spec.get("volumes", ()):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    for container in containers(pod):
        for source in container.get("envFrom", ()):
            yield "ConfigMap", source["configMapRef"]["name"]
        for entry in container.get("env", ()):
            if secret := entry.get("valueFrom", {}).get("secretKeyRef"):
                yield "Secret", secret["name"]
