"""Every object of another project's kind against its schema: schemas/README.md says of which release."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.manifests.rendering import Object, all_objects, name_of
from tests.manifests.test_schemas import is_core

FOLDER = Path(__file__).parent / "schemas"
#: Kinds that are in a README, and in no folder.
READ_ALONE = {"cert-manager.io/v1/ClusterIssuer"}


@cache
def schemas() -> dict[str, Any]:
    """Each kind's schema of its `spec`, by group, version and kind."""
    files = (yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml")))
    return {kind: closed(schema) for one in files for kind, schema in one.items()}


def closed(schema: Any) -> Any:
    """A schema that refuses what it does not name, as an API server does in its strict mode."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(part) for key, part in schema.items()}
    return found | {"type": "object", "additionalProperties": False} if "properties" in schema else found


def kind_of(thing: Object) -> str:
    """Group, version and kind."""
    return f"{thing['apiVersion']}/{thing['kind']}"


def of_others() -> list[Object]:
    """Every object whose kind is not Kubernetes' own, which test_schemas.py checks."""
    return [thing for thing in all_objects() if not is_core(thing)]


def faults(thing: Object) -> list[str]:
    """What a schema says against an object, and where."""
    found = jsonschema.Draft7Validator(schemas()[kind_of(thing)]).iter_errors(thing["spec"])
    return [f"{name_of(thing)}: {'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


def test_their_schemas_know_every_field():
    assert {kind_of(thing) for thing in of_others()} == set(schemas()) - READ_ALONE
    assert [fault for thing in of_others() for fault in faults(thing)] == []


@pytest.mark.parametrize(
    ("kind", "spoiled"),
    [
        ("gateway.networking.k8s.io/v1/HTTPRoute", {"rules": [{"timeouts": {"request": "forever"}}]}),
        ("gateway.networking.k8s.io/v1/HTTPRoute", {"rules": [{"timeout": {"request": "0s"}}]}),
        (
            "karpenter.sh/v1/NodePool",
            {"disruption": {"consolidateAfter": "10m", "budgets": [{"nodes": "all"}]}},
        ),
        ("kueue.x-k8s.io/v1beta2/LocalQueue", {"clusterqueue": "eva01-ocr"}),
        ("keda.sh/v1alpha1/ScaledObject", {"scaleTargetRef": {"name": "a"}, "triggers": []}),
        (
            "keda.sh/v1alpha1/ScaledObject",
            {
                "scaleTargetRef": {"name": "a"},
                "triggers": [{"type": "redis", "metadata": {"enableTLS": True}}],
            },
        ),
        ("monitoring.coreos.com/v1/PrometheusRule", {"groups": [{"name": "a", "rules": [{"record": "b"}]}]}),
        ("autoscaling.k8s.io/v1/VerticalPodAutoscaler", {"targetRef": {"name": "web"}}),
    ],
)
def test_a_schema_refuses_what_its_kind_has_not(kind, spoiled):
    assert not jsonschema.Draft7Validator(schemas()[kind]).is_valid(spoiled)
