"""What a worker's token may change: the policy's own expressions, evaluated on patches of a worker's pod."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from cel_expr_python import cel

from tests.manifests.rendering import Object, namespace_of, of_kind, owners, render, whole_folders
from tests.servers.cluster_api import Api
from worker.ops.pod_cost import ANNOTATION, BUSY, FULL, IDLE

POD = "worker-ocr-5d8f-x7"
WORKER = "system:serviceaccount:eva01:worker"
#: Under which the API server notes of which pod a token is.
POD_OF_TOKEN = "authentication.kubernetes.io/pod-name"
EVICTABLE = "cluster-autoscaler.kubernetes.io/safe-to-evict"


class Policy:
    """Decides as the API server does: by the policy's conditions, its variables, and its validations."""

    def __init__(self, policy: Object) -> None:
        names = ("object", "oldObject", "request", "variables")
        self._language = cel.NewEnv(variables=dict.fromkeys(names, cel.Type.DYN))
        self._spec = policy["spec"]
        self.is_strict = self._spec["failurePolicy"] == "Fail"

    def refusals(self, request: Object, old: Object | None, new: Object) -> list[str]:
        """The messages of the validations that are false or cannot be evaluated; none where it has no say."""
        known: dict[str, Any] = {"request": request, "oldObject": old, "object": new}
        if not all(self._value(one["expression"], known) for one in self._spec["matchConditions"]):
            return []
        known["variables"] = {}
        for one in self._spec["variables"]:
            known["variables"][one["name"]] = self._value(one["expression"], known)
        checks = self._spec["validations"]
        return [check["message"] for check in checks if self._value(check["expression"], known) is not True]

    def _value(self, expression: str, known: Mapping[str, Any]) -> Any:
        return self._language.compile(expression).eval(data=dict(known)).plain_value()


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The policy as it is applied."""
    (found,) = of_kind(render("admission"), "ValidatingAdmissionPolicy")
    return Policy(found)


@pytest.fixture
def pod() -> dict[str, Any]:
    """A worker's pod as it is in a cluster: its template, and what the cluster adds."""
    (template,) = (
        template for owner, template in owners(render("base")) if owner["metadata"]["name"] == "worker-ocr"
    )
    made = deepcopy(dict(template))
    made["metadata"] |= {
        "name": POD,
        "namespace": "eva01",
        "uid": "6a1f",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "worker-ocr-5d8f", "uid": "77"}],
    }
    return made | {"status": {"phase": "Running"}}


def request(name: str = POD, account: str = WORKER, pod: str | None = POD) -> dict[str, Any]:
    """A request that a token makes: of an account, and of a pod."""
    who: dict[str, Any] = {"username": account, "groups": ["system:serviceaccounts"]}
    if pod is not None:
        who["extra"] = {POD_OF_TOKEN: [pod]}
    return {"name": name, "namespace": "eva01", "operation": "UPDATE", "userInfo": who}


def patched(thing: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The object after a merge patch."""
    found = dict(thing)
    for key, value in change.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = patched(found.get(key, {}), value) if isinstance(value, Mapping) else value
    return found


def annotate(**pairs: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": pairs}}


def test_a_worker_marks_its_own_pod(policy, pod, tmp_path):
    api = Api(tmp_path)
    for cost in (IDLE, BUSY, FULL, IDLE):
        api.pod.set_cost(cost)
    api.end()
    for sent in api.patches:
        marked = patched(pod, sent.change)
        assert marked["metadata"]["annotations"][ANNOTATION] in ("0", "100", "200")
        assert policy.refusals(request(), pod, marked) == []
        pod = marked
    bare = patched(pod, {"metadata": {"annotations": None}})
    assert policy.refusals(request(), bare, patched(bare, api.patches[0].change)) == []


@pytest.mark.parametrize(
    "asking",
    [
        request(name="web-7f9c-abcde"),
        request(name="worker-ocr-5d8f-x8"),
        request(pod=None),
        request() | {"userInfo": {"username": WORKER, "extra": {POD_OF_TOKEN: [POD, "web-7f9c-abcde"]}}},
    ],
    ids=["web", "another worker", "a token of no pod", "two pods"],
)
def test_no_other_pod_is_changed_not_even_its_cost(policy, pod, asking):
    marked = patched(pod, annotate(**{ANNOTATION: "100"}))
    assert policy.refusals(asking, pod, marked) == ["A worker changes its own pod alone."]


def with_image(pod: dict[str, Any], image: str) -> dict[str, Any]:
    changed = deepcopy(pod)
    changed["spec"]["containers"][0]["image"] = image
    return changed


RUNS = "A worker does not change what its pod runs."
NAMES = "A worker changes neither labels nor finalizers nor owners."
ONE = f"A worker changes one annotation alone, {ANNOTATION}."
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "a label": ({"metadata": {"labels": {"app.kubernetes.io/component": "web"}}}, NAMES),
    "no labels": ({"metadata": {"labels": None}}, NAMES),
    "a finalizer": ({"metadata": {"finalizers": ["example.org/stay"]}}, NAMES),
    "no owner": ({"metadata": {"ownerReferences": None}}, NAMES),
    "a deadline": ({"spec": {"activeDeadlineSeconds": 1}}, RUNS),
    "a toleration": ({"spec": {"tolerations": [{"operator": "Exists"}]}}, RUNS),
    "another annotation": (annotate(**{"example.org/mark": "1"}), ONE),
    "another annotation's value": (annotate(**{EVICTABLE: "true"}), ONE),
    "another annotation less": (annotate(**{EVICTABLE: None}), ONE),
}


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_else_of_its_own_pod_is_changed(policy, pod, what):
    change, message = CHANGES[what]
    assert policy.refusals(request(), pod, patched(pod, change)) == [message]
    # Nor beside its cost.
    both = patched(patched(pod, change), annotate(**{ANNOTATION: "100"}))
    assert policy.refusals(request(), pod, both) == [message]


def test_its_image_is_not_changed(policy, pod):
    assert policy.refusals(request(), pod, with_image(pod, "example.org/other:1")) == [RUNS]


def test_it_makes_no_pod(policy, pod):
    # There is no pod before, so nothing that speaks of it can be evaluated: that refuses, too.
    assert policy.is_strict
    assert policy.refusals(request() | {"operation": "CREATE"}, None, pod) != []


@pytest.mark.parametrize(
    "account",
    [
        "system:serviceaccount:kube-system:replicaset-controller",
        "system:serviceaccount:eva01:web",
        "system:serviceaccount:other:worker",
        "system:node:gpu-1",
    ],
)
def test_others_are_none_of_its_business(policy, pod, account):
    changed = with_image(patched(pod, {"metadata": {"labels": {"a": "b"}}}), "example.org/other:1")
    assert policy.refusals(request(account=account, pod=None), pod, changed) == []


@pytest.mark.parametrize("folder", whole_folders())
def test_every_installation_has_it_where_its_workers_are(folder):
    objects = render(folder)
    (policy,) = of_kind(objects, "ValidatingAdmissionPolicy")
    (binding,) = of_kind(objects, "ValidatingAdmissionPolicyBinding")
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    assert binding["spec"]["validationActions"] == ["Deny"]
    selector = binding["spec"]["matchResources"]["namespaceSelector"]
    assert selector == {"matchLabels": {"kubernetes.io/metadata.name": namespace_of(folder)}}
    accounts = {pod["spec"].get("serviceAccountName") for owner, pod in owners(objects) if _is_workers(owner)}
    assert accounts == {WORKER.rpartition(":")[2]}
    # What a Role allows, it bounds: patches of pods, which are updates.
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert {"CREATE", "UPDATE"} <= set(rule["operations"])
    roles = [role["rules"] for role in of_kind(objects, "Role") if _is_workers(role)]
    assert [one["resources"] for rules in roles for one in rules] == [rule["resources"]] == [["pods"]]


def _is_workers(thing: Object) -> bool:
    return bool(thing["metadata"]["labels"]["app.kubernetes.io/component"] == "worker")
