"""What an engine is: see and prepare on the CPU, ahead and in any thread; generate on the device, in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from PIL import Image

from jobs.errors import EngineFailure
from jobs.models import Options, Usage
from worker.engines.deadline import Deadline


class ModelNotLoaded(Exception):
    """Raised when a model cannot be loaded; one line with its name, what was tried, and the remedy."""

    def __init__(self, model: str, tried: str, remedy: str) -> None:
        super().__init__(f"The model {model} could not be loaded. Tried: {tried}. Remedy: {remedy}.")


class OutOfMemory(Exception):
    """Raised by `generate` when the device's memory did not suffice for the batch; fewer may fit."""


class DeviceLost(Exception):
    """Raised by `generate` when the device will not work again in this process."""


class Prepared(Protocol):
    """One job, ready for the device."""

    @property
    def visual_tokens(self) -> int:
        """What the image costs on the device."""


@dataclass(frozen=True)
class Answer:
    """What a model said."""

    text: str
    usage: Usage


class Engine(Protocol):
    """Runs one model."""

    #: Where it runs, such as `cpu` or `cuda:0 NVIDIA H100`; known once loaded.
    device: str
    #: Jobs to hold when the settings do not say.
    default_slots: int
    #: Images that may go to the device together.
    max_batch: int
    #: What decides its answers besides image, question and options, such as its weights; known once loaded.
    identity: str
    #: Pixels beyond which an image of usual shape brings the model nothing.
    enough_pixels: int

    def load(self) -> None:
        """Load the model; takes seconds to minutes.

        Raises ModelNotLoaded.
        """

    def see(self, image: Image.Image) -> Any:
        """Do all that depends on one upright RGB image alone; called from many threads at once.

        What it gives is shared by all jobs that ask about the image at the same time: it is never changed.
        Raises EngineFailure or ImageRejected.
        """

    def prepare(self, seen: Any, question: str, options: Options) -> Any:
        """Do the rest of the CPU's part for one job, which is little; called from many threads at once.

        Gives a Prepared. Raises EngineFailure.
        """

    def generate(self, batch: Sequence[Any], deadline: Deadline) -> Sequence[Answer | EngineFailure]:
        """Answer what was prepared, in the same order; called from one thread only.

        What has no answer when the deadline is over gets `deadline.failure()`. An engine that does not
        come back then is ended with its worker. Raises OutOfMemory, DeviceLost, or anything else when the
        batch as a whole failed.
        """
