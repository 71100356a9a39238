"""Monitoring is complete: each alert has a runbook, each metric exists, each dashboard is up to date."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scripts.grafana.__main__ import written
from scripts.grafana.metrics import CodeMetrics
from tests.manifests.expressions import (
    OF_THE_CLUSTER,
    Expression,
    adapter_rules,
    everything,
    recorded,
    selectors,
    shown,
)
from tests.manifests.promtool import WATCHED
from tests.manifests.rendering import containers, name_of, of_kind, render, template, whole_folders
from tests.markdown import anchors

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "operations.md"
EXPORTERS = Path(__file__).parent / "exporters"
#: Metrics that Prometheus adds itself.
OWN = {"up"}
PARTS = {"histogram": ("_bucket", "_sum", "_count")}


def of_code() -> set[str]:
    """The names of all series of our code."""
    return {f"{metric.name}{part}" for metric in CodeMetrics() for part in PARTS.get(metric.kind, ("",))}


def of_others() -> set[str]:
    """The names of the series of other programs that are used here."""
    families = [
        family
        for path in EXPORTERS.glob("*.prom")
        for family in text_string_to_metric_families(path.read_text())
    ]
    return {sample.name for family in families for sample in family.samples}


def alerts() -> Iterator[dict[str, Any]]:
    """All alerts."""
    for thing in of_kind(render(WATCHED), "PrometheusRule"):
        for group in thing["spec"]["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)


def test_every_alert_points_at_its_section_of_the_runbook():
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["alert"].lower() in anchors(RUNBOOK), rule["alert"]


def test_redis_exporter_gives_up_on_redis_before_prometheus_gives_up_on_it():
    (pod,) = (
        template(one)
        for one in of_kind(render(WATCHED), "StatefulSet")
        if name_of(one) == "StatefulSet/redis"
    )
    assert pod
    (exporter,) = (one for one in containers(pod) if one["name"] == "exporter")
    (given,) = (one for one in exporter["args"] if one.startswith("--connection-timeout="))
    (endpoint,) = (
        endpoint
        for monitor in of_kind(render(WATCHED), "PodMonitor")
        if monitor["spec"]["selector"]["matchLabels"].get("app.kubernetes.io/component") == "redis"
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
    )
    assert seconds(given.partition("=")[2]) <= seconds(endpoint["scrapeTimeout"]) / 2


def seconds(text: str) -> int:
    """A duration in whole seconds."""
    return int(text.removesuffix("s"))


def test_the_runbook_has_no_section_for_an_alert_that_is_gone():
    sections = re.findall(r"^### (Eva01\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted({rule["alert"] for rule in alerts()})


@pytest.mark.parametrize("name", ["operations.md", "scaling.md"])
def test_every_link_of_the_page_leads_to_a_heading(name):
    page = ROOT / "docs" / name
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


@pytest.mark.parametrize("name", written())
def test_what_the_script_writes_is_committed(name):
    assert (ROOT / name).read_text(encoding="utf-8") == written()[name], "run scripts/dashboards"


@pytest.mark.parametrize("expression", everything(), ids=str)
def test_every_metric_that_is_asked_for_is_measured(expression: Expression):
    asked = {one.name for one in selectors(expression.text)}
    known = of_code() | of_others() | {rule.where for rule in recorded()} | OWN
    assert asked <= known
    # Only the rules for limits, and for the numbers of a model's fleet, are constants.
    assert asked or expression.text.startswith("vector(")


def test_every_query_of_a_dashboard_is_about_the_installation_that_is_chosen():
    for query in shown():
        for one in selectors(query.text):
            assert 'namespace="eva01"' in one.text or one.name in OF_THE_CLUSTER, query.where


def test_every_metric_of_the_code_is_on_a_dashboard():
    read = {one.name for rule in recorded() for one in selectors(rule.text)}
    read |= {one.name for query in shown() for one in selectors(query.text)}
    for metric in CodeMetrics():
        assert any(name.startswith(metric.name) for name in read), metric.name


def test_nothing_of_others_is_listed_that_nobody_asks_for():
    asked = {one.name for expression in everything() for one in selectors(expression.text)}
    assert of_others() <= asked


def test_every_counter_of_dcgm_has_type_and_help_and_those_that_are_asked_for_are_there():
    (settings,) = (
        thing for thing in of_kind(render(WATCHED), "ConfigMap") if "counters.csv" in thing["data"]
    )
    lines = [line for line in settings["data"]["counters.csv"].splitlines() if not line.startswith("#")]
    rows = [[field.strip() for field in row] for row in csv.reader(lines)]
    assert {len(row) for row in rows} == {3}
    assert {row[1] for row in rows} <= {"gauge", "counter"}
    assert all(row[2] for row in rows)
    assert {name for name in of_others() if name.startswith("DCGM_")} <= {row[0] for row in rows}


@pytest.mark.parametrize("folder", whole_folders())
def test_every_metric_that_an_autoscaler_asks_for_is_served_where_there_is_an_adapter(folder):
    objects = render(folder)
    served = {
        rule.get("name", {}).get("as", selectors(rule["seriesQuery"])[0].name)
        for rule in [*adapter_rules(), *adapter_rules("externalRules")]
    }
    asked = {
        (metric.get("pods") or metric["external"])["metric"]["name"]
        for thing in of_kind(objects, "HorizontalPodAutoscaler")
        for metric in thing["spec"]["metrics"]
    }
    assert asked <= served
    is_monitored = bool(of_kind(objects, "PrometheusRule"))
    if "gpu_utilisation_percent" in asked:
        assert is_monitored
        assert of_kind(objects, "APIService")


def test_the_autoscalers_controller_may_ask_for_each_metric_that_is_served():
    (role,) = (
        thing
        for thing in of_kind(render(WATCHED), "ClusterRole")
        if thing["metadata"]["name"] == "eva01-custom-metrics"
    )
    served = {
        rule.get("name", {}).get("as", selectors(rule["seriesQuery"])[0].name) for rule in adapter_rules()
    }
    (rule,) = role["rules"]
    assert rule["apiGroups"] == ["custom.metrics.k8s.io"]
    assert set(rule["resources"]) == {f"pods/{name}" for name in served}


def test_the_api_that_is_announced_has_a_server():
    objects = render(WATCHED)
    services = {thing["metadata"]["name"]: thing for thing in of_kind(objects, "Service")}
    announced = of_kind(objects, "APIService")
    assert announced
    for thing in announced:
        spec = thing["spec"]
        assert thing["metadata"]["name"] == f"{spec['version']}.{spec['group']}"
        service = services[spec["service"]["name"]]
        assert service["metadata"]["namespace"] == spec["service"]["namespace"]
        assert spec["service"]["port"] in {port["port"] for port in service["spec"]["ports"]}
