"""The short soak: twice the load, and neither time nor memory runs away."""

import pytest

from tests.chaos.soak import MAX_QUEUED, TAKES_S, Soak

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
    # A full queue, and the requests in progress when it had one place left. Twice that, for a slow machine;
    # without the queue's limit the wait would be that of all offered images.
    full_s = (MAX_QUEUED + 100) * TAKES_S
    assert seen.wait_s(0.95) < max(2 * full_s, 0.5 * seen.offered * TAKES_S)
    for who in ("web", "worker", "redis"):
        early, late = seen.memory(who, 1), seen.memory(who, 3)
        assert late < 1.15 * early + 10, f"{who} grew from {early:.0f} to {late:.0f} MiB"
