"""Every object of Kubernetes' own kinds against its schema, for all supported versions; others: cluster/."""

from collections.abc import Iterator
from functools import cache

import kubernetes_validate
import kubernetes_validate.utils
import pytest

from tests.manifests.rendering import (
    Object,
    all_objects,
    components,
    folders,
    name_of,
    render,
    template,
    used_by,
)

#: The supported versions in k8s/README.md.
VERSIONS = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
#: The first version that has images as volumes without a gate.
IMAGE_VOLUMES = "1.35"
#: Groups whose kinds come from Kubernetes itself.
_OWN_GROUPS = (
    "",
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
)


@pytest.fixture(scope="module", autouse=True)
def schemas_are_read_once() -> Iterator[None]:
    """Cache schemas by version and kind: the library reads a megabyte for each object."""
    with pytest.MonkeyPatch.context() as patch:
        utils = kubernetes_validate.utils
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


def is_core(thing: Object) -> bool:
    """True for kinds that every API server knows."""
    return thing["apiVersion"].rpartition("/")[0] in _OWN_GROUPS


def since(thing: Object) -> str:
    """The first version for which an object is meant; all, but for what says otherwise in its README."""
    volumes = (template(thing) or {"spec": {}})["spec"].get("volumes", ())
    return IMAGE_VOLUMES if any("image" in volume for volume in volumes) else VERSIONS[0]


@pytest.mark.parametrize("folder", folders())
def test_every_folder_renders_objects_that_differ_in_kind_or_name(folder):
    objects = render(folder)
    keys = [(thing["apiVersion"], name_of(thing), thing["metadata"].get("namespace")) for thing in objects]
    assert len(keys) == len(set(keys)) > 0


def test_every_component_is_in_a_combination():
    used = set().union(*(used_by(folder) for folder in folders()))
    assert set(components()) <= used


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(version):
    faults = []
    for thing in filter(is_core, all_objects()):
        if version < since(thing):
            continue
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            faults.append(f"{name_of(thing)}: {'.'.join(map(str, error.path))}: {error.message}")
    assert faults == []
