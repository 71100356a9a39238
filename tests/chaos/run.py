"""A run: pictures are sent and answered while faults strike, in an order drawn from a seed."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos.check import Verdict, verdicts
from tests.chaos.faults import Fault
from tests.chaos.world import World


@dataclass(frozen=True)
class Strike:
    """One fault that struck."""

    fault: str
    #: Since the world was made.
    at_s: float
    #: Jobs that those it struck held.
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
    world: World,
    faults: Sequence[Fault],
    *,
    title: str = "",
    pause_s: tuple[float, float] = (0.5, 3.0),
    say: Callable[[str], None] = tell,
) -> Story:
    """Let all faults strike a world that has begun, wait until it has settled, and look at what is left.

    `pause_s` is the shortest and the longest pause between two faults. Order, pauses and targets follow from
    the world's seed; when each falls into the work does not, as processes take the time they take.
    """
    rng = random.Random(world.seed)
    order = schedule(faults, rng)
    strikes = []
    for number, fault in enumerate(order):
        # As much for each fault, so that there is work to the last.
        world.sender.send(world.sender.unsent // (len(order) - number + 1))
        time.sleep(rng.uniform(*pause_s))
        strikes.append(_strike(world, fault, rng))
        say(
            f"{world.seconds:5.0f} s  {number + 1:2}/{len(order)}  {fault.name}: held {strikes[-1].held},"
            f" answered {world.answered()} of {len(world.pictures)}"
        )
    world.settle()
    say(f"{world.seconds:5.0f} s  settled")
    return Story(
        title=title,
        seed=world.seed,
        model=world.model,
        workers=world.workers,
        images=len(world.pictures),
        seconds=world.seconds,
        strikes=strikes,
        verdicts=verdicts(world),
        facts={
            "uploads cut off and sent again": world.sender.resumed,
            "calls of the blob store": world.buckets.door.calls,
            "of which failed": world.buckets.door.failures,
        },
    )


def _strike(world: World, fault: Fault, rng: random.Random) -> Strike:
    at_s, at_risk = world.seconds, world.at_risk
    fault.strike(world, rng)
    return Strike(fault.name, at_s, world.at_risk - at_risk)
