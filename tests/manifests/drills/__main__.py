"""Run the drills: `scripts/drill_alerts [ALERT …]`."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.manifests.drills.acts import DRILLS, Drill
from tests.manifests.drills.stage import staged


def main() -> None:
    """Run all drills, or those of the alerts that are named; exits with 1 when one has failed."""
    parser = argparse.ArgumentParser(
        prog="scripts/drill_alerts",
        description="Makes each alert fire on a local stack, and ends it as the runbook says.",
    )
    parser.add_argument("alerts", nargs="*", metavar="ALERT", help="such as Eva01RedisMemory; else all")
    wanted: list[str] = parser.parse_args().alerts
    known = {alert.split()[0] for drill in DRILLS for alert in drill.alerts}
    if unknown := sorted(set(wanted) - known):
        parser.error(f"no drill for {', '.join(unknown)}. There are: {', '.join(sorted(known))}")
    with tempfile.TemporaryDirectory(prefix="eva01-drills-") as folder, staged(Path(folder)) as stage:
        drills = [drill for drill in DRILLS if not wanted or _concerns(drill, wanted)]
        failed = 0
        for drill in drills:
            began_s = time.monotonic()
            try:
                drill.run(stage)
                outcome = f"fired, and over: {drill.step}"
            except AssertionError as error:
                failed += 1
                outcome = f"FAILED: {error}"
            seconds = time.monotonic() - began_s
            print(f"{', '.join(drill.alerts)}: {outcome} ({seconds:.0f} s)", flush=True)
    sys.exit(1 if failed else 0)


def _concerns(drill: Drill, wanted: list[str]) -> bool:
    return any(alert.split()[0] in wanted for alert in drill.alerts)


if __name__ == "__main__":
    main()
