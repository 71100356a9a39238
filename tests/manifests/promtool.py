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
#: The overlay of another installation in the same cluster.
SECOND = "overlays/second"


def promtool(*arguments: str, folder: Path | None = None) -> str:
    """The output of promtool; fails with it when promtool does."""
    done = subprocess.run([PROMTOOL.needed(), *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules_of(*rendered: str) -> list[Object]:
    """Every PrometheusRule of some folders, once."""
    found = {
        (thing["metadata"]["namespace"], thing["metadata"]["name"]): thing
        for folder in rendered
        for thing in of_kind(render(folder), "PrometheusRule")
    }
    return list(found.values())


def write_rules(folder: Path, *rendered: str) -> list[str]:
    """Write what each PrometheusRule holds to a file of its own.

    `eva01-alerts` becomes `alerts.yaml`, and in another namespace than `eva01` `NAMESPACE-alerts.yaml`.
    """
    names = []
    for thing in rules_of(*rendered or [WATCHED]):
        name, namespace = (thing["metadata"][key] for key in ("name", "namespace"))
        start = "" if namespace == "eva01" else f"{namespace}-"
        names.append(f"{start}{name.removeprefix('eva01-')}.yaml")
        (folder / names[-1]).write_text(yaml.safe_dump({"groups": thing["spec"]["groups"]}, sort_keys=False))
    return names
