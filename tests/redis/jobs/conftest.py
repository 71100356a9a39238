"""What tests of jobs/ on a real server share."""

import pytest

from jobs.storage.tickets.queue import JobQueue


@pytest.fixture
def queue(store) -> JobQueue:
    return JobQueue(store)
