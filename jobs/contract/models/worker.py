"""What a worker says of itself."""

from enum import StrEnum

from pydantic import AwareDatetime

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.base import Kept


class WorkerState(StrEnum):
    """What a worker is doing."""

    #: Its model is being loaded: it takes no jobs yet.
    LOADING = "loading"
    #: It takes jobs.
    READY = "ready"
    #: It was told to stop: it finishes what it holds.
    DRAINING = "draining"


class WorkerInfo(Kept):
    """One worker, as its heartbeat describes it."""

    id: str
    model: str
    state: WorkerState
    #: How many jobs it holds at most.
    slots: int
    #: Where it runs, such as `cpu` or `cuda:0 NVIDIA H100`.
    device: str
    started_at: AwareDatetime
    #: Seconds that it took from the start of its process until it was ready; None before.
    start_s: float | None = None
    #: What it lets one choose of its resolution; None where nobody may, and before its model is loaded.
    max_pixels: PixelRange | None = None
    #: What keeps Redis, or the server that it asks, from doing its part, as the worker sees it; empty when
    #: all is well.
    trouble: str = ""
