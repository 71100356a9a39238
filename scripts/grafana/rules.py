"""The recording rules of k8s/components/monitoring in Prometheus' own form, for docker-compose.yaml."""

from pathlib import Path

import yaml

_MONITORING = Path(__file__).parents[2] / "k8s/components/monitoring"
#: Without the alerts: a single machine has nobody on call, no kube-state-metrics and no DCGM exporter.
_SOURCES = ("installation/settings.yaml", "recording.yaml")
_HEADER = "# Written by scripts/dashboards from k8s/components/monitoring, where each rule is explained.\n"


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a literal block (`|`)."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def rules() -> str:
    """All groups of the sources, as YAML."""
    objects = (yaml.safe_load((_MONITORING / name).read_text(encoding="utf-8")) for name in _SOURCES)
    groups = [group for thing in objects for group in thing["spec"]["groups"]]
    text: str = yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, width=160)
    return _HEADER + text
