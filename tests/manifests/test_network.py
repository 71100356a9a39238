"""Who may talk to whom in our namespaces, by the rules by which a cluster's network reads NetworkPolicies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.manifests.rendering import (
    Object,
    name_of,
    namespace_of,
    of_kind,
    owners,
    render,
    used_by,
    whole_folders,
)

REDIS, METRICS_OF_REDIS, WEB, WORKER = 6379, 9121, 8000, 9100
#: A documentation address, in place of a bucket's or the hub's.
OUTSIDE = "203.0.113.5"
#: Where clouds hand out the identity of a machine.
METADATA = ("169.254.169.254", "fd00:ec2::254")
#: Addresses of a cluster, its nodes and networks, in each range.
INSIDE = (
    *("10.0.0.7", "100.64.0.1", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.16.0.1", "192.168.0.1"),
    *("198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fd00:ec2::254", "fd12:3456::1"),
    *("64:ff9b::a00:7", "2002:a00:7::1", "2001:0:a00:7::1", "ff02::1"),
)

pytestmark = pytest.mark.parametrize("folder", whole_folders())


@dataclass(frozen=True)
class Peer:
    """The other end: a pod by its namespace and labels, or an address."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


PROMETHEUS, KEDA, INGRESS = Peer("monitoring"), Peer("keda"), Peer("ingress-nginx")
STRANGER = Peer("default", {"app.kubernetes.io/name": "eva01", "app.kubernetes.io/component": "web"})
DNS = Peer("kube-system", {"k8s-app": "kube-dns"})


def of(folder: str, component: str) -> Peer:
    """A pod of ours."""
    labels = {"app.kubernetes.io/name": "eva01", "app.kubernetes.io/component": component}
    return Peer(namespace_of(folder), labels)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """True when a selector of labels chooses them; the empty one chooses all."""
    expressions = selector.get("matchExpressions", ())
    assert {one["operator"] for one in expressions} <= {"In"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )


def is_meant(entry: Mapping[str, Any], peer: Peer, here: str) -> bool:
    """True when an entry of `from` or `to` of a policy of the namespace `here` means the peer."""
    if block := entry.get("ipBlock"):
        if not peer.address:
            return False
        address = ip_address(peer.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(one) for one in block.get("except", ())
        )
    named = {"kubernetes.io/metadata.name": peer.namespace}
    is_there = (
        selects(entry["namespaceSelector"], named) if "namespaceSelector" in entry else peer.namespace == here
    )
    return bool(peer.namespace) and is_there and selects(entry.get("podSelector", {}), peer.labels)


def may(folder: str, pod: Peer, direction: str, peer: Peer, port: int) -> bool:
    """True when a pod may be asked by (`Ingress`) or ask (`Egress`) a peer on a port."""
    chosen = [
        policy["spec"]
        for policy in of_kind(render(folder), "NetworkPolicy")
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    assert chosen, "a pod that no policy chooses is open to all"
    side, key = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    return any(
        port in (one["port"] for one in rule["ports"])
        and any(is_meant(entry, peer, pod.namespace) for entry in rule[key])
        for spec in chosen
        for rule in spec.get(side, ())
    )


def pods(folder: str) -> Iterator[tuple[str, Peer, Object]]:
    """The pods of our own namespaces: their owner's name, what policies see of them, their template."""
    for owner, pod in owners(render(folder)):
        namespace = owner["metadata"]["namespace"]
        if namespace.startswith("eva01"):
            yield name_of(owner), Peer(namespace, pod["metadata"]["labels"]), pod


def ports(pod: Object) -> set[int]:
    """All ports of a pod's containers."""
    return {
        port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", ())
    }


def askers(folder: str, component: str, port: int) -> list[Peer]:
    """Who may ask a port of a component, of all who might."""
    might = [PROMETHEUS, KEDA, INGRESS, STRANGER, Peer(address=OUTSIDE)]
    might += [
        of(folder, one) for one in ("web", "worker", "redis", "backup", "stress", "model-cache", "warm-pool")
    ]
    return [peer for peer in might if may(folder, of(folder, component), "Ingress", peer, port)]


def test_nobody_from_elsewhere_reaches_any_pod(folder):
    for name, seen, pod in pods(folder):
        for port in ports(pod) | {80, 443}:
            for peer in (STRANGER, Peer(address=OUTSIDE), Peer("kube-system")):
                assert not may(folder, seen, "Ingress", peer, port), name


def test_each_port_is_asked_by_those_who_need_it_and_nobody_else(folder):
    assert askers(folder, "web", WEB) == [PROMETHEUS, INGRESS, of(folder, "stress")]
    assert askers(folder, "worker", WORKER) == [PROMETHEUS]
    if "components/external-redis" not in used_by(folder):
        assert askers(folder, "redis", REDIS) == [
            KEDA,
            of(folder, "web"),
            of(folder, "worker"),
            of(folder, "backup"),
        ]
        assert askers(folder, "redis", METRICS_OF_REDIS) == [PROMETHEUS]


def test_every_pod_may_ask_for_names(folder):
    for name, seen, _pod in pods(folder):
        assert may(folder, seen, "Egress", DNS, 53), name


def test_who_asks_redis_may_do_so_at_both_ends(folder):
    where = (
        Peer(address="10.0.0.7") if "components/external-redis" in used_by(folder) else of(folder, "redis")
    )
    for name, seen, pod in pods(folder):
        if any(
            "REDIS_PASSWORD" in str(container) and container["name"] in ("web", "worker")
            for container in pod["spec"]["containers"]
        ):
            assert may(folder, seen, "Egress", where, REDIS), name


def test_only_what_needs_a_bucket_or_the_hub_reaches_out(folder):
    for name, seen, _pod in pods(folder):
        component = seen.labels["app.kubernetes.io/component"]
        reaches = may(folder, seen, "Egress", Peer(address=OUTSIDE), 443)
        assert reaches is (component in ("web", "worker", "backup", "model-cache", "vllm-server")), name


def test_nobody_takes_the_machines_own_identity(folder):
    lends = "components/s3/gcp" in used_by(folder)
    for name, seen, _pod in pods(folder):
        for address in METADATA:
            for port in (80, 443):
                asks = may(folder, seen, "Egress", Peer(address=address), port)
                # GKE's server lends pods the identity of their ServiceAccount there, never the machine's.
                assert not asks or (lends and (address, port) == (METADATA[0], 80)), f"{name}: {address}"


def test_web_fetches_images_only_where_its_network_keeps_it_from_what_is_inside(folder):
    settings = [
        one["data"] for one in of_kind(render(folder), "ConfigMap") if "EVA01_MODELS" in one.get("data", {})
    ]
    fetches = any("EVA01_FETCH_ALLOW" in one for one in settings)
    assert fetches is ("components/fetch" in used_by(folder))
    if fetches:
        assert may(folder, of(folder, "web"), "Egress", Peer(address="93.184.216.34"), 443)
        assert may(folder, of(folder, "web"), "Egress", Peer(address="2606:2800:220:1::1"), 443)
        for address in INSIDE:
            for port in (80, 443, 8443):
                assert not may(folder, of(folder, "web"), "Egress", Peer(address=address), port), address
