"""Debian's Prometheus: its programs, and the rules of k8s/ in the form that they read."""

import subprocess
from pathlib import Path

import yaml

from tests.manifests.rendering import of_kind, render
from tests.tools import PROMTOOL

#: The overlay with monitoring and all metrics for autoscalers.
WATCHED = "overlays/aws"


def promtool(*arguments: str, folder: Path | None = None) -> str:
    """The output of promtool; fails with it when promtool does."""
    done = subprocess.run([PROMTOOL.needed(), *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_rules(folder: Path) -> list[str]:
    """Write what each PrometheusRule holds to a file of its own: `alerts.yaml` for `eva01-alerts`."""
    names = []
    for thing in of_kind(render(WATCHED), "PrometheusRule"):
        names.append(f"{thing['metadata']['name'].removeprefix('eva01-')}.yaml")
        (folder / names[-1]).write_text(yaml.safe_dump({"groups": thing["spec"]["groups"]}, sort_keys=False))
    return names
