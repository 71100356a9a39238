"""A worker's current state: written by its parts, read by its heartbeat and its health server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.models import WorkerInfo, WorkerState, utc_now
from worker.ops.trouble import Trouble


def _always() -> bool:
    return True


@dataclass
class Status:
    """A worker's state. Each field is written by one thread, and whole, so no lock is needed."""

    worker_id: str
    model: str
    state: WorkerState = WorkerState.LOADING
    device: str = ""
    slots: int = 0
    #: What its engine lets one choose of its resolution.
    max_pixels: PixelRange | None = None
    #: What keeps Redis from doing its part.
    trouble: Trouble = field(default_factory=Trouble)
    #: Tells why its engine can answer nothing for the time being; empty when all is well.
    engine_trouble: Callable[[], str] = str
    #: True while it listens to the queue.
    is_consuming: bool = False
    #: Tells whether the device's thread can still answer.
    is_device_alive: Callable[[], bool] = _always
    started_at: datetime = field(default_factory=utc_now)
    #: Seconds that it took from the start of its process until it was ready; None before, and where it asks
    #: other servers.
    start_s: float | None = None

    @property
    def is_healthy(self) -> bool:
        """False when only a new process can help."""
        return self.is_device_alive()

    @property
    def is_ready(self) -> bool:
        """True when it takes jobs from the queue."""
        is_listening = self.is_consuming and not self.words_of_trouble
        return self.is_healthy and is_listening and self.state is WorkerState.READY

    @property
    def words_of_trouble(self) -> str:
        """What keeps it from taking jobs; empty when all is well."""
        return self.trouble.words or self.engine_trouble()

    @property
    def may_take(self) -> bool:
        """False while what it took could not be answered."""
        return not self.engine_trouble()

    def info(self) -> WorkerInfo:
        """What the heartbeat tells the fleet."""
        return WorkerInfo(
            id=self.worker_id,
            model=self.model,
            state=self.state,
            slots=self.slots,
            device=self.device,
            started_at=self.started_at,
            start_s=self.start_s,
            max_pixels=self.max_pixels,
            trouble=self.words_of_trouble,
        )
