"""All PromQL expressions: of rules, dashboards, KEDA's triggers, the adapter."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.manifests.promtool import WATCHED, WISHED, rules_of
from tests.manifests.rendering import of_kind, render

#: The folder whose rendering has every kind of trigger.
TRIGGERED = "tests/triggers"
#: What is recorded of all GPUs, whoever has them.
OF_THE_CLUSTER = {"eva01:gpus_requested_in_cluster", "eva01:gpus_in_cluster"}
#: Keywords of PromQL between names.
_WORDS = {"and", "or", "unless", "bool"}
_NAME = r"[a-zA-Z_:][\w:]*"


@dataclass(frozen=True)
class Expression:
    """A PromQL expression, and where it is from."""

    where: str
    text: str

    def __str__(self) -> str:
        return self.where


@dataclass(frozen=True)
class Selector:
    """The series that an expression reads: `text` with its matchers, `name` without."""

    name: str
    text: str


def recorded() -> Iterator[Expression]:
    """The expressions of recording rules."""
    for rule in _rules():
        if "record" in rule:
            yield Expression(rule["record"], rule["expr"])


def alerting() -> Iterator[Expression]:
    """The expressions of alerts; they give data only while an alert fires."""
    for rule in _rules():
        if "alert" in rule:
            yield Expression("/".join([rule["alert"], *_source(rule)]), rule["expr"])


def shown() -> Iterator[Expression]:
    """The queries of the dashboards, with Grafana's variables filled in."""
    for thing in of_kind(render(WATCHED), "ConfigMap"):
        if thing["metadata"]["labels"].get("grafana_dashboard"):
            for text in thing["data"].values():
                yield from _panels(json.loads(text))


def triggering() -> Iterator[Expression]:
    """The queries of KEDA's Prometheus triggers."""
    for fleet in of_kind(render(TRIGGERED), "ScaledObject"):
        for trigger in fleet["spec"]["triggers"]:
            if trigger["type"] == "prometheus":
                yield Expression(trigger["name"], trigger["metadata"]["query"])


def adapted() -> Iterator[Expression]:
    """The queries of the Prometheus adapter, for autoscalers."""
    for rule in adapter_rules():
        text = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'namespace="eva01",pod=~".+"')
        yield Expression(rule["seriesQuery"], text.replace("<<.GroupBy>>", "pod"))


def adapted_by_model() -> Iterator[Expression]:
    """Its queries that are about no pod."""
    for rule in adapter_rules("externalRules"):
        yield Expression(
            rule["name"]["as"],
            rule["metricsQuery"].replace("<<.LabelMatchers>>", 'namespace="eva01",model="qwen2.5-vl-7b"'),
        )


def adapter_rules(key: str = "rules") -> list[dict[str, Any]]:
    """The rules in the adapter's configuration; those under `externalRules` are about no pod."""
    (settings,) = (
        thing
        for thing in of_kind(render(WATCHED), "ConfigMap")
        if thing["metadata"]["name"].startswith("prometheus-adapter")
    )
    rules: list[dict[str, Any]] = yaml.safe_load(settings["data"]["config.yaml"])[key]
    return rules


def everything() -> list[Expression]:
    """All expressions."""
    return [*recorded(), *alerting(), *shown(), *triggering(), *adapted(), *adapted_by_model()]


def selectors(text: str) -> list[Selector]:
    """The series that an expression reads, in its order.

    >>> [one.text for one in selectors('sum by (a) (rate(x_total{b="c"}[5m] offset 1h)) or 0 * y:z')]
    ['x_total{b="c"}', 'y:z']
    """
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    # The texts that label_replace is given.
    text = re.sub(r',\s*"[^"]*"', " ", text)
    text = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", text)
    found = re.finditer(rf"(?<![\w:$])({_NAME})(\{{[^}}]*\}})?(?![\w:{{])(?!\s*\()", text)
    return [Selector(one[1], one[0]) for one in found if one[1] not in _WORDS]


def _rules() -> Iterator[dict[str, Any]]:
    for thing in rules_of(WATCHED, WISHED):
        for group in thing["spec"]["groups"]:
            yield from group["rules"]


def _source(rule: dict[str, Any]) -> list[str]:
    return [rule["labels"]["source"]] if "source" in rule["labels"] else []


def _panels(board: dict[str, Any]) -> Iterator[Expression]:
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "1m").replace("$model", ".*")
            text = text.replace("$namespace", "eva01")
            text = text.replace("$gpu_hour_price", "2.5")
            where = f"{board['uid']}/{panel['title']}/{target['refId']}"
            yield Expression(where, text)
