"""What an engine is: see and prepare on the CPU, ahead and in any thread; generate on the device, in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from PIL import Image

from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure, Eva01Error
from jobs.contract.models import Options, Usage
from worker.engines.deadline import Deadline


class ModelNotLoaded(Exception):
    """Raised when a model cannot be loaded; one line with its name, what was tried, and the remedy."""

    def __init__(self, model: str, tried: str, remedy: str) -> None:
        super().__init__(f"The model {model} could not be loaded. Tried: {tried}. Remedy: {remedy}.")


class OutOfMemory(Exception):
    """Raised by `generate` when the device's memory did not suffice for the batch; fewer may fit."""


class DeviceLost(Exception):
    """Raised when the device will not work again in this process."""


def failure_of(error: Exception) -> Eva01Error:
    """What becomes of the one image on which an engine failed with `error`."""
    if isinstance(error, Eva01Error):
        return error
    if isinstance(error, OutOfMemory):
        message = f"The image does not fit into the device's memory even alone: {error}. Lower MAX_PIXELS."
        return EngineFailure(message, code=Code.OUT_OF_MEMORY)
    return EngineFailure(f"The model failed on this image: {type(error).__name__}: {error}")


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


@dataclass(frozen=True)
class Ended:
    """What became of a request in a rolling batch; without an outcome it was cancelled."""

    request: Any
    outcome: "Answer | Eva01Error | None"
    #: Seconds that it was on the device.
    device_s: float


class Rolling(Protocol):
    """Answers jobs together, each of which comes and goes by itself."""

    #: True when there is nothing to do.
    is_idle: bool
    #: Jobs on the device.
    in_flight: int

    def request(self, prepared: Any, *, is_alone: bool, is_interactive: bool) -> Any:
        """What stands for a job here; called from many threads at once.

        Nothing else is on the device with it if `is_alone`; it goes before others if `is_interactive`.
        """

    def submit(self, request: Any) -> None:
        """Let a request wait for a place; this and what follows is called from one thread only."""

    def cancel(self, request: Any) -> None:
        """End a request without an answer; does nothing when it has ended already."""

    def turn(self) -> "Sequence[Ended]":
        """Do the next piece of work; gives what has ended since the last turn.

        A request that is on the device for too long ends with the failure of a deadline. Raises DeviceLost,
        or anything else when it cannot go on.
        """

    def on_device(self) -> Sequence[Any]:
        """The requests that may be why it does not come back from a turn; may be called from any thread."""


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
    #: Its rolling batch, which is used instead of `generate`; None where there is none. Known once loaded.
    rolling: Rolling | None

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
