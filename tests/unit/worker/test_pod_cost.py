"""A worker's pod says whether it is busy: against a real HTTPS server that fakes the Kubernetes API."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clock import Clock
from tests.processes import free_port, wait_until
from tests.servers.cluster_api import Api, service_account
from worker.ops.pod_cost import ACCOUNT, ANNOTATION, BUSY, IDLE, PatchFailed, Pod, PodCost

SLOTS = 32


class Held:
    """The number of held jobs, which the test sets."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        return self.count


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A running API."""
    api = Api(tmp_path)
    yield api
    api.end()


@pytest.fixture
def held() -> Held:
    """Nothing is held."""
    return Held()


@pytest.fixture
def cost(api: Api, held: Held, clock: Clock) -> PodCost:
    """The cost of a pod that the API knows; the test calls its update, not a thread."""
    return PodCost(api.pod.set_cost, held, lambda: SLOTS, clock)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_patch_changes_one_annotation_of_the_own_pod_and_nothing_else(api):
    api.pod.set_cost(BUSY)
    (patch,) = api.patches
    assert patch.path.split("?")[0] == "/api/v1/namespaces/eva01/pods/worker-ocr-5d8f-x7"
    assert patch.content_type == "application/merge-patch+json"
    assert patch.change == {"metadata": {"annotations": {ANNOTATION: "100"}}}


def test_the_token_is_read_anew_because_the_cluster_replaces_it(api):
    api.pod.set_cost(IDLE)
    (api.account / "token").write_text("second\n")
    api.pod.set_cost(BUSY)
    assert [patch.token for patch in api.patches] == ["first", "second"]


def test_it_is_written_at_the_beginning_because_a_container_before_may_have_ended_busy(api, cost):
    cost.look()
    assert api.costs == ["0"]


def test_it_is_written_only_when_the_worker_turns_idle_or_busy_or_full(api, cost, held, clock):
    for held.count in (0, 0, 1, 5, SLOTS, SLOTS, 31, 0, 0):
        clock.now_s += 60
        cost.look()
    assert api.costs == ["0", "100", "200", "100", "0"]


def test_a_slot_that_is_free_for_a_moment_is_no_change(api, cost, held, clock):
    for held.count in (SLOTS, 31, SLOTS, 30, 31, SLOTS) * 5:
        clock.now_s += 3
        cost.look()
    assert api.costs == ["200"]


def test_writes_are_ten_seconds_apart_and_the_last_state_wins(api, cost, held, clock):
    cost.look()
    for held.count in (3, 0, 3):
        clock.now_s += 3
        cost.look()
    assert api.costs == ["0"]
    clock.now_s += 1
    cost.look()
    assert api.costs == ["0", "100"]


def test_a_turn_that_is_over_before_its_time_is_never_written(api, cost, held, clock):
    cost.look()
    for held.count in (3, 0):
        clock.now_s += 4
        cost.look()
    clock.now_s += 60
    cost.look()
    assert api.costs == ["0"]


def test_a_denied_patch_is_one_warning_with_its_reason_and_is_tried_again_later(
    api, cost, held, clock, caplog
):
    caplog.set_level(logging.INFO)
    api.status, api.reply = 403, {"message": 'pods "worker-ocr-5d8f-x7" is forbidden'}
    held.count = 1
    for _ in range(3):
        cost.look()
        clock.now_s += 60
    (warning,) = warnings(caplog)
    assert '403: pods "worker-ocr-5d8f-x7" is forbidden' in warning
    api.status = 200
    cost.look()
    assert api.costs == ["100"] * 4
    assert "can be written again" in caplog.records[-1].message


def test_between_two_tries_the_api_is_left_alone(api, cost, clock):
    api.status, api.reply = 503, ["not", "a", "status"]
    cost.look()
    clock.now_s += 59
    cost.look()
    assert len(api.patches) == 1


def test_an_api_that_is_away_is_one_warning(api, held, clock, caplog):
    away = replace(api.pod, port=free_port())
    cost = PodCost(away.set_cost, held, lambda: SLOTS, clock)
    for _ in range(3):
        cost.look()
        clock.now_s += 60
    (warning,) = warnings(caplog)
    assert f"127.0.0.1:{away.port}" in warning
    assert "refused" in warning


def test_a_server_with_another_certificate_is_told_nothing(api, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(PatchFailed, match="certificate"):
        replace(api.pod, account=service_account(other)).set_cost(BUSY)
    assert api.patches == []


def test_a_pod_without_a_mounted_token_says_which_file_is_missing(api):
    (api.account / "token").unlink()
    with pytest.raises(PatchFailed, match="account/token"):
        api.pod.set_cost(BUSY)


def test_its_thread_looks_by_itself(api, held):
    cost = PodCost(api.pod.set_cost, held, lambda: SLOTS)
    held.count = 2
    cost.start()
    wait_until(lambda: api.costs == ["100"], "the cost is written")
    cost.stop()


@pytest.mark.parametrize(
    ("name", "host"), [("", "10.0.0.1"), ("worker-1", ""), ("", "")], ids=["no name", "no cluster", "neither"]
)
def test_outside_a_cluster_there_is_no_pod(monkeypatch, name, host):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    assert Pod.here(name) is None


def test_inside_a_cluster_the_pod_is_found(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    pod = Pod.here("worker-1")
    assert pod == Pod("worker-1", "10.0.0.1", 6443, ACCOUNT)
