"""What is cancelled, what a dead worker or engine had, what one that stops has: the same by both engines."""

import signal

import psutil
import pytest

from tests.process.others.scenes import answers, send
from tests.process.two_engines.served import OURS, SCENES, VLLM
from tests.processes import wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]


@pytest.fixture(params=[OURS, VLLM])
def served(request, both):
    return both[request.param]


@pytest.fixture
def right(both, client, folder):
    """What has to come of every batch."""
    return [(job.state, job.answer) for job in answers(client, folder, OURS)]


def came_of(client, batch_id: str) -> list[tuple[str, str | None]]:
    client.wait(batch_id)
    jobs = sorted(client.results(batch_id), key=lambda job: job.file)
    return [(job.state, job.answer) for job in jobs]


def sent_and_begun(client, served, folder) -> str:
    """The id of a batch of which the worker, which stands still, has jobs."""
    batch_id = send(client, folder, served.model)
    wait_until(lambda: client.batch(batch_id).counts.get("running"), "the worker has begun")
    return batch_id


def test_what_is_cancelled_is_given_up(served, client, folder):
    served.process.send_all(signal.SIGSTOP)
    batch_id = send(client, folder, served.model)
    client.cancel_batch(batch_id)
    served.process.send_all(signal.SIGCONT)
    client.wait(batch_id)
    assert {job.state for job in client.results(batch_id)} <= {"cancelled", "succeeded"}
    assert [job.state for job in answers(client, folder, served.model)] == ["succeeded"] * len(SCENES)


def test_cancelled_jobs_leave_vllm_nothing_to_do(both, client, folder):
    served = both[VLLM]
    before = served.counted("vllm:prompt_tokens_total")
    batch_id = send(client, folder, VLLM, "Describe this image.", temperature=2, max_new_tokens=2000)
    wait_until(lambda: served.counted("vllm:prompt_tokens_total") > before, "vLLM has begun")
    client.cancel_batch(batch_id)
    wait_until(lambda: not served.counted("vllm:num_requests_running"), "vLLM has nothing to do")
    assert not served.counted("vllm:num_requests_waiting")


def test_what_a_killed_worker_had_is_answered_by_the_next(served, client, folder, right):
    batch_id = sent_and_begun(client, served, folder)
    processes = served.processes()
    served.process.send(signal.SIGKILL)
    served.process.wait()
    # A card's memory would stay taken.
    wait_until(lambda: not any(map(psutil.Process.is_running, processes)), "nothing of it is left")
    served.start()
    assert came_of(client, batch_id) == right


def test_a_worker_that_is_told_to_stop_answers_what_it_has_and_leaves_the_rest(served, client, folder, right):
    batch_id = sent_and_begun(client, served, folder)
    processes = served.processes()
    served.process.send(signal.SIGTERM)
    assert served.process.wait() == 0
    assert client.batch(batch_id).counts.get("running", 0) == 0
    wait_until(lambda: not any(map(psutil.Process.is_running, processes)), "nothing of it is left")
    served.start()
    assert came_of(client, batch_id) == right


def test_when_vllms_engine_dies_its_worker_ends_and_the_next_answers(both, client, folder, right):
    served = both[VLLM]
    batch_id = sent_and_begun(client, served, folder)
    for process in served.processes()[1:]:
        if "EngineCore" in " ".join(process.cmdline()):
            process.kill()
    assert served.process.wait() == 1
    served.start()
    assert came_of(client, batch_id) == right


def test_vllms_engine_that_dies_while_nobody_asks_ends_its_worker(both):
    served = both[VLLM]
    next(one for one in served.processes()[1:] if "EngineCore" in " ".join(one.cmdline())).kill()
    assert served.process.wait() == 1
    served.start()
