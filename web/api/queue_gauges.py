"""Gauges of the queue for Prometheus, read from Redis at each scrape."""

import logging
from collections.abc import Iterator

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jobs.contract.models import WorkerState
from web.services import Services

_log = logging.getLogger(__name__)


def queue_registry(services: Services) -> CollectorRegistry:
    """A registry with the queue's gauges alone."""
    registry = CollectorRegistry()
    registry.register(_QueueCollector(services))
    return registry


class _QueueCollector(Collector):
    """The queue's gauges now; none when Redis is away, so that the graph has a gap instead of a zero."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[GaugeMetricFamily]:
        return list(queue_families())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            yield from self._read()
        except redis.RedisError as error:
            _log.warning("The queue's gauges are missing, because of what Redis says: %s", error)

    def _read(self) -> tuple[GaugeMetricFamily, ...]:
        waiting, held, oldest, workers, of_late = families = queue_families()
        alive = self._services.fleet.workers()
        for model in self._services.known_cards():
            depth = self._services.queue.depth(model)
            waiting.add_metric([model, "interactive"], depth.interactive)
            waiting.add_metric([model, "bulk"], depth.bulk)
            held.add_metric([model], depth.held)
            oldest.add_metric([model], depth.oldest_wait_s or 0)
            of_late.add_metric([model], self._services.fleet.ready_of_late(model))
            for state in WorkerState:
                count = sum(worker.model == model and worker.state is state for worker in alive)
                workers.add_metric([model, state], count)
        return families


def queue_families() -> tuple[GaugeMetricFamily, ...]:
    """The queue's gauges, still empty: waiting, held, oldest wait, workers, those ready of late."""
    return (
        GaugeMetricFamily("eva01_queue_jobs", "How many jobs wait in a queue.", labels=["model", "queue"]),
        GaugeMetricFamily("eva01_held_jobs", "How many jobs workers hold.", labels=["model"]),
        GaugeMetricFamily(
            "eva01_oldest_wait_seconds", "How long the oldest waiting job has waited.", labels=["model"]
        ),
        GaugeMetricFamily("eva01_workers", "How many workers are alive.", labels=["model", "state"]),
        GaugeMetricFamily(
            "eva01_ready_workers_of_late",
            "The most workers that were ready at once of late.",
            labels=["model"],
        ),
    )
