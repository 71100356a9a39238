"""A model that servers of vLLM answer: they are scaled, and one worker without a GPU asks them."""

import json
import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from jobs.contract.catalog import EngineName, card_for
from jobs.contract.settings import Limits
from tests.manifests.cluster.test_readmes import overlay
from tests.manifests.rendering import ROOT, Object, environment, name_of, of_kind, owners, render
from tests.manifests.test_images import pins
from tests.manifests.test_network import KEDA, PROMETHEUS, STRANGER, Peer, may, of
from tests.manifests.test_scaling import modifiers, slots, target_of, wish
from tests.manifests.test_triggers import Keda
from tests.processes import wait_until
from tests.redis.worker.test_remote import Server, start
from tests.stubs.processes import QUESTIONS
from worker.drain import _GRACE_S as WORKER_GRACE_S
from worker.engines.remote.engine import RemoteEngine

FOLDER = "tests/vllm-server"
MODEL = "qwen2.5-vl-7b"
WORKER, SERVERS = "Deployment/worker-qwen2-5-vl-7b", "Deployment/vllm-server"
README = ROOT / "components" / "vllm-server" / "README.md"
PORT = 8000


def owner(name: str) -> Object:
    """An object that owns pods."""
    (found,) = (one for one, _ in owners(render(FOLDER)) if name_of(one) == name)
    return found


def pod(name: str) -> Object:
    """The template of its pods."""
    found: Object = owner(name)["spec"]["template"]
    return found


def container(name: str) -> Object:
    """Their one container."""
    (found,) = pod(name)["spec"]["containers"]
    return found


def variables() -> dict[str, str]:
    """What the worker is told."""
    return environment(container(WORKER), render(FOLDER))


def flags() -> Mapping[str, str]:
    """What the servers are told."""
    return dict(one.split("=", 1) for one in container(SERVERS)["args"] if one.startswith("--"))


def fleet() -> Object:
    """What scales the model."""
    (found,) = (
        one
        for one in of_kind(render(FOLDER), "ScaledObject")
        if one["metadata"]["labels"]["eva01.dev/model"] == MODEL
    )
    return found


def seen(name: str) -> Peer:
    """A pod as policies see it."""
    return Peer(owner(name)["metadata"]["namespace"], pod(name)["metadata"]["labels"])


def test_the_servers_are_scaled_and_the_worker_is_one_without_a_gpu():
    assert target_of(fleet()) == SERVERS
    assert "replicas" not in owner(SERVERS)["spec"]
    assert container(SERVERS)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert owner(WORKER)["spec"]["replicas"] == 1
    assert "nvidia" not in json.dumps(container(WORKER)["resources"])
    assert not pod(WORKER)["spec"]["tolerations"]
    scaled = [target_of(one) for one in of_kind(render(FOLDER), "ScaledObject", "HorizontalPodAutoscaler")]
    assert WORKER not in scaled


def test_there_are_as_many_servers_as_one_worker_fills_and_the_brake_lets():
    assert "EVA01_SLOTS" not in variables()
    most = fleet()["spec"]["maxReplicaCount"]
    assert most * slots(fleet()) == RemoteEngine.default_slots
    # A worker that was ready is one, however many servers it has.
    assert [wish(fleet(), bulk=9000, ready=ready) for ready in (0, 1)] == [1, most]
    assert wish(fleet(), held=RemoteEngine.default_slots, ready=1) == most


def test_the_worker_asks_for_the_model_that_web_offers_and_the_servers_serve():
    said = variables()
    (asked,) = container(WORKER)["args"][1:]
    card = card_for(asked, said["MODEL_NAME"])
    assert (card.name, card.engine) == (MODEL, EngineName.OPENAI)
    assert MODEL in said["EVA01_MODELS"].split(",")
    assert said["EVA01_OPENAI_MODEL"] == flags()["--served-model-name"]
    assert card.source == f"openai:{container(SERVERS)['args'][0]}"
    (service,) = (one for one in of_kind(render(FOLDER), "Service") if name_of(one) == "Service/vllm-server")
    assert said["EVA01_OPENAI_URL"] == f"http://{service['metadata']['name']}:{PORT}/v1"
    assert service["spec"]["ports"][0]["port"] == PORT == int(flags()["--port"])
    read = {
        one["metadata"]["listName"].split(":")[1]
        for one in fleet()["spec"]["triggers"]
        if one["type"] == "redis"
    }
    assert read == {MODEL}


def test_nobody_is_offered_what_the_servers_do_not_take():
    said = variables()
    seen_px = json.loads(flags()["--mm-processor-kwargs"])["max_pixels"]
    assert int(said["MAX_PIXELS"]) == int(said["EVA01_MOST_PIXELS"]) == seen_px
    images = json.loads(flags()["--limit-mm-per-prompt"])["image"]
    assert images == Limits().max_images_per_job
    # Each is seen in 28 × 28 pixels a token, and a question and an answer have room beside them.
    assert int(flags()["--max-model-len"]) > images * seen_px // 28**2 + 2000


@pytest.mark.parametrize("taken", [("vllm-server", "trigger-cron"), ("trigger-cron", "vllm-server")])
def test_a_reason_to_scale_finds_the_fleet_before_and_after_its_name_changes(tmp_path, taken):
    found = {name_of(one): one for one in overlay(tmp_path, *taken) if one["kind"] == "ScaledObject"}
    assert found.keys() == {"ScaledObject/vllm-server", "ScaledObject/worker-ocr"}
    servers = found["ScaledObject/vllm-server"]
    assert target_of(servers) == SERVERS
    assert "peak" in modifiers(servers)["formula"]


def test_the_worker_alone_reaches_a_server():
    assert may(FOLDER, seen(SERVERS), "Ingress", seen(WORKER), PORT)
    assert may(FOLDER, seen(WORKER), "Egress", seen(SERVERS), PORT)
    others = [of(FOLDER, one) for one in ("web", "worker", "redis", "backup", "stress", "vllm-server")]
    for peer in (*others, PROMETHEUS, KEDA, STRANGER, Peer(address="203.0.113.5")):
        assert not may(FOLDER, seen(SERVERS), "Ingress", peer, PORT), peer
    assert not may(FOLDER, seen("Deployment/worker-ocr"), "Egress", seen(SERVERS), PORT)
    assert not may(FOLDER, seen(SERVERS), "Egress", of(FOLDER, "redis"), 6379)


def test_a_server_that_goes_has_time_for_what_it_has():
    spec, drain_s = pod(SERVERS)["spec"], float(flags()["--shutdown-timeout"])
    pause_s = container(SERVERS)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= pause_s + drain_s + WORKER_GRACE_S
    probe = container(SERVERS)["startupProbe"]
    assert (
        probe["periodSeconds"] * probe["failureThreshold"]
        == owner(SERVERS)["spec"]["progressDeadlineSeconds"]
    )


def test_a_server_writes_where_it_may():
    mounts = {one["mountPath"]: one["name"] for one in container(SERVERS)["volumeMounts"]}
    assert mounts.keys() == {"/models", "/home/vllm", "/tmp", "/dev/shm"}
    volumes = {one["name"]: one["emptyDir"] for one in pod(SERVERS)["spec"]["volumes"]}
    assert volumes[mounts["/dev/shm"]]["medium"] == "Memory"
    told = environment(container(SERVERS), render(FOLDER))
    assert mounts.keys() >= {told["HOME"], told["HF_HOME"]}


def test_the_worker_has_nothing_to_keep_for_weights():
    assert {one["name"] for one in pod(WORKER)["spec"]["volumes"]} == {"data", "tmp"}
    assert not {"HF_HOME", "TRITON_CACHE_DIR"} & variables().keys()


def test_the_worker_is_up_to_kubernetes_while_no_server_is_there():
    assert container(WORKER)["readinessProbe"]["httpGet"]["path"] == "/health"


def test_the_rules_watch_the_servers_as_they_watch_workers():
    rules = (ROOT / "components" / "monitoring" / "recording.yaml").read_text(encoding="utf-8")
    patterns = re.findall(r'(?:deployment|pod|horizontalpodautoscaler)=~"([^"]*worker-[^"]*)"', rules)
    assert len(patterns) == 5
    for pattern in patterns:
        names = ("vllm-server", "vllm-server-5d4-x", "keda-hpa-vllm-server", "worker-ocr", "worker-ocr-5d4-x")
        found = [name for name in names if re.fullmatch(pattern, name)]
        assert {name.partition("-")[0] for name in found} >= {"worker"}
        assert any("vllm-server" in name for name in found), pattern


def test_the_image_of_the_readme_is_that_of_the_worker_and_of_a_lock_that_is_there():
    text = README.read_text(encoding="utf-8")
    (image, lock) = re.findall(r"-t (\S+) --build-arg LOCK=(\S+) ", text)[0]
    assert container(WORKER)["image"] == image
    assert "httpx" in pins(lock)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Another server, which is not there yet."""
    with Server(tmp_path) as server:
        yield server


@pytest.mark.redis
@pytest.mark.process
def test_the_first_job_brings_a_server_while_the_worker_waits_for_one(workers, server):
    keda = Keda(workers.client, fleet())
    worker = start(workers, server)
    worker.wait_until_it_says("waiting")
    assert worker.answers_200("/health")
    assert not keda.is_active()

    jobs = [workers.enqueue(f"question {number}") for number in range(keda.target + 1)]
    assert keda.readings() == {"interactive": len(jobs), "bulk": 0, "held": 0, "ready": 0}
    assert keda.is_active()
    assert keda.wish() == 1

    # What KEDA has asked for has come.
    server.start()
    worker.wait_until_ready()
    wait_until(lambda: keda.readings()["ready"] == 1, "the worker is counted")
    wait_until(lambda: all(workers.state(job).is_finished for job in jobs), "all are answered")
    wait_until(lambda: not keda.is_active(), "nothing is wished for")

    # It goes, as at the end of the cooldown: who comes next brings it again, and nothing is lost meanwhile.
    server.processes[-1].send(signal.SIGKILL)
    server.processes[-1].wait()
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: not worker.answers_200("/ready"), "the worker takes nothing")
    wait_until(lambda: keda.readings()["interactive"] == 1, "the job waits in the queue")
    assert keda.is_active()
    server.start()
    wait_until(lambda: workers.state(job).is_finished, "it is answered")
