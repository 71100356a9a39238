"""What makes a first worker come sooner, and what each component saves and costs by the page's arithmetic."""

import re

import pytest

from jobs.contract.catalog import name_of
from tests.manifests.formulas import value
from tests.manifests.rendering import Object, containers, environment, of_kind, owners, render
from tests.manifests.test_scaling import rows
from worker.engines.weights.bucket import is_in_bucket

FOLDER = "tests/karpenter"


@pytest.fixture
def worker() -> Object:
    """The template of the GPU worker."""
    (found,) = (
        pod for owner, pod in owners(render(FOLDER)) if owner["metadata"]["name"] == "worker-qwen2-5-vl-7b"
    )
    return found


def test_weights_come_as_an_image_of_one_version_and_are_only_read(worker):
    (volume,) = (one for one in worker["spec"]["volumes"] if one["name"] == "model-cache")
    assert set(volume) == {"name", "image"}
    _, colon, tag = volume["image"]["reference"].rpartition(":")
    assert colon
    assert tag != "latest"
    assert volume["image"]["pullPolicy"] == "IfNotPresent"
    (container,) = containers(worker)
    (mount,) = (one for one in container["volumeMounts"] if one["name"] == "model-cache")
    variables = environment(container, render(FOLDER))
    assert mount == {"name": "model-cache", "mountPath": variables["HF_HOME"], "readOnly": True}
    # All is there, so nobody is asked for it.
    assert variables["HF_HUB_OFFLINE"] == "1"


def test_weights_from_a_bucket_are_the_labelled_model_and_the_hub_is_asked_for_nothing():
    folder = "tests/external-redis"
    (pod,) = (pod for owner, pod in owners(render(folder)) if owner["metadata"]["name"].endswith("-7b"))
    variables = environment(containers(pod)[0], render(folder))
    assert is_in_bucket(variables["MODEL_NAME"])
    assert name_of(variables["MODEL_NAME"]) == pod["metadata"]["labels"]["eva01.dev/model"]
    assert variables["HF_HUB_OFFLINE"] == "1"
    # Where it reads them to is written by itself alone.
    (volume,) = (one for one in pod["spec"]["volumes"] if one["name"] == "model-cache")
    assert "emptyDir" in volume


def test_what_is_pulled_beforehand_is_the_workers_own_image(worker):
    (puller,) = (
        one for one in of_kind(render(FOLDER), "DaemonSet") if one["metadata"]["name"] == "image-puller"
    )
    (waits,) = puller["spec"]["template"]["spec"]["initContainers"]
    assert waits["image"] == containers(worker)[0]["image"]
    taken = {one["key"] for one in puller["spec"]["template"]["spec"]["tolerations"]}
    assert taken == {one["key"] for one in worker["spec"]["tolerations"]}


def test_the_rates_of_the_page_give_its_seconds():
    found = rows("### What is moved, and how fast")
    assert len(found) > 5
    for _, gigabytes, megabytes_a_second, seconds in found:
        assert float(gigabytes) * 1000 / float(megabytes_a_second) == float(seconds)


def test_what_each_remedy_saves_is_the_difference_to_none():
    (_, image, weights, _), *others = rows("### What each saves")
    assert others
    for name, its_image, its_weights, minutes in others:
        saved = float(image) + float(weights) - float(its_image) - float(its_weights)
        assert f"{saved / 60:.1f}" == minutes, name


def computed(text: str) -> float:
    """What arithmetic on the page comes to."""
    text = text.replace("×", "*").replace("÷", "/").replace("−", "-")
    # Of whole numbers the language makes whole numbers.
    found = value(re.sub(r"[\d.]+", lambda number: str(float(number[0])), text), {})
    assert found is not None
    return found


def test_what_the_other_components_save_and_cost_is_what_the_page_computes():
    found = rows("### What the others save, and cost")
    assert len(found) > 5
    for name, _, saved_by, minutes, paid_by, gpu_hours in found:
        assert f"{computed(saved_by):.1f}" == minutes, name
        assert f"{computed(paid_by):.1f}" == gpu_hours, name
