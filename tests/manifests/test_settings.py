"""The variables and models in manifests are those that the code reads."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import AliasChoices

from jobs.contract.catalog import card_for
from jobs.contract.settings import Limits, Settings, WebSettings, WorkerSettings
from tests.manifests.rendering import (
    Object,
    containers,
    environment,
    name_of,
    of_kind,
    ours,
    owners,
    render,
    used_by,
    whole_folders,
)
from web.http.hosts import Hosts

CLASSES = (Settings, Limits, WebSettings, WorkerSettings)
#: What the command reads, which has no settings of its own kind (docs/configuration.md).
COMMAND = {"EVA01_SERVER", "EVA01_KEY"}

pytestmark = pytest.mark.parametrize("folder", whole_folders())


def known_variables() -> set[str]:
    """Every variable that the code reads."""
    names = set(COMMAND)
    for fields in (one.model_fields for one in CLASSES):
        for name, field in fields.items():
            alias = field.validation_alias
            names.add(str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"EVA01_{name.upper()}")
    return names


def own_containers(folder: str) -> Iterator[tuple[str, Object, Mapping[str, str]]]:
    """Each container of web and workers: its owner's name, itself, its variables."""
    objects = render(folder)
    for owner, pod in owners(objects):
        for container in containers(pod):
            if ours(container):
                yield name_of(owner), container, environment(container, objects)


def worker_models(folder: str) -> dict[str, dict[str, Any]]:
    """The models for which a folder has workers: the owner and its container."""
    found = {}
    for owner, pod in owners(render(folder)):
        if model := owner["metadata"]["labels"].get("eva01.dev/model"):
            found[model] = {"owner": owner, "container": pod["spec"]["containers"][0]}
    return found


def test_every_variable_is_a_setting(folder):
    for name, _, variables in own_containers(folder):
        unknown = {key for key in variables if key.startswith("EVA01_")} - known_variables()
        assert not unknown, name


def test_every_value_can_be_used(folder, monkeypatch):
    for name, container, variables in own_containers(folder):
        with monkeypatch.context() as patch:
            for key in known_variables():
                patch.delenv(key, raising=False)
            for key, value in variables.items():
                patch.setenv(key, value)
            assert [settings.read() for settings in CLASSES], name
            # The probes' port is the program's.
            ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
            assert ports.get("http", 0) in (0, WebSettings.read().port), name
            assert ports.get("health", 0) in (0, WorkerSettings.read().worker_port), name
            if ports:
                assert "0.0.0.0" in (WebSettings.read().host, WorkerSettings.read().worker_host), name


def test_web_answers_to_every_name_by_which_it_is_asked(folder):
    objects = render(folder)
    (web,) = (variables for name, _, variables in own_containers(folder) if name == "Deployment/web")
    hosts = Hosts(web["EVA01_HOST"], WebSettings(hosts=web["EVA01_HOSTS"]).hosts)
    asked = [rule["host"] for ingress in of_kind(objects, "Ingress") for rule in ingress["spec"]["rules"]]
    asked += [host for route in of_kind(objects, "HTTPRoute") for host in route["spec"]["hostnames"]]
    # An Ingress or a Gateway ends TLS: web hears of that from it alone.
    assert web.get("EVA01_PROXIES") == ("1" if asked else None)
    # Probes and Prometheus ask by the pod's address, the stress test by the Service's name.
    for host in ("10.0.3.4:8000", "[fd00::3]:8000", "web", *asked):
        assert hosts.has(host), host
    assert not hosts.has("evil.example")


def test_images_have_a_place_and_it_is_the_components(folder):
    (place,) = {
        variables["EVA01_BLOBS"] for _, _, variables in own_containers(folder) if "EVA01_BLOBS" in variables
    }
    fits = {"s3/azure": "az://", "s3/gcp": "gs://", "s3": "s3://", "blobs-claim": "file:///blobs/"}
    taken = [name for name in fits if f"components/{name}" in used_by(folder)]
    assert len(taken) == 1
    assert place.startswith(fits[taken[0]])
    assert "in-your-overlay" not in place


def test_a_worker_serves_the_model_that_it_is_labelled_with(folder):
    for model, of in worker_models(folder).items():
        owner, container = of["owner"], of["container"]
        variables = environment(container, render(folder))
        arguments = container["args"]
        asked = arguments[arguments.index("--model") + 1]
        assert card_for(asked, variables.get("MODEL_NAME", "")).name == model, name_of(owner)
        assert owner["metadata"]["name"] == f"worker-{model.replace('.', '-')}", name_of(owner)


def test_web_offers_the_models_that_have_workers(folder):
    for settings in of_kind(render(folder), "ConfigMap"):
        if "EVA01_MODELS" in settings.get("data", {}):
            offered = settings["data"]["EVA01_MODELS"].split(",")
            assert set(offered) == set(worker_models(folder)), folder
