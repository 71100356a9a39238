"""The rules under promtool's unit tests: series that fire each alert, and series that must not."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.expressions import OF_THE_CLUSTER, alerting, recorded
from tests.manifests.promtool import SECOND, WATCHED, WISHED, promtool, write_rules
from tests.manifests.rendering import of_kind, render

HERE = Path(__file__).parent / "rules"
ROOT = Path(__file__).parents[2]
CASES = sorted(path.name for path in HERE.glob("*.test.yaml"))


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with the rules, those of a second installation too, and their tests beside them."""
    write_rules(tmp_path, WATCHED, SECOND)
    for path in HERE.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path


def groups() -> list[str]:
    """All groups of rules: a recording rule before the rules that read it."""
    names = [
        group["name"]
        for thing in of_kind(render(WATCHED), "PrometheusRule")
        for group in thing["spec"]["groups"]
    ]
    return sorted(names, key=lambda name: "alerts" in name)


def alerts() -> set[str]:
    """The names of all alerts."""
    return {
        rule["alert"]
        for thing in of_kind(render(WATCHED), "PrometheusRule")
        for group in thing["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def tried() -> Iterator[tuple[str, bool]]:
    """Each check of an alert in the tests: its name, and whether it must fire."""
    for name in CASES:
        for case in yaml.safe_load((HERE / name).read_text())["tests"]:
            for look in case.get("alert_rule_test", ()):
                yield look["alertname"], bool(look["exp_alerts"])


@pytest.mark.parametrize("rendered", [WATCHED, WISHED, SECOND])
def test_prometheus_accepts_every_rule(tmp_path, rendered):
    for name in write_rules(tmp_path, rendered):
        promtool("check", "rules", name, folder=tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_alerts_ring_when_they_must_and_never_else(rules, name):
    promtool("test", "rules", name, folder=rules)


@pytest.mark.parametrize("name", CASES)
def test_every_group_has_its_place_in_the_tests_order(name):
    case: Any = yaml.safe_load((HERE / name).read_text())
    order = case["group_eval_order"]
    assert sorted(order) == sorted(groups())
    assert order == sorted(order, key=lambda group: "alerts" in group)


def test_rules_know_no_installation_by_name_and_keep_whose_each_series_is():
    for expression in [*recorded(), *alerting()]:
        assert "namespace=" not in expression.text, expression.where
        if expression.where not in OF_THE_CLUSTER:
            for by in re.findall(r"\b(?:sum|max|min|avg|count)\b *(by *\([^)]*\))?", expression.text):
                assert by.startswith("by (namespace"), expression.where


def test_every_alert_is_tried_both_ways():
    looks = set(tried())
    assert {name for name, rings in looks if rings} == alerts()
    assert {name for name, rings in looks if not rings} == alerts()


# Not whether its files are there: the key is made when compose starts.
def test_prometheus_accepts_the_configuration_of_one_machine():
    promtool("check", "config", "--syntax-only", str(ROOT / "docker" / "prometheus.yml"))
