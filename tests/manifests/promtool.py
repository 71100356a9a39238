"""Debian's Prometheus: its programs, and the rules of k8s/ in the form that they read."""

import subprocess
from pathlib import Path

import yaml

from tests.manifests.rendering import Object, of_kind, render
from tests.tools import PROMTOOL

#: The overlay with monitoring and all metrics for autoscalers.
WATCHED = "overlays/aws"
#: The combination in which the fleets' wish is a rule.
WISHED = "tests/queue-hpa"


def promtool(*arguments: str, folder: Path | None = None) -> str:
    """The output of promtool; fails with it when promtool does."""
    done = subprocess.run([PROMTOOL.needed(), *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules_of(*rendered: str) -> list[Object]:
    """Every PrometheusRule of some folders, once."""
    found = {
        thing["metadata"]["name"]: thing
        for folder in rendered
        for thing in of_kind(render(folder), "PrometheusRule")
    }
    return list(found.values())


def write_rules(folder: Path, *rendered: str) -> list[str]:
    """Write what each PrometheusRule holds to a file of its own: `alerts.yaml` for `eva01-alerts`."""
    names = []
    for thing in rules_of(*rendered or [WATCHED]):
        names.append(f"{thing['metadata']['name'].removeprefix('eva01-')}.yaml")
        (folder / names[-1]).write_text(yaml.safe_dump({"groups": thing["spec"]["groups"]}, sort_keys=False))
    return names
