"""The ConfigMap with a file of models, as k8s/README.md has it."""

import os
import re
from pathlib import Path

import pytest

from jobs.contract.catalog_file.reading import read_catalog
from tests.manifests.rendering import ROOT, of_kind, render_at

FILE, PARTS = re.findall(
    r"^```yaml\n(.*?)^```",
    (ROOT / "README.md").read_text("utf-8").split("## Models of your own")[1].split("\n## ")[0],
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """An overlay of one's own, with both of the page's examples."""
    (tmp_path / "models.yaml").write_text(FILE, encoding="utf-8")
    below = os.path.relpath(ROOT / "overlays/local", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{below}]\n{PARTS}", encoding="utf-8")
    return tmp_path


def test_the_file_on_the_page_can_be_read(overlay):
    card = read_catalog(overlay / "models.yaml").card_for("receipts")
    assert [field.name for field in card.fields] == ["total", "paid by"]


def test_web_and_all_workers_read_it_where_it_is_mounted(overlay):
    objects = render_at(overlay)
    maps = of_kind(objects, "ConfigMap")
    (name,) = (one["metadata"]["name"] for one in maps if "models.yaml" in one["data"])
    assert re.fullmatch(r"eva01-models-\w+", name), "a change of the file replaces the pods"
    deployments = of_kind(objects, "Deployment")
    assert {one["metadata"]["name"] for one in deployments} == {"web", "worker-nano", "worker-ocr"}
    for one in deployments:
        pod = one["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        env = {variable["name"]: variable.get("value") for variable in container["env"]}
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert env["EVA01_CATALOG"] == f"{mounts['models']}/models.yaml"
        assert {"name": "models", "configMap": {"name": name}} in pod["volumes"]
