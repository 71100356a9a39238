"""A run: pictures are sent and answered while faults strike, in an order drawn from a seed."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos.check import Verdict, verdicts
from tests.chaos.deployment import Deployment
from tests.chaos.faults import Fault


@dataclass(frozen=True)
class Strike:
    """One fault that struck."""

    fault: str
    #: Since the deployment was made.
    at_s: float
    #: Jobs that the targets held when it struck.
    held: int


@dataclass(frozen=True)
class Story:
    """What happened in a run, and what was found afterwards."""

    title: str
    seed: int
    model: str
    workers: int
    images: int
    seconds: float
    strikes: list[Strike]
    verdicts: list[Verdict]
    facts: dict[str, int]

    @property
    def is_good(self) -> bool:
        """True when everything held."""
        return all(verdict.holds for verdict in self.verdicts)


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def schedule(faults: Sequence[Fault], rng: random.Random) -> list[Fault]:
    """The faults in an order drawn by `rng`."""
    return rng.sample(faults, len(faults))


def run(
    deployment: Deployment,
    faults: Sequence[Fault],
    *,
    title: str = "",
    pause_s: tuple[float, float] = (0.5, 3.0),
    say: Callable[[str], None] = tell,
) -> Story:
    """Let all faults strike a deployment that has begun, wait until it has settled, and look at what is left.

    `pause_s` is the shortest and the longest pause between two faults. Order, pauses and targets follow from
    the deployment's seed; how far the work is at each fault does not, because the speed of processes varies.
    """
    rng = random.Random(deployment.seed)
    order = schedule(faults, rng)
    strikes = []
    for number, fault in enumerate(order):
        # An equal share before each fault, so that there is work until the last one.
        deployment.sender.send(deployment.sender.unsent // (len(order) - number + 1))
        time.sleep(rng.uniform(*pause_s))
        strikes.append(_strike(deployment, fault, rng))
        say(
            f"{deployment.seconds:5.0f} s  {number + 1:2}/{len(order)}  {fault.name}:"
            f" held {strikes[-1].held}, answered {deployment.answered()} of {len(deployment.pictures)}"
        )
    deployment.settle()
    say(f"{deployment.seconds:5.0f} s  settled")
    return Story(
        title=title,
        seed=deployment.seed,
        model=deployment.model,
        workers=deployment.workers,
        images=len(deployment.pictures),
        seconds=deployment.seconds,
        strikes=strikes,
        verdicts=verdicts(deployment),
        facts={
            "uploads cut off and sent again": deployment.sender.resumed,
            "calls of the blob store": deployment.buckets.app.calls,
            "of which failed": deployment.buckets.app.failures,
        },
    )


def _strike(deployment: Deployment, fault: Fault, rng: random.Random) -> Strike:
    at_s, at_risk = deployment.seconds, deployment.at_risk
    fault.strike(deployment, rng)
    return Strike(fault.name, at_s, deployment.at_risk - at_risk)
