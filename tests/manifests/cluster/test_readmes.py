"""Every component says when to use it, when not, and what it costs; its README's commands are right."""

import re
from os.path import relpath
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.cluster.test_custom_schemas import faults
from tests.manifests.rendering import ROOT, Object, folders, name_of, of_kind, render, render_at, used_by
from tests.markdown import anchors

COMPONENTS = sorted(path for path in (ROOT / "components").iterdir() if path.is_dir())
#: What every README says, each at the beginning of a paragraph.
SAID = ("**Use it when**", "**Leave it out**", "**It costs**")
GATEWAY = ROOT / "components" / "gateway-api" / "README.md"

each_component = pytest.mark.parametrize("component", COMPONENTS, ids=lambda path: path.name)


@each_component
def test_a_component_says_when_to_use_it_when_not_and_what_it_costs(component: Path):
    text = (component / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {component.name}\n")
    found = re.findall(r"^(\*\*(?:Use it when|Leave it out|It costs)\*\*) (\w.+)$", text, re.MULTILINE)
    assert [lead for lead, _ in found] == list(SAID)


@each_component
def test_a_component_is_listed_and_in_something_that_is_rendered_and_checked(component: Path):
    name = component.relative_to(ROOT).as_posix()
    listed = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"[{component.name}]({name}/)" in listed
    assert any(one == name or one.startswith(f"{name}/") for folder in folders() for one in used_by(folder))


@pytest.mark.parametrize(
    "page", sorted(ROOT.rglob("*.md")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_every_link_leads_to_something_that_is_there(page: Path):
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def said_in(page: Path, before: str, after: str) -> Any:
    """What YAML between two lines of a page says."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"{before}\n")
    text, found, _ = rest.partition(f"{after}\n")
    assert found, before
    return yaml.safe_load(text)


def gateway() -> Object:
    """The Gateway as it is rendered."""
    (found,) = of_kind(render("tests/karpenter"), "Gateway")
    return found


def test_the_issuer_of_the_readme_is_the_one_that_the_gateway_names_and_asks_by_its_port_80():
    issuer = said_in(GATEWAY, "    kubectl apply -f - <<'EOF'", "    EOF")
    assert faults(issuer) == []
    named = gateway()["metadata"]["annotations"]["cert-manager.io/cluster-issuer"]
    assert name_of(issuer) == f"ClusterIssuer/{named}"
    (solver,) = issuer["spec"]["acme"]["solvers"]
    (parent,) = solver["http01"]["gatewayHTTPRoute"]["parentRefs"]
    where = gateway()["metadata"]
    assert (parent["namespace"], parent["name"]) == (where["namespace"], where["name"])
    (listener,) = (one for one in gateway()["spec"]["listeners"] if one["name"] == parent["sectionName"])
    assert (listener["protocol"], listener["port"]) == ("HTTP", 80)


def test_the_commands_of_the_readme_name_what_is_there():
    text = GATEWAY.read_text(encoding="utf-8")
    where = gateway()["metadata"]
    (secret,) = gateway()["spec"]["listeners"][1]["tls"]["certificateRefs"]
    # cert-manager calls a Gateway's certificate after its Secret.
    assert f"kubectl -n {where['namespace']} wait certificate/{secret['name']} " in text
    assert f"kubectl -n {where['namespace']} get gateway {where['name']} " in text


def overlay(folder: Path, *components: str, **more: Any) -> tuple[Object, ...]:
    """What somebody's own overlay of base, keda and components renders."""
    text = yaml.safe_dump(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [relpath(ROOT / one, folder.resolve()) for one in ("base", "keda")],
            "components": [relpath(ROOT / "components" / one, folder.resolve()) for one in components],
            **more,
        }
    )
    (folder / "kustomization.yaml").write_text(text)
    return render_at(folder)


def test_the_limits_are_changed_as_the_readme_says_and_stay_of_their_installation(tmp_path: Path):
    page = ROOT / "components" / "monitoring" / "README.md"
    told = said_in(
        page,
        "- The limits, by a patch in your overlay, in the order of `installation/settings.yaml`:\n",
        "\n- `runbook_url` is a path in this repository.",
    )
    rules = (
        rule
        for thing in of_kind(overlay(tmp_path, "monitoring", **told), "PrometheusRule")
        for group in thing["spec"]["groups"]
        for rule in group["rules"]
        if rule.get("record", "").endswith(":limit")
    )
    assert {rule["record"]: (rule["labels"]["namespace"], rule["expr"]) for rule in rules} == {
        "eva01:gpu_hours_a_day:limit": ("eva01", "vector(20)"),
        "eva01:oldest_wait_seconds:limit": ("eva01", "vector(900)"),
        "eva01:failure_ratio:limit": ("eva01", "vector(0.02)"),
    }


def test_a_budget_is_not_taken_away_without_a_word(tmp_path: Path):
    with pytest.raises(AssertionError, match="testing value /spec/fallback/behavior failed"):
        overlay(tmp_path, "gpu-budget", "hpa-gpu")


def test_plain_autoscalers_are_refused_beside_those_of_keda(tmp_path: Path):
    with pytest.raises(AssertionError, match="testing value /kind failed"):
        overlay(tmp_path, "monitoring", "prometheus-adapter", "queue-hpa")


def test_what_the_readme_puts_into_an_overlay_changes_the_name_everywhere(tmp_path: Path):
    rendered = overlay(tmp_path, "gateway-api", **said_in(GATEWAY, "```yaml", "```"))
    names = {one["hostname"] for thing in of_kind(rendered, "Gateway") for one in thing["spec"]["listeners"]}
    names |= {name for thing in of_kind(rendered, "HTTPRoute") for name in thing["spec"]["hostnames"]}
    assert names == {"images.example.org"}
    (settings,) = (
        one["data"] for one in of_kind(rendered, "ConfigMap") if "EVA01_HOSTS" in one.get("data", {})
    )
    assert settings["EVA01_HOSTS"].split(",")[0] in names
