"""What scales: one autoscaler a target, on the queue's own names, with numbers that follow from another."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.contract import names
from tests.manifests.rendering import (
    ROOT,
    Object,
    environment,
    folders,
    name_of,
    of_kind,
    owners,
    render,
    used_by,
    whole_folders,
)

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
QUEUE_TRIGGERS = {
    "interactive": names.interactive_queue,
    "bulk": names.bulk_queue,
    "held": names.held_key,
}

#: The component that every model's fleet uses.
TEMPLATE = "keda/template"

each_folder = pytest.mark.parametrize("folder", whole_folders())


def target_of(autoscaler: Object) -> str:
    """The object that an autoscaler scales."""
    target = autoscaler["spec"]["scaleTargetRef"]
    return f"{target['kind']}/{target['name']}"


def model_fleets(folder: str) -> Iterator[tuple[str, Object]]:
    """Each ScaledObject of a model's workers, with the model."""
    for thing in of_kind(render(folder), "ScaledObject"):
        if model := thing["metadata"]["labels"].get("eva01.dev/model"):
            yield model, thing


def modifiers(fleet: Object) -> dict[str, Any]:
    """The formula and its target."""
    found: dict[str, Any] = fleet["spec"]["advanced"]["scalingModifiers"]
    return found


@each_folder
def test_nothing_has_two_autoscalers(folder):
    objects = render(folder)
    there = {name_of(thing) for thing in objects}
    targets = Counter(map(target_of, of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler")))
    assert set(targets) <= there
    assert [target for target, count in targets.items() if count > 1] == []


@each_folder
def test_whatever_is_scaled_says_no_number_of_its_own(folder):
    objects = render(folder)
    scaled = set(map(target_of, of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler")))
    for thing, _ in owners(objects):
        if name_of(thing) in scaled:
            assert "replicas" not in thing["spec"], name_of(thing)
        if thing["metadata"]["labels"].get("eva01.dev/model"):
            assert name_of(thing) in scaled


@each_folder
def test_no_vertical_autoscaler_evicts_a_worker_or_fights_over_a_resource(folder):
    objects = render(folder)
    by_resource = {
        target_of(thing)
        for thing in of_kind(objects, "HorizontalPodAutoscaler")
        if any(metric["type"] in ("Resource", "ContainerResource") for metric in thing["spec"]["metrics"])
    }
    for thing in of_kind(objects, "VerticalPodAutoscaler"):
        target = thing["spec"]["targetRef"]
        if thing["spec"]["updatePolicy"]["updateMode"] != "Off":
            assert not target["name"].startswith("worker-"), name_of(thing)
            assert f"{target['kind']}/{target['name']}" not in by_resource, name_of(thing)


def taking_the_template() -> list[str]:
    """The folders that each define one model's fleet."""
    taken = [folder for folder in folders() if TEMPLATE in used_by(folder)]
    return [folder for folder in taken if (ROOT / folder / "scaling.yaml").exists()]


def values(thing: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that an object holds, with where it is."""
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for key, inner in pairs:
        yield from values(inner, f"{path}.{key}")
    if not pairs:
        yield path, thing


@pytest.mark.parametrize("folder", taking_the_template())
def test_what_a_model_says_of_its_fleet_the_template_leaves_alone(folder):
    said = yaml.safe_load((ROOT / folder / "scaling.yaml").read_text())
    (fleet,) = of_kind(render(folder), "ScaledObject")
    assert dict(values(said)).items() <= dict(values(fleet)).items()


def test_every_fleet_is_made_from_the_template():
    made = {model for folder in taking_the_template() for model, _ in model_fleets(folder)}
    assert made == {model for folder in whole_folders() for model, _ in model_fleets(folder)}


@each_folder
def test_a_trigger_has_the_targets_number(folder):
    for _, fleet in model_fleets(folder):
        lengths = {trigger["metadata"].get("listLength") for trigger in fleet["spec"]["triggers"]}
        assert lengths - {None} == {modifiers(fleet)["target"]}


@each_folder
def test_the_triggers_read_the_keys_that_the_code_writes(folder):
    for model, fleet in model_fleets(folder):
        triggers = {trigger["name"]: trigger for trigger in fleet["spec"]["triggers"]}
        read = {name: triggers[name]["metadata"]["listName"] for name in QUEUE_TRIGGERS}
        assert read == {name: key(model) for name, key in QUEUE_TRIGGERS.items()}
        assert triggers["held"]["type"].startswith("redis")


@each_folder
def test_the_formula_counts_all_open_jobs_and_uses_every_trigger(folder):
    for _, fleet in model_fleets(folder):
        formula = modifiers(fleet)["formula"]
        assert "interactive + bulk + held" in formula
        named = [trigger["name"] for trigger in fleet["spec"]["triggers"]]
        assert len(named) == len(set(named))
        assert set(named) <= set(re.findall(r"[a-z_]+", formula)), formula


@each_folder
def test_the_password_comes_from_an_authentication_that_is_there(folder):
    objects = render(folder)
    logins = {thing["metadata"]["name"]: thing for thing in of_kind(objects, "TriggerAuthentication")}
    for _, fleet in model_fleets(folder):
        for trigger in fleet["spec"]["triggers"]:
            if trigger["type"].startswith("redis"):
                (secret,) = (
                    entry
                    for entry in logins[trigger["authenticationRef"]["name"]]["spec"]["secretTargetRef"]
                    if entry["parameter"] == "password"
                )
                assert (secret["name"], secret["key"]) == ("eva01-redis", "password")
                assert not {"password", "passwordFromEnv"} & set(trigger["metadata"])


@each_folder
def test_the_triggers_ask_the_redis_that_workers_use(folder):
    objects = render(folder)
    services = {
        f"{service['metadata']['name']}.eva01.svc.cluster.local:{port['port']}"
        for service in of_kind(objects, "Service")
        for port in service["spec"]["ports"]
    }
    for _, fleet in model_fleets(folder):
        for trigger in fleet["spec"]["triggers"]:
            address = trigger["metadata"].get("address", "")
            assert not address.startswith("redis.eva01") or address in services, folder


def asks_prometheus(fleet: Object) -> list[str]:
    """The names of the triggers that fail when Prometheus is away."""
    return [trigger["name"] for trigger in fleet["spec"]["triggers"] if trigger["type"] == "prometheus"]


@each_folder
def test_an_outage_of_redis_takes_no_fleet_to_zero(folder):
    for _, fleet in model_fleets(folder):
        fallback = fleet["spec"]["fallback"]
        # With a Prometheus trigger, a failed trigger is nil, and a nil formula makes KEDA use `replicas`.
        wanted = "scalingModifiers" if asks_prometheus(fleet) else "currentReplicas"
        assert fallback["behavior"] == wanted
        # With 0, KEDA scales a fleet to zero while its triggers fail.
        assert fallback["replicas"] >= 1
        # KEDA ignores the fallback when the target is not an integer.
        assert modifiers(fleet)["target"].isdigit()


@each_folder
def test_an_outage_of_prometheus_leaves_the_queue_its_say(folder):
    for _, fleet in model_fleets(folder):
        formula = modifiers(fleet)["formula"]
        for name in asks_prometheus(fleet):
            assert f"{name} ?? 0.0" in formula
            assert len(re.findall(rf"\b{name}\b", formula)) == 1
        # While Redis is away, the whole formula is nil, whatever surrounds the sum.
        around = ("held == nil ? nil : max(", "held == nil ? nil : min(")
        assert formula == "interactive + bulk + held" or formula.startswith(around)


@each_folder
def test_every_term_of_a_formula_counts_in_jobs(folder):
    for _, fleet in model_fleets(folder):
        factors = re.findall(r"\* (\S+)", modifiers(fleet)["formula"])
        assert set(factors) <= {modifiers(fleet)["target"]}
        assert not re.search(r"[A-Z]", modifiers(fleet)["formula"])


@each_folder
def test_a_fleet_outlives_its_longest_pause(folder):
    for _, fleet in model_fleets(folder):
        spec = fleet["spec"]
        assert spec["minReplicaCount"] < spec["maxReplicaCount"]
        # A reading may miss a ticket in transit, so a single one must not scale to zero.
        assert spec["cooldownPeriod"] >= 10 * spec["pollingInterval"]


def rows(heading: str) -> list[list[str]]:
    """The table below a heading of the page, without its own heading."""
    _, _, rest = PAGE.read_text().partition(f"{heading}\n")
    table = re.search(r"(?:^\|.*\n)+", rest, re.MULTILINE)
    assert table, heading
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def fleets_by_model() -> dict[str, Object]:
    """The fleets as k8s/keda has them."""
    return {
        thing["metadata"]["labels"]["eva01.dev/model"]: thing
        for thing in of_kind(render("keda"), "ScaledObject")
    }


def test_the_targets_of_the_page_are_those_of_the_manifests():
    slots = {
        pod["metadata"]["labels"]["eva01.dev/model"]: environment(
            pod["spec"]["containers"][0], render("base")
        )["EVA01_SLOTS"]
        for owner, pod in owners(render("base"))
        if owner["metadata"]["labels"].get("eva01.dev/model")
    }
    found = rows("## How many jobs a worker")
    assert {row[0] for row in found} == set(fleets_by_model())
    for model, slots_said, wanted_s, each_s, target in found:
        assert slots_said == slots[model]
        assert int(slots_said) * int(wanted_s) / int(each_s) == int(target)
        assert modifiers(fleets_by_model()[model])["target"] == target


def test_the_worked_example_of_the_page_is_right():
    fleet = fleets_by_model()["qwen2.5-vl-7b"]
    found = rows("## A worked example")
    assert len(found) > 3
    for waiting, held, total, workers in found:
        assert int(waiting) + int(held) == int(total)
        wanted = math.ceil(int(total) / int(modifiers(fleet)["target"]))
        assert min(wanted, fleet["spec"]["maxReplicaCount"]) == int(workers)
