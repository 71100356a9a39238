"""The short chaos run: everything that can break breaks once or twice, and nothing is lost."""

import pytest

from tests.chaos import faults
from tests.chaos.deployment import LEASE_S, Deployment
from tests.chaos.pictures import draw
from tests.chaos.run import run
from tests.chaos.servers import RedisServer

pytestmark = [pytest.mark.redis, pytest.mark.process, pytest.mark.timeout(300)]

SEED = 20
FAULTS: list[faults.Fault] = [
    faults.KillWorker(),
    faults.KillWorker(),
    faults.StopWorker(for_s=LEASE_S * 1.5),
    faults.TermStorm(),
    faults.KillRedis(away_s=1),
    faults.RestartRedis(),
    faults.KillWeb(files=20),
    faults.Stall(),
    faults.Reset(),
    faults.Delay(for_s=2),
]


@pytest.fixture
def deployment(tmp_path):
    made = Deployment(tmp_path, draw(150, SEED, tmp_path / "pictures"), RedisServer(tmp_path), seed=SEED)
    try:
        made.begin()
        yield made
    finally:
        made.end()


def test_nothing_is_lost_whatever_breaks(deployment):
    story = run(deployment, FAULTS, pause_s=(0.1, 0.5))
    assert len(story.strikes) == len(FAULTS)
    assert story.is_good, "\n".join(f"{one.claim} {one.found}" for one in story.verdicts if not one.holds)
