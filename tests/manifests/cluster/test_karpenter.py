"""Nodes by Karpenter: what a worker needs, what may be bought, and what spares a busy worker's node."""

import re

import yaml

from tests.manifests.rendering import Object, of_kind, owners, render, used_by, whole_folders
from tests.manifests.test_admission import quantity

FOLDER = "tests/karpenter"
#: Below this, unpacking in parallel makes a pull slower (MiB/s).
PARALLEL_PULL_MIB_S = 600


def pool() -> Object:
    """What the pool says."""
    (found,) = of_kind(render(FOLDER), "NodePool")
    spec: Object = found["spec"]
    return spec


def machines() -> Object:
    """What the pool's machines are."""
    (found,) = of_kind(render(FOLDER), "EC2NodeClass")
    assert pool()["template"]["spec"]["nodeClassRef"]["name"] == found["metadata"]["name"]
    spec: Object = found["spec"]
    return spec


def wanted(key: str) -> list[str]:
    """The values of a requirement of the pool."""
    (one,) = (one for one in pool()["template"]["spec"]["requirements"] if one["key"] == key)
    assert one["operator"] == "In"
    values: list[str] = one["values"]
    return values


def gpu_workers() -> list[Object]:
    """The templates of the workers that ask for a GPU."""
    found = [pod for _, pod in owners(render(FOLDER)) if gpus(pod)]
    assert found
    return found


def gpus(pod: Object) -> int:
    """How many GPUs a pod asks for."""
    containers = pod["spec"]["containers"]
    return sum(int(one["resources"]["requests"].get("nvidia.com/gpu", 0)) for one in containers)


def seconds(duration: str) -> int:
    """The length of a duration such as `1h30m`."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def test_a_cluster_has_one_program_that_buys_nodes():
    for folder in whole_folders():
        taken = used_by(folder)
        assert not ("components/karpenter" in taken and "components/cluster-autoscaler/core" in taken), folder


def test_a_worker_may_run_on_the_pools_nodes_and_fills_one():
    for taint in pool()["template"]["spec"]["taints"]:
        for pod in gpu_workers():
            tolerated = [
                one
                for one in pod["spec"]["tolerations"]
                if one["key"] == taint["key"] and one.get("effect") == taint["effect"]
            ]
            assert [one["operator"] for one in tolerated] == ["Exists"]
    assert wanted("karpenter.k8s.aws/instance-gpu-count") == [str(gpus(pod)) for pod in gpu_workers()]


def test_spot_is_bought_first_and_on_demand_when_there_is_none():
    # Which comes first is Karpenter's own order, whatever that of the list.
    assert set(wanted("karpenter.sh/capacity-type")) == {"spot", "on-demand"}


def test_no_more_is_bought_than_the_fleet_may_have():
    most = {
        fleet["spec"]["maxReplicaCount"]
        for fleet in of_kind(render(FOLDER), "ScaledObject")
        if fleet["metadata"]["name"] == "worker-qwen2-5-vl-7b"
    }
    assert most == {int(pool()["limits"]["nvidia.com/gpu"])}


def test_only_nodes_without_a_worker_are_consolidated():
    assert pool()["disruption"]["consolidationPolicy"] == "WhenEmpty"
    assert seconds(pool()["disruption"]["consolidateAfter"]) == 600
    at_once = {
        reason: budget["nodes"] for budget in pool()["disruption"]["budgets"] for reason in budget["reasons"]
    }
    assert at_once == {"Empty": "100%", "Drifted": "1"}


def test_a_worker_on_a_spot_node_is_told_to_drain_when_the_node_is_taken():
    # Karpenter evicts no pod with this annotation, not even in the two minutes' notice: it would be killed.
    for pod in gpu_workers():
        assert "karpenter.sh/do-not-disrupt" not in pod["metadata"].get("annotations", {})


def test_a_node_that_has_to_go_waits_for_a_drain_and_not_for_ever():
    limit_s = seconds(pool()["template"]["spec"]["terminationGracePeriod"])
    for pod in gpu_workers():
        assert limit_s > 2 * pod["spec"]["terminationGracePeriodSeconds"]


def test_pods_cannot_take_on_the_machines_identity():
    options = machines()["metadataOptions"]
    assert options["httpTokens"] == "required"
    assert options["httpPutResponseHopLimit"] == 1


def test_images_are_unpacked_in_parallel_on_disks_that_are_fast_enough():
    settings = yaml.safe_load(machines()["userData"])
    assert settings["kind"] == "NodeConfig"
    assert settings["spec"]["featureGates"] == {"FastImagePull": True}
    (disk,) = (one["ebs"] for one in machines()["blockDeviceMappings"])
    assert disk["throughput"] >= PARALLEL_PULL_MIB_S
    assert disk["encrypted"] is True
    assert machines()["instanceStorePolicy"] == "RAID0"


def test_the_disk_has_room_for_the_weights_and_the_image():
    (disk,) = (one["ebs"] for one in machines()["blockDeviceMappings"])
    (worker,) = (pod for _, pod in owners(render("base")) if gpus(pod))
    folders = [one.get("emptyDir", {}).get("sizeLimit", "0") for one in worker["spec"]["volumes"]]
    assert quantity(disk["volumeSize"]) > sum(map(quantity, folders)) + quantity("20Gi")
