"""What the code measures, read from its own registry, and the queries that each kind allows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import REGISTRY
from prometheus_client.core import Metric as Family
from prometheus_client.metrics import MetricWrapperBase

import jobs.contract.metrics
import jobs.upkeep.housekeeping
import web.access.signing
import web.api.queue_gauges
import web.fetch.metrics
import web.http.problems
import web.http.request_metrics
import worker.ops.metrics

_MODULES = (
    jobs.contract.metrics,
    jobs.upkeep.housekeeping,
    web.access.signing,
    web.fetch.metrics,
    web.http.request_metrics,
    web.http.problems,
    worker.ops.metrics,
)
#: Every query is about the installation that is chosen; others may share the Prometheus.
INSTALLATION = 'namespace="$namespace"'


class NotMeasured(Exception):
    """Raised when a dashboard asks for a metric or label that the code does not have, or a gauge's rate."""


@dataclass(frozen=True)
class Metric:
    """A metric as Prometheus knows it: a counter's name ends in `_total`."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...]

    def rate(self, *by: str, **matchers: str) -> str:
        """Events a second. Raises NotMeasured for a gauge: its rate means nothing."""
        self._must_be("counter")
        return f"sum{_by(by)} (rate({self._selected(by, matchers)}[$__rate_interval]))"

    def share(self, *by: str, **matchers: str) -> str:
        """The share of events whose labels match `matchers`, 0 to 1. Raises NotMeasured for a gauge."""
        return f"{self.rate(*by, **matchers)} / {self.rate(*by)}"

    def hourly(self, *by: str) -> str:
        """Events of the last hour, the very first one included; 0 without any.

        A counter with labels has no series before its first event, so `increase` misses that one. Raises
        NotMeasured for a gauge.
        """
        self._must_be("counter")
        series = self._selected(by, {})
        born = f"({series} unless {series} offset 1h)"
        return f"sum{_by(by)} ({born} or increase({series}[1h])) or on () vector(0)"

    def value(self, *by: str, **matchers: str) -> str:
        """A gauge: the largest value of all processes. Raises NotMeasured for another kind."""
        self._must_be("gauge")
        return f"max{_by(by)} ({self._selected(by, matchers)})"

    def quantile(self, part: float, *by: str, **matchers: str) -> str:
        """The quantile `part` (0 to 1) of all events. Raises NotMeasured unless it is a histogram."""
        self._must_be("histogram")
        buckets = f"rate({self._selected(by, matchers, '_bucket')}[$__rate_interval])"
        return f"histogram_quantile({part}, sum{_by((*by, 'le'))} ({buckets}))"

    def mean(self, *by: str, **matchers: str) -> str:
        """The mean of all events. Raises NotMeasured unless it is a histogram."""
        self._must_be("histogram")
        sums, counts = (
            f"sum{_by(by)} (rate({self._selected(by, matchers, end)}[$__rate_interval]))"
            for end in ("_sum", "_count")
        )
        return f"{sums} / {counts}"

    def _must_be(self, kind: str) -> None:
        if self.kind != kind:
            raise NotMeasured(f"{self.name} is a {self.kind}, not a {kind}.")

    def _selected(self, by: tuple[str, ...], matchers: dict[str, str], end: str = "") -> str:
        """The series of one namespace and the chosen models; others as `matchers` say, by pattern."""
        unknown = {*by, *matchers} - {*self.labels, "job", "pod"}
        if unknown:
            raise NotMeasured(f"{self.name} has no label {', '.join(sorted(unknown))}.")
        chosen = {"model": "$model"} if "model" in self.labels else {}
        patterns = [f'{label}=~"{pattern}"' for label, pattern in (chosen | matchers).items()]
        return f"{self.name}{end}{{{', '.join([INSTALLATION, *patterns])}}}"


class CodeMetrics:
    """All metrics of the code, by the names under which Prometheus has them."""

    def __init__(self) -> None:
        self._metrics = {metric.name: metric for metric in _measured()}

    def __getitem__(self, name: str) -> Metric:
        """Raises NotMeasured when there is none of that name."""
        try:
            return self._metrics[name]
        except KeyError:
            raise NotMeasured(f"Nothing in the code is called {name}.") from None

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics.values())


def _measured() -> Iterator[Metric]:
    labels = {
        measure._name: measure._labelnames
        for module in _MODULES
        for measure in vars(module).values()
        if isinstance(measure, MetricWrapperBase)
    }
    # The queue's gauges are made anew for each scrape; all others are in the registry.
    queue = web.api.queue_gauges.queue_families()
    yield from _named(queue, {family.name: family._labelnames for family in queue})
    ours = (family for family in REGISTRY.collect() if family.name in labels)
    yield from _named(ours, labels)


def _named(families: Iterable[Family], labels: dict[str, tuple[str, ...]]) -> Iterator[Metric]:
    for family in families:
        end = "_total" if family.type == "counter" else ""
        yield Metric(f"{family.name}{end}", family.type, family.documentation, tuple(labels[family.name]))


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""
