"""What is measured, and with how many jobs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Less of everything is quicker, and says less."""

    #: Jobs of the largest batch.
    jobs: int = 1_000_000
    #: Files that are uploaded in one go.
    files: int = 10_000
    #: How often each part is measured anew.
    rounds: int = 3
    #: Calls of which a median or a percentile is taken.
    calls: int = 100
