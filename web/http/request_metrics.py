"""Metrics of web's own requests: how many, how long, how many in flight."""

import time

from flask import Flask, Response, g, request
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "eva01_requests_total", "How many requests were answered.", ["endpoint", "method", "status"]
)
LATENCY = Histogram(
    "eva01_request_latency_seconds",
    "How long requests took, from their headers to the response's.",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 300),
)
IN_FLIGHT = Gauge("eva01_requests_in_flight", "How many requests a thread works on, or are ready for one.")


def register_metrics(app: Flask) -> None:
    """Measure every request of `app`."""
    app.before_request(_start)
    app.after_request(_count)


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
