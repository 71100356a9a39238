"""A device that does not come back: its worker ends, and what else it held is answered."""

import pytest

from jobs.contract.models import JobState
from tests.stub_engine import HANG
from tests.worker_processes import ANSWERS, QUESTIONS

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: A short deadline, so that the tests need not wait for the usual one.
DEADLINE = {"EVA01_JOB_TIMEOUT_S": "0.5"}


def test_the_one_job_on_a_device_that_hangs_fails_and_the_others_are_answered(workers):
    hanging, *others = [workers.enqueue(question) for question in (HANG, *QUESTIONS[:6])]
    worker = workers.start_worker(takes_s=0, **DEADLINE).wait_until_ready()
    assert worker.exit_code() == 1, worker.process.output()
    failed = workers.store.get_job(hanging.id)
    assert (failed.state, failed.error.code) == (JobState.FAILED, "deadline_exceeded")
    assert workers.held() == 0
    workers.start_worker(takes_s=0, **DEADLINE).wait_until_ready()
    assert workers.wait_for_answers(others) == ANSWERS[:6]
