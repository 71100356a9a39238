"""Metrics of web's own requests: how many, how long, how many in flight."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from prometheus_client import Counter, Gauge, Histogram
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

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
