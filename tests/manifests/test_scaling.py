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
from jobs.storage.connection.address import Address
from tests.manifests.formulas import value
from tests.manifests.rendering import (
    ROOT,
    Object,
    environment,
    folders,
    name_of,
    of_kind,
    ours,
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
    "ready": names.ready_of_late_key,
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
        elif thing["metadata"]["labels"].get("eva01.dev/model"):
            # One that asks other servers: these are scaled (tests/manifests/cluster/test_vllm_server.py).
            assert "components/vllm-server" in used_by(folder), name_of(thing)


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
        assert "min(interactive + bulk + held, " in formula
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


#: A Redis: host, port, database, and whether by TLS.
Asked = tuple[str, int, int, bool]


def redis_of_triggers(objects: tuple[Object, ...]) -> list[Asked]:
    """The Redis that each trigger of a fleet asks."""
    return [
        (host, int(port), int(said["databaseIndex"]), said.get("enableTLS") == "true")
        for fleet in of_kind(objects, "ScaledObject")
        for trigger in fleet["spec"]["triggers"]
        if trigger["type"] == "redis"
        for said in [trigger["metadata"]]
        for host, port in [said["address"].split(":")]
    ]


def redis_of_workers(objects: tuple[Object, ...]) -> list[Asked]:
    """The same of web and workers; a Service of their namespace by its name in the whole cluster."""
    services = {one["metadata"]["name"] for one in of_kind(objects, "Service")}
    found = []
    for owner, pod in owners(objects):
        said = environment(pod["spec"]["containers"][0], objects)
        if owner["kind"] == "Deployment" and "REDIS_URL" in said:
            address = Address.parse(said["REDIS_URL"])
            ((host, port),) = address.nodes
            whole = f"{host}.{owner['metadata']['namespace']}.svc.cluster.local"
            found.append((whole if host in services else host, port, address.database, address.has_tls))
    return found


@each_folder
def test_the_triggers_ask_the_redis_that_web_and_workers_use(folder):
    objects = render(folder)
    used = set(redis_of_workers(objects))
    assert len(used) == 1
    assert not of_kind(objects, "ScaledObject") or set(redis_of_triggers(objects)) == used


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
            assert wish(fleet, interactive=30, **{name: None}) == 1
        # While Redis is away, the whole formula is nil, whatever surrounds the sum.
        if asks_prometheus(fleet):
            away = dict.fromkeys(QUEUE_TRIGGERS) | {"peak": 1}
            assert value(formula, readings(fleet, **away)) is None


def readings(fleet: Object, **known: float | None) -> dict[str, float | None]:
    """What the triggers of a fleet read: 0, but for what is said; None where one fails."""
    said = {trigger["name"]: 0 for trigger in fleet["spec"]["triggers"]}
    return said | {name: known[name] for name in known if name in said}


def wish(fleet: Object, **known: float | None) -> int:
    """How many workers the formula asks for, before any bound of the object."""
    found = value(modifiers(fleet)["formula"], readings(fleet, **known))
    assert found is not None
    return math.ceil(found / int(modifiers(fleet)["target"]))


def slots(fleet: Object) -> int:
    """How many jobs a worker holds, as the fleet says."""
    return int(fleet["metadata"]["annotations"]["eva01.dev/slots"])


#: All that may ask for workers, each for very many: reasons of the components are there in some folders only.
MANY = {"interactive": 90_000, "bulk": 90_000, "peak": 50, "gpu": 50, "latency": 50, "forecast": 90_000}


@each_folder
def test_no_fleet_grows_beyond_twice_those_that_were_ready_of_late(folder):
    for _, fleet in model_fleets(folder):
        first = int(fleet["metadata"]["annotations"]["eva01.dev/first-workers"])
        assert wish(fleet, **MANY) == first == 1
        assert [wish(fleet, **MANY, ready=ready) for ready in (1, 2, 4, 5)] == [2, 4, 8, 10]
        for reason in MANY:
            one = {"interactive": 1, reason: MANY[reason]}
            assert wish(fleet, **one) <= 1, reason
            assert wish(fleet, **one, ready=3) <= 6, reason


@each_folder
def test_the_first_job_of_a_fleet_at_zero_starts_it(folder):
    for _, fleet in model_fleets(folder):
        for waits in ("interactive", "bulk", "held"):
            found = value(modifiers(fleet)["formula"], readings(fleet, **{waits: 1}))
            assert found is not None
            assert found > int(modifiers(fleet)["activationTarget"])


@each_folder
def test_a_fleet_without_any_job_goes_whatever_it_was_of_late(folder):
    for _, fleet in model_fleets(folder):
        assert value(modifiers(fleet)["formula"], readings(fleet, ready=10)) == 0


@each_folder
def test_a_worker_whose_slots_are_all_taken_is_wanted(folder):
    for _, fleet in model_fleets(folder):
        for full in range(1, 11):
            assert wish(fleet, held=full * slots(fleet), ready=full) == full
            # Also while a Redis that was emptied does not know yet who is ready.
            assert wish(fleet, held=full * slots(fleet)) == full
            assert wish(fleet, held=full * slots(fleet) + 1, ready=full + 1) == full + 1


@each_folder
def test_a_fleet_knows_the_slots_of_its_workers(folder):
    objects = render(folder)
    pods = {name_of(owner): pod["spec"]["containers"][0] for owner, pod in owners(objects)}
    for _, fleet in model_fleets(folder):
        container = pods[target_of(fleet)]
        said = [environment(container, objects).get("EVA01_SLOTS")] if ours(container) else container["args"]
        assert str(slots(fleet)) in said or f"--max-num-seqs={slots(fleet)}" in said


@each_folder
def test_every_term_of_a_formula_counts_in_jobs(folder):
    for _, fleet in model_fleets(folder):
        formula = modifiers(fleet)["formula"]
        assert not re.search(r"[A-Z]", formula)
        # Of what asks for very many workers, the brake lets one: the target of one, in jobs.
        assert value(formula, readings(fleet, **MANY)) == int(modifiers(fleet)["target"])


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
    for waiting, held, total, ready, workers in found:
        assert int(waiting) + int(held) == int(total)
        wanted = wish(fleet, bulk=int(waiting), held=int(held), ready=int(ready))
        assert min(wanted, fleet["spec"]["maxReplicaCount"]) == int(workers)


def test_the_page_says_how_long_a_rollout_of_the_manifests_takes():
    (worker,) = (
        owner for owner, _ in owners(render("base")) if name_of(owner) == "Deployment/worker-qwen2-5-vl-7b"
    )
    share = int(worker["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"].rstrip("%"))
    found = rows("## A rollout")
    assert len(found) > 3
    for fleet, at_once, rounds, minutes, one_by_one in found:
        # Kubernetes rounds a share down, and takes one where nothing is left.
        assert int(at_once) == max(1, int(fleet) * share // 100)
        assert int(rounds) == math.ceil(int(fleet) / int(at_once))
        assert (int(minutes), int(one_by_one)) == (3 * int(rounds), 3 * int(fleet))
