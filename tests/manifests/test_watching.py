"""Each query of each dashboard, rule and trigger gives data, with a real Prometheus and a real stack."""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from tests.manifests.expressions import (
    Expression,
    adapted,
    adapted_by_model,
    alerting,
    everything,
    recorded,
    selectors,
    shown,
    triggering,
)
from tests.manifests.watching import MODEL, Prometheus, ScrapedStack, exporters
from tests.processes import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.process, pytest.mark.timeout(240)]

#: Expressions that always give data. An alert gives some only while it fires, so only its series are checked.
ALWAYS = [*recorded(), *shown(), *triggering(), *adapted(), *adapted_by_model()]
#: The 7B's names in the triggers, and the name of the stub model that runs here instead.
OURS = {"qwen2.5-vl-7b": MODEL, "qwen2-5-vl-7b": MODEL}


def here(text: str) -> str:
    """The expression for the model that runs here."""
    for theirs, ours in OURS.items():
        text = text.replace(theirs, ours)
    return text


def number(series: Mapping[str, Any]) -> float:
    """The value of a series."""
    return float(series["value"][1])


def is_number(series: Mapping[str, Any]) -> bool:
    """False for NaN, such as the quantile of no events."""
    return math.isfinite(number(series))


@cache
def wanted() -> frozenset[str]:
    """All expressions that must give data."""
    expressions = {here(one.text) for one in ALWAYS}
    return frozenset(
        expressions | {here(one.text) for whole in everything() for one in selectors(whole.text)}
    )


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that runs from before the first job until after the last fault."""
    stack = ScrapedStack(tmp_path_factory.mktemp("stack"))
    with exporters() as address:
        server = Prometheus(tmp_path_factory.mktemp("prometheus"), stack, address)
        try:
            server.wait_until_ready()
            stack.exercise()
            yield server
        finally:
            server.end()
            stack.end()


@pytest.fixture(scope="module")
def answers(prometheus: Prometheus) -> Mapping[str, list[dict[str, Any]]]:
    """The result of each query, once all give data or the time is over."""
    found: dict[str, list[dict[str, Any]]] = {}

    def missing() -> frozenset[str]:
        return wanted() - {text for text, series in found.items() if any(map(is_number, series))}

    def all_give() -> bool:
        # Rates cover the last minute, so events have to continue on a slow machine.
        prometheus.stack.ask()
        found.update({text: prometheus.query(text) for text in missing()})
        return not missing()

    # After the timeout, each test reports its own missing data.
    with suppress(AssertionError):
        wait_until(all_give, "every query gives data", 90, every_s=1.0)
    return found


@pytest.mark.parametrize("expression", ALWAYS, ids=str)
def test_every_query_of_dashboards_rules_and_triggers_gives_data(answers, expression: Expression):
    assert any(map(is_number, answers[here(expression.text)]))


@pytest.mark.parametrize("expression", everything(), ids=str)
def test_every_series_that_is_read_is_there(answers, expression: Expression):
    missing = [one.text for one in selectors(expression.text) if not answers[here(one.text)]]
    assert missing == []


@pytest.mark.parametrize("expression", list(triggering()), ids=str)
def test_a_trigger_gives_keda_one_number(answers, expression: Expression):
    (series,) = answers[here(expression.text)]
    assert is_number(series)


@pytest.mark.parametrize("expression", list(adapted()), ids=str)
def test_the_adapter_gives_an_autoscaler_a_number_for_each_pod(answers, expression: Expression):
    pods = [series["metric"]["pod"] for series in answers[here(expression.text)]]
    assert len(pods) == len(set(pods)) > 0


@pytest.mark.parametrize("expression", list(adapted_by_model()), ids=str)
def test_the_adapter_gives_an_autoscaler_one_number_for_a_model_without_any_pod(answers, expression):
    (series,) = answers[here(expression.text)]
    assert series["metric"] == {"model": MODEL}
    assert is_number(series)


def test_every_rule_can_be_evaluated(prometheus):
    rules = prometheus.rules()
    assert len(rules) == len(list(recorded())) + len(list(alerting()))
    wait_until(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), "all are evaluated", 20)


def values(prometheus: Prometheus, rule: str) -> list[float]:
    """What a recording rule says now of all, or of the model that runs here."""
    (text,) = (one.text for one in recorded() if one.where == rule)
    found = prometheus.query(text)
    return [number(series) for series in found if series["metric"].get("model", MODEL) == MODEL]


@pytest.mark.parametrize(
    "rule",
    [
        "model:eva01_quarantined_jobs:increase1h",
        "model:eva01_crash_redeliveries:increase5m",
        "eva01:blob_operations_exhausted:increase15m",
    ],
)
def test_what_happened_is_what_is_counted(prometheus, rule):
    # What Prometheus has not asked for since counts as nothing, and so does who answers it late.
    wait_until(lambda: [value >= 1 for value in values(prometheus, rule)] == [True], f"{rule} counts it")


@pytest.mark.parametrize(("rule", "gpus"), [("requested_in_cluster", 2), ("held", 1), ("in_cluster", 1)])
def test_gpus_are_counted_as_the_exporters_say(prometheus, rule, gpus):
    rule = f"eva01:gpus_{rule}"
    wait_until(lambda: values(prometheus, rule) == [gpus], f"{rule} is {gpus}")
