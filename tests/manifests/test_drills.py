"""Each alert has a drill; the drills themselves are run by `scripts/drill_alerts`, and one of them here."""

import pytest

from tests.manifests.drills.acts import DRILLS
from tests.manifests.drills.hastened import hasten, hastened_rules
from tests.manifests.drills.stage import staged
from tests.manifests.promtool import promtool
from tests.manifests.test_monitoring import alerts


def test_each_alert_has_a_drill():
    named = {" ".join(filter(None, (rule["alert"], rule["labels"].get("source")))) for rule in alerts()}
    drilled = [alert for drill in DRILLS for alert in drill.alerts]
    assert sorted(drilled) == sorted(named)


def test_a_minute_of_the_rules_is_a_second(tmp_path):
    assert hasten("rate(a[5m]) > 0 unless a offset 1h") == "rate(a[5000ms]) > 0 unless a offset 60000ms"
    for name in hastened_rules(tmp_path):
        promtool("check", "rules", name, folder=tmp_path)


@pytest.mark.redis
@pytest.mark.process
def test_an_alert_fires_and_the_step_of_the_runbook_ends_it(tmp_path):
    (drill,) = (drill for drill in DRILLS if drill.alerts == ("Eva01RedisMemory",))
    with staged(tmp_path) as stage:
        drill.run(stage)
