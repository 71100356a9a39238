"""The short soak: twice the load, and neither time nor memory runs away."""

import pytest

from tests.chaos.soak import MAX_QUEUED, Soak

pytestmark = [pytest.mark.redis, pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture
def soak(tmp_path):
    made = Soak(tmp_path)
    yield made
    made.end()


def test_what_there_is_no_room_for_is_turned_away_and_the_rest_is_answered(soak):
    seen = soak.run(seconds=45)
    assert seen.refused > 0, "twice the load did not fill the queue"
    assert seen.accepted + seen.refused == seen.offered
    assert (len(seen.waits_s), seen.failed) == (seen.accepted, 0)
    # A full queue, and the requests under way when it had one place left, at this machine's pace; twice that,
    # as the pace varies; without the queue's limit the wait would be that of all offered images.
    full_s = (MAX_QUEUED + 100) * seen.took_s / len(seen.waits_s)
    assert seen.wait_s(0.95) < 2 * full_s
    for who in ("web", "worker", "redis"):
        early, late = seen.memory(who, 1), seen.memory(who, 3)
        assert late < 1.15 * early + 10, f"{who} grew from {early:.0f} to {late:.0f} MiB"
