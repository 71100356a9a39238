"""The acts: what makes alerts fire, and the runbook's step that ends them.

What a cluster alone has (replicas, nodes, GPUs) is played by the stage's exporters; all else happens.
"""

import itertools
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from jobs.contract import names
from jobs.contract.models import JobState
from tests.files.drawing import Scene
from tests.manifests.drills.stage import PATIENCE_S, SLOTS, Stage
from tests.manifests.watching import MODEL
from tests.processes import wait_until
from tests.servers.refusing import replica
from tests.stubs.engine import DIE, POISON, SLOW

OTHER_PNG = Scene("black", (("blue", "square"),)).encode()
#: More jobs than an alert takes for a few, and as many as a worker holds.
MANY = SLOTS
#: Jobs that a worker holds and has not answered before it is lost.
FEW = 6


class Act(Protocol):
    """Causes something, yields once, and takes the runbook's step that ends it."""

    def __call__(self, stage: Stage, /) -> "Iterator[None]":
        """Cause it, wait, mend it."""


@dataclass(frozen=True)
class Drill:
    """An act with its alerts, which fire while it lasts, and are over after it."""

    #: With the source where there are several of a name.
    alerts: tuple[str, ...]
    #: The runbook's step, in a few words.
    step: str
    act: Act
    #: The parts of the stack that it needs, besides Redis.
    parts: tuple[str, ...] = ("web", "worker-0")

    def run(self, stage: Stage) -> None:
        """Let it happen; fails when an alert does not fire, or does not end."""
        stage.start_missing(self.parts)
        for alert in self.alerts:
            stage.wait_until_over(alert)
        with contextmanager(self.act)(stage):
            for alert in self.alerts:
                stage.wait_until_firing(alert)
        for alert in self.alerts:
            stage.wait_until_over(alert)


# The queue


def nobody_works(stage: Stage) -> Iterator[None]:
    """Jobs wait, and there is no worker."""
    stage.end("worker-0")
    stage.ask(question="Who?")
    yield
    stage.start_worker()
    stage.wait_until_idle()


def a_folder_of_broken_images(stage: Stage) -> Iterator[None]:
    """Most of what is asked fails."""
    stage.ask(3 * MANY, f"{POISON} of a folder")
    yield
    stage.wait_until_idle()


# Reliability


def what_an_hour_remembers(stage: Stage) -> Iterator[None]:
    """An image takes its worker down, tickets are lost, and somebody else writes into the queue."""
    (bad,) = stage.ask(question=DIE)
    stage.processes["worker-0"].wait()
    stage.ask(MANY)
    stage.redis.delete(names.interactive_queue(MODEL))
    wait_until(lambda: stage.queue.depth(MODEL).waiting >= MANY, "the tickets are replaced")
    record = names.job_key(bad.json()["id"])
    stage.keep_a_worker_until(lambda: stage.redis.hget(record, "state") == JobState.FAILED, "it is found")
    # Met by a worker that lives on: what one counted that died in the next moment, nobody may have asked for.
    stage.redis.lpush(names.bulk_queue(MODEL), "this is no ticket")
    stage.wait_until_idle()
    yield


def workers_are_lost_again_and_again(stage: Stage) -> Iterator[None]:
    """A worker dies with what it holds, and so does the next, and each that follows."""
    times = itertools.count()

    def is_lost_again() -> bool:
        questions = [f"What has number {n}, the time {next(times)}?" for n in range(FEW)]
        for question in questions:
            stage.ask(question=question)
        wait_until(lambda: stage.redis.hlen(names.running_key(MODEL)), "it has begun some")
        worker = stage.processes.pop("worker-0")
        worker.send(signal.SIGKILL)
        worker.wait()
        stage.start_worker()
        # What came back is answered, so that none of it is lost a third time.
        stage.wait_until_idle()
        return "Eva01JobsTakenBack" in stage.prometheus.firing()

    wait_until(is_lost_again, "it has happened often enough", PATIENCE_S)
    yield
    stage.wait_until_idle()


def redis_follows_another(stage: Stage) -> Iterator[None]:
    """Redis is a replica of a master that is gone, and takes no writes."""
    stage.ask(question=SLOW)
    wait_until(lambda: stage.queue.depth(MODEL).held, "a job is held")
    with replica(stage.redis):
        yield
    stage.wait_until_idle()


def the_blob_store_is_in_the_way(stage: Stage) -> Iterator[None]:
    """Its folder cannot be written."""
    stage.ask()
    images = stage.blobs / "images"
    kept = images.rename(images.with_name("kept"))
    images.write_bytes(b"")
    assert all(response.status_code in (503, 507) for response in stage.ask(data=OTHER_PNG))
    yield
    images.unlink()
    kept.rename(images)
    assert all(response.is_success for response in stage.ask(data=OTHER_PNG))


def redis_fills_up(stage: Stage) -> Iterator[None]:
    """Redis has used nine tenths of what it may."""
    memory = stage.redis.info("memory")
    stage.redis.config_set("maxmemory", int(memory["used_memory"] / 0.9))
    yield
    stage.redis.config_set("maxmemory", 2**30)


# The fleet


def a_worker_ends_again_and_again(stage: Stage) -> Iterator[None]:
    """Kubernetes waits longer and longer before it starts it."""
    stage.cluster.is_crash_looping = True
    yield
    stage.cluster.is_crash_looping = False


def replicas_do_not_come(stage: Stage) -> Iterator[None]:
    """Three are wanted, and one is ready."""
    stage.cluster.wanted = 3
    yield
    stage.cluster.ready = 3
    stage.cluster.wanted = stage.cluster.ready = 1


def none_of_the_new_becomes_ready(stage: Stage) -> Iterator[None]:
    """Three are wanted for long, and no more than one ever takes jobs."""
    stage.cluster.wanted = 3
    yield
    stage.cluster.wanted = 1


def an_autoscaler_gets_no_number(stage: Stage) -> Iterator[None]:
    """It can neither grow nor shrink its fleet."""
    stage.cluster.is_scaling = False
    yield
    stage.cluster.is_scaling = True


def a_fleet_flaps(stage: Stage) -> Iterator[None]:
    """It is scaled up and down."""
    for wanted in (2, 1) * 6:
        stage.cluster.wanted = stage.cluster.ready = wanted
        # Longer than Prometheus' pause between two looks, which would see nothing otherwise.
        time.sleep(1.5)
    yield


# GPUs


def a_gpu_is_busy(stage: Stage) -> Iterator[None]:
    """There is nothing to spare."""
    stage.cluster.gpu_percent = 97
    yield
    stage.cluster.gpu_percent = 50


def a_node_is_not_had(stage: Stage) -> Iterator[None]:
    """Two GPUs are asked for, and there is one."""
    stage.cluster.requested = 2
    yield
    stage.cluster.gpus = stage.cluster.held = 2
    wait_until(lambda: "Eva01GpusShort" not in stage.prometheus.firing(), "the node is there")
    stage.cluster.requested = stage.cluster.gpus = stage.cluster.held = 1


def a_day_costs_too_much(stage: Stage) -> Iterator[None]:
    """A fleet that nobody meant works all day."""
    most = 1000
    stage.cluster.requested = stage.cluster.gpus = stage.cluster.held = most
    yield
    stage.cluster.requested = stage.cluster.gpus = stage.cluster.held = 1
    # What was used stays used for a day, which is 24 minutes here.
    stage.prometheus.forget("kube_pod_container_resource_requests", "eva01:gpus_held")


# What is not measured


def web_is_gone(stage: Stage) -> Iterator[None]:
    """No web answers Prometheus."""
    stage.end("web")
    yield
    stage.start_web()


def redis_does_not_answer_web(stage: Stage) -> Iterator[None]:
    """Web answers, and leaves the queue out."""
    server = stage.processes["redis"]
    server.send(signal.SIGSTOP)
    try:
        yield
    finally:
        server.send(signal.SIGCONT)


def workers_are_not_asked(stage: Stage) -> Iterator[None]:
    """One is ready, and none is heard of."""
    stage.end("worker-0")
    yield
    stage.start_worker()


def nothing_is_heard_of_gpus(stage: Stage) -> Iterator[None]:
    """DCGM's exporter is missing."""
    stage.cluster.has_dcgm = False
    yield
    stage.cluster.has_dcgm = True


def nothing_is_heard_of_replicas(stage: Stage) -> Iterator[None]:
    """kube-state-metrics is missing."""
    stage.cluster.has_kube_state_metrics = False
    yield
    stage.cluster.has_kube_state_metrics = True


DRILLS = (
    Drill(("Eva01QueueNotDraining", "Eva01OldestWait"), "workers are there again", nobody_works),
    Drill(("Eva01FailureRatio",), "nothing is broken: the folder is over", a_folder_of_broken_images),
    Drill(
        ("Eva01PoisonJobs", "Eva01Unreadable", "Eva01JobsReconciled"),
        "its cause is gone for an hour",
        what_an_hour_remembers,
    ),
    Drill(("Eva01JobsTakenBack",), "no worker is lost any more", workers_are_lost_again_and_again),
    Drill(("Eva01LeaseRenewalsFailing",), "Redis takes writes again", redis_follows_another),
    Drill(("Eva01BlobStoreExhausted",), "the folder can be written again", the_blob_store_is_in_the_way),
    Drill(("Eva01RedisMemory",), "a larger maxmemory", redis_fills_up, ()),
    Drill(("Eva01WorkerCrashLoop",), "the setting is mended (played)", a_worker_ends_again_and_again, ()),
    Drill(("Eva01ScaleOutStuck",), "the pods are ready (played)", replicas_do_not_come, ()),
    Drill(("Eva01FleetBraked",), "the fleet is paused (played)", none_of_the_new_becomes_ready),
    Drill(("Eva01AutoscalerBlind",), "it gets a number again (played)", an_autoscaler_gets_no_number, ()),
    Drill(("Eva01FrequentScaling",), "no more steps for an hour (played)", a_fleet_flaps, ()),
    Drill(("Eva01GpuHot",), "more replicas share the work (played)", a_gpu_is_busy, ()),
    Drill(("Eva01GpusShort",), "another node (played)", a_node_is_not_had, ()),
    Drill(("Eva01Budget",), "the fleet is paused for a day (played)", a_day_costs_too_much, ()),
    Drill(("Eva01NoMetrics web",), "web is started", web_is_gone),
    Drill(("Eva01NoMetrics queue",), "Redis answers again", redis_does_not_answer_web),
    Drill(("Eva01NoMetrics workers",), "Prometheus asks them again", workers_are_not_asked),
    Drill(("Eva01NoMetrics gpus",), "the exporter is there (played)", nothing_is_heard_of_gpus, ()),
    Drill(
        ("Eva01NoMetrics kube-state-metrics",), "it is installed (played)", nothing_is_heard_of_replicas, ()
    ),
)
