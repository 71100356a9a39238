"""The boundary of an engine: the CPU's part in any thread and ahead of time, the device's part in one thread.

    see ──► prepare ──► generate        batch by batch (Static)
                  └───► rolling.turn    jobs that come and go by themselves (Rolling)

What an engine makes of an image (`Seen`) and of a job (`Prepared`) is its own: the rest of the worker carries
both from step to step and asks only what a job costs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from PIL import Image

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.codes import Code
from jobs.contract.discreet import discreet
from jobs.contract.errors import EngineFailure, Eva01Error
from jobs.contract.models import FinishReason, Options, Usage
from jobs.contract.saying.lines import Place
from jobs.contract.saying.logprobs import SaidToken
from worker.engines.company import Company
from worker.engines.deadline import Deadline


class ModelNotLoaded(Exception):
    """Raised when a model cannot be loaded; one line with its name, what was tried, and the remedy."""

    def __init__(self, model: str, tried: str, remedy: str) -> None:
        super().__init__(
            f"The model {model} could not be loaded. Tried: {tried.rstrip('.')}. Remedy: {remedy}."
        )


class OutOfMemory(Exception):
    """Raised by `generate` when the device's memory did not suffice for the batch; fewer may fit."""


class DeviceLost(Exception):
    """Raised when the device will not work again in this process."""


class GoesBack(Exception):
    """Says that a job goes back to the queue, because what was to answer it is gone.

    It `is_suspect` when it had been begun: then it may be why.
    """

    def __init__(self, message: str, *, is_suspect: bool) -> None:
        super().__init__(message)
        self.is_suspect = is_suspect


def failure_of(error: Exception) -> Eva01Error:
    """The error that a job ends with when the engine failed on it alone with `error`."""
    if isinstance(error, Eva01Error):
        return error
    if isinstance(error, OutOfMemory):
        message = (
            f"The job does not fit into the device's memory even alone: {error}. Ask about fewer"
            " images in one job, in fewer words, or for fewer pixels: by max_pixels where the model has that"
            " choice, else by MAX_PIXELS of its worker."
        )
        return EngineFailure(message, code=Code.OUT_OF_MEMORY)
    return EngineFailure(f"The model failed on this image: {discreet(error)}")


class HasCost(Protocol):
    """What the batching rule has to know of a prepared job."""

    @property
    def visual_tokens(self) -> int:
        """What its images cost on the device."""


#: What an engine makes of one image, whoever asks about it.
Seen = TypeVar("Seen")
#: What an engine makes of one job: all that the device needs.
Prepared = TypeVar("Prepared", bound=HasCost)
Prepared_contra = TypeVar("Prepared_contra", bound=HasCost, contravariant=True)
#: What stands for one job in a rolling batch.
Request = TypeVar("Request")

#: What is to be known of an engine, in words for people: what it is about, and what is said of it.
Fact = tuple[str, str]


class Part(NamedTuple):
    """A part of what is said: what is thought, then the answer."""

    #: Where it begins in both, one behind the other, in characters.
    start: int
    text: str
    is_thought: bool = False


#: Makes the next parts of an answer, of which there may be none.
Piece = Callable[[], Sequence[Part]]
#: Hears of the pieces of one answer in their order, in the thread that has them, and makes them in another.
#: An answer that is begun anew has its pieces told again from its first.
Hear = Callable[[Piece], None]


@dataclass(frozen=True)
class Answer:
    """What a model said."""

    text: str
    usage: Usage
    #: LENGTH when it was cut at the most tokens that it might have.
    finish_reason: FinishReason = FinishReason.STOP
    #: What it thought before; None where it thought nothing aloud.
    reasoning: str | None = None
    #: Where its lines stand, one after the other, in pixels of the image that the engine saw; none where it
    #: does not say.
    places: tuple[Place, ...] = ()
    #: How sure the model was of it, 0–1; None where it does not say.
    confidence: float | None = None
    #: The same of each field of an answer that has fields.
    field_confidence: dict[str, float] | None = None
    #: Makes how likely each of its tokens was, which takes a while; None where the job did not ask for it.
    logprobs: Callable[[], list[SaidToken]] | None = None
    #: Says why it is no answer after all, which may take a while; None where it is known to be one.
    check: Callable[[], EngineFailure | None] | None = None

    def failure(self) -> EngineFailure | None:
        """Why it is no answer after all, as one that was cut before it was whole; may take a while."""
        return self.check() if self.check else None

    def failing(self, failure: EngineFailure) -> "Answer":
        """The same as what was said, and is no answer."""
        return replace(self, check=lambda: failure)

    def costing(self, device_s: float) -> "Answer":
        """The same with what it took of the device, in seconds."""
        usage = self.usage.model_copy(update={"device_s": round(device_s, 6)})
        return replace(self, usage=usage)


@dataclass(frozen=True)
class Ended(Generic[Request]):
    """What became of a request in a rolling batch; without an outcome it was cancelled."""

    request: Request
    outcome: Answer | Eva01Error | GoesBack | None
    #: Seconds that it was on the device.
    device_s: float


class Static(Protocol[Prepared_contra]):
    """Answers jobs batch by batch: a batch ends with its longest answer."""

    @property
    def max_batch(self) -> int:
        """Images that may go to the device together."""

    def generate(
        self, batch: Sequence[Prepared_contra], deadline: Deadline
    ) -> Sequence[Answer | EngineFailure]:
        """Answer what was prepared, in the same order; called from one thread only.

        What has no answer when the deadline is over gets `deadline.failure()`. An engine that does not
        come back then is ended with its worker. Raises OutOfMemory, DeviceLost, or anything else when the
        batch as a whole failed.
        """


class Rolling(Protocol[Prepared_contra, Request]):
    """Answers jobs together, each of which comes and goes by itself."""

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do."""

    @property
    def in_flight(self) -> int:
        """Jobs on the device."""

    def request(
        self,
        prepared: Prepared_contra,
        *,
        company: Company,
        is_interactive: bool,
        hear: Hear | None = None,
    ) -> Request:
        """What stands for a job here; called from many threads at once.

        Only its `company` is on the device with it; it goes before others if `is_interactive`. What can say
        an answer piece by piece tells `hear` of each; what cannot gives it as a whole.
        """

    def submit(self, request: Request) -> None:
        """Let a request wait for a place; this and what follows is called from one thread only."""

    def cancel(self, request: Request) -> None:
        """End a request without an answer; does nothing when it has ended already."""

    def turn(self) -> Sequence[Ended[Request]]:
        """Do the next piece of work; gives what has ended since the last turn.

        A request that is on the device for too long ends with the failure of a deadline. Raises DeviceLost,
        or anything else when it cannot go on.
        """

    def on_device(self) -> Sequence[Request]:
        """The requests that may be why a turn does not come back; may be called from any thread."""


class Engine(Static[Prepared], Protocol[Seen, Prepared]):
    """Runs one model."""

    @property
    def device(self) -> str:
        """Where it runs, such as `cpu` or `cuda:0 NVIDIA H100`; known once loaded."""

    @property
    def about(self) -> Sequence[Fact]:
        """What is to be known of it; known once loaded."""
        return ()

    @property
    def default_slots(self) -> int:
        """Jobs to hold when the settings do not say."""

    @property
    def identity(self) -> str:
        """What decides its answers besides image, question and options, such as its weights.

        Known once loaded.
        """

    @property
    def enough_pixels(self) -> int:
        """Pixels beyond which an image of usual shape brings the model nothing, if no job asks for more."""

    @property
    def max_pixels(self) -> PixelRange | None:
        """What a job may choose of how many pixels the model sees; None where it may not.

        Known once loaded.
        """

    @property
    def is_elsewhere(self) -> bool:
        """True when it only waits for others to answer: it has many jobs then, and keeps no pixels."""
        return False

    @property
    def trouble(self) -> str:
        """Why it can answer nothing for the time being, in words for everybody; empty when all is well."""
        return ""

    @property
    def rolling(self) -> Rolling[Prepared, Any] | None:
        """Its rolling batch, which is used instead of `generate`; None where there is none.

        Known once loaded. What stands for a job there is its own: who calls it only hands that back.
        """

    def load(self) -> None:
        """Load the model; takes seconds to minutes.

        Raises ModelNotLoaded.
        """

    def see(self, image: Image.Image, max_pixels: int | None = None) -> Seen:
        """Do all that depends on one upright RGB image alone; called from many threads at once.

        The model sees at most `max_pixels` of it, or as many as usual.
        What it gives is shared by all jobs that ask about the image at the same time: it is never changed.
        Raises EngineFailure or ImageRejected.
        """

    def see_file(self, file: bytes) -> Seen | None:
        """The same of an image as it came, where its pixels are those of its file; None to `see` those.

        Called where the engine is elsewhere.
        """
        return None

    def prepare(self, seen: Sequence[Seen], question: str, options: Options) -> Prepared:
        """Do the rest of the CPU's part for one job, which is little; called from many threads at once.

        `seen` are its images, in the order in which it asks about them; one for an engine that reads pages.
        Raises EngineFailure or TooLarge (`prompt_too_long`).
        """
