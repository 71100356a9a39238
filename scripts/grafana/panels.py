"""Grafana's JSON: a panel, a row of panels, a dashboard. Independent of what is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS, _HEIGHT = 24, 8


@dataclass(frozen=True)
class Query:
    """One query of a panel; `legend` may name labels as `{{label}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A graph, or one number when `kind` is `stat`. `unit` is one of Grafana's: `s`, `short`, `percent`, …"""

    title: str
    queries: Sequence[Query]
    description: str
    unit: str = "short"
    kind: str = "timeseries"
    is_stacked: bool = False


@dataclass(frozen=True)
class Row:
    """Panels side by side, under a title."""

    title: str
    panels: Sequence[Panel]


def dashboard(
    uid: str, title: str, rows: Sequence[Row], variables: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """A dashboard: its `uid` is its address, so links to it stay."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["eva01"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_DATASOURCE, *variables]},
        "panels": _laid_out(rows),
    }


def installations() -> dict[str, Any]:
    """A dashboard variable: the installation, by its namespace."""
    return _found("namespace", "Installation", "label_values(eva01:installation, namespace)")


def models(metric: str) -> dict[str, Any]:
    """A dashboard variable: the models in the labels of `metric`."""
    return _found("model", "Model", f'label_values({metric}{{namespace="$namespace"}}, model)') | {
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def amount(name: str, label: str, value: str) -> dict[str, Any]:
    """A dashboard variable: a number that the viewer can edit."""
    return {
        "name": name,
        "label": label,
        "type": "textbox",
        "query": value,
        "current": {"text": value, "value": value},
    }


def _found(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
    }


_DATASOURCE = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _laid_out(rows: Sequence[Row]) -> list[dict[str, Any]]:
    laid_out: list[dict[str, Any]] = []
    for n, row in enumerate(rows):
        top = n * (_HEIGHT + 1)
        width = _COLUMNS // len(row.panels)
        laid_out.append(_header(row.title, top, len(laid_out) + 1))
        for column, panel in enumerate(row.panels):
            place = {"x": column * width, "y": top + 1, "w": width, "h": _HEIGHT}
            laid_out.append(_panel(panel, place, len(laid_out) + 1))
    return laid_out


def _header(title: str, top: int, number: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(panel: Panel, place: dict[str, int], number: int) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.is_stacked:
        defaults["custom"] = {"fillOpacity": 30, "stacking": {"mode": "normal", "group": "A"}}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + n),
                "datasource": _SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
            }
            for n, query in enumerate(panel.queries)
        ],
    }
