"""Debian's Prometheus: its programs, and the rules of k8s/ in the form that they read."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.manifests.rendering import of_kind, render

#: Who has monitoring, and every metric for autoscalers.
WATCHED = "overlays/aws"


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; fails, and does not skip, where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is not installed: apt-get install prometheus (the package of Debian and Ubuntu)."
        )
    return found


def promtool(*arguments: str, folder: Path | None = None) -> str:
    """What promtool says; fails with it when it finds a fault."""
    done = subprocess.run([program("promtool"), *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_rules(folder: Path) -> list[str]:
    """Write what each PrometheusRule holds to a file of its own: `alerts.yaml` for `eva01-alerts`."""
    names = []
    for thing in of_kind(render(WATCHED), "PrometheusRule"):
        names.append(f"{thing['metadata']['name'].removeprefix('eva01-')}.yaml")
        (folder / names[-1]).write_text(yaml.safe_dump({"groups": thing["spec"]["groups"]}, sort_keys=False))
    return names
