"""What web measures: its own requests as they come, and the queue when Prometheus asks."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import redis
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from werkzeug.wsgi import ClosingIterator

from jobs.models import WorkerState
from web.asking import known_cards
from web.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)

REQUESTS = Counter(
    "eva01_requests_total", "How many requests were answered.", ["endpoint", "method", "status"]
)
LATENCY = Histogram(
    "eva01_request_latency_seconds",
    "How long requests took, from their headers to the response's.",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 300),
)
IN_FLIGHT = Gauge("eva01_requests_in_flight", "How many requests are being answered.")


def register_metrics(app: Flask) -> None:
    """Measure every request of `app`."""
    app.before_request(_start)
    app.after_request(_count)
    app.wsgi_app = _InFlight(app.wsgi_app)  # type: ignore[method-assign]


def queue_registry(services: Services) -> CollectorRegistry:
    """A registry with the queue's gauges, read from Redis when it is collected."""
    registry = CollectorRegistry()
    registry.register(_QueueCollector(services))
    return registry


class _InFlight:
    """Counts a request until its response is sent: a download is streamed long after its handler is done."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        IN_FLIGHT.inc()
        try:
            return ClosingIterator(self._app(environ, start_response), IN_FLIGHT.dec)
        except BaseException:
            IN_FLIGHT.dec()
            raise


class _QueueCollector(Collector):
    """The queue as it is now; nothing when Redis is away, so its absence shows."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[GaugeMetricFamily]:
        return list(queue_families())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            yield from self._read()
        except redis.RedisError as error:
            _log.warning("The queue's gauges are missing, because Redis does not answer: %s", error)

    def _read(self) -> tuple[GaugeMetricFamily, ...]:
        waiting, held, oldest, workers = families = queue_families()
        alive = self._services.fleet.workers()
        for model in known_cards(self._services):
            depth = self._services.queue.depth(model)
            waiting.add_metric([model, "interactive"], depth.interactive)
            waiting.add_metric([model, "bulk"], depth.bulk)
            held.add_metric([model], depth.held)
            oldest.add_metric([model], depth.oldest_wait_s or 0)
            for state in WorkerState:
                count = sum(worker.model == model and worker.state is state for worker in alive)
                workers.add_metric([model, state], count)
        return families


def queue_families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
    """The queue's gauges, still empty: waiting, held, oldest wait, workers."""
    return (
        GaugeMetricFamily("eva01_queue_jobs", "How many jobs wait in a queue.", labels=["model", "queue"]),
        GaugeMetricFamily("eva01_held_jobs", "How many jobs workers hold.", labels=["model"]),
        GaugeMetricFamily(
            "eva01_oldest_wait_seconds", "How long the oldest waiting job has waited.", labels=["model"]
        ),
        GaugeMetricFamily("eva01_workers", "How many workers are alive.", labels=["model", "state"]),
    )


def _start() -> None:
    g.started_s = time.perf_counter()


def _count(response: Response) -> Response:
    endpoint = request.url_rule.rule if request.url_rule else "unmatched"
    method = (
        request.method if request.method in ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS") else "other"
    )
    REQUESTS.labels(endpoint, method, str(response.status_code)).inc()
    LATENCY.labels(endpoint).observe(time.perf_counter() - g.get("started_s", time.perf_counter()))
    return response
