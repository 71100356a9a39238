"""How long a batch may be on the device."""

import math
import time
from dataclasses import dataclass, field

from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure


@dataclass(frozen=True)
class Deadline:
    """A batch's time limit on the device, which counts from when this is made.

    `timeout_s` is EVA01_JOB_TIMEOUT_S, in seconds.
    """

    timeout_s: float
    _began_s: float = field(default_factory=time.monotonic)

    @property
    def left_s(self) -> float:
        """Seconds left; 0 when it is over."""
        return max(0.0, self._began_s + self.timeout_s - time.monotonic())

    @property
    def is_over(self) -> bool:
        """True when no time is left."""
        return self.left_s == 0.0

    def failure(self) -> EngineFailure:
        """The error of an image that has no answer when the time is over."""
        message = (
            f"The model had no answer after EVA01_JOB_TIMEOUT_S={self.timeout_s:g} seconds on the device. "
            "Ask for a shorter answer (max_new_tokens), or raise the setting."
        )
        return EngineFailure(message, code=Code.DEADLINE_EXCEEDED)


#: No time limit.
NO_DEADLINE = Deadline(math.inf)
