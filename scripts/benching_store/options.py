"""What is measured, and with how many jobs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Sizes of a run; smaller ones are quicker and less precise."""

    #: Jobs of the largest batch.
    jobs: int = 1_000_000
    #: Files that are uploaded in one go.
    files: int = 10_000
    #: Requests of a file of them.
    requests: int = 50_000
    #: How often each part is measured.
    rounds: int = 3
    #: Calls for each median or percentile.
    calls: int = 100
