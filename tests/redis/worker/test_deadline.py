"""A call to the device that never returns: the worker ends, and its other jobs are answered."""

import pytest

from jobs.contract.models import JobState
from tests.stubs.engine import HANG
from tests.stubs.processes import ANSWERS, QUESTIONS

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: A deadline shorter than the default, so that the tests are quick.
DEADLINE = {"EVA01_JOB_TIMEOUT_S": "0.5"}


def test_the_one_job_on_a_device_that_hangs_fails_and_the_others_are_answered(workers):
    hanging, *others = [workers.enqueue(question) for question in (HANG, *QUESTIONS[:6])]
    worker = workers.start_worker(takes_s=0, **DEADLINE).wait_until_ready()
    assert worker.exit_code() == 1, worker.process.output()
    failed = workers.store.get_job(hanging.id)
    assert (failed.state, failed.error.code) == (JobState.FAILED, "deadline_exceeded")
    assert workers.held() == 0
    # Not with that deadline: on a busy machine an answer may take as long.
    workers.start_worker(takes_s=0).wait_until_ready()
    assert workers.wait_for_answers(others) == ANSWERS[:6]
