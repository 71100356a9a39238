"""An engine without a model, for tests: it answers with the images' sizes and the question."""

import os
import signal
import threading
import time
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PIL import Image

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import FinishReason, Options, Usage
from jobs.contract.saying.lines import Place
from jobs.contract.saying.logprobs import SaidToken, TokenLogprob
from worker.engines.base import Answer, DeviceLost, OutOfMemory, Rolling
from worker.engines.deadline import NO_DEADLINE, Deadline

#: Questions that make the engine fail.
POISON, TOO_FEW, LOSE_DEVICE = "poison", "too few", "lose the device"
#: A question that kills the whole process, as a fault in native code would.
DIE = "die"
#: A question that takes until its deadline, and one whose call to the engine never returns.
SLOW, HANG = "slow", "hang"
#: A question whose answer is found not to be what was asked for, which takes a while.
UNASKED = "unasked"
#: A question over which a slot ponders for longer than any test lasts.
PONDER = "ponder"


@dataclass(frozen=True)
class Sized:
    """A job that `StubEngine` has prepared."""

    sizes: tuple[tuple[int, int], ...]
    question: str
    visual_tokens: int
    #: The longest answer in words; None for any.
    most_words: int | None = None
    #: How many words are named beside each; None for none, nor how likely any was.
    top_logprobs: int | None = None


@dataclass
class StubEngine:
    """Answers at once, or when `may_go_on` is set; `batches` holds the questions of each batch."""

    fits: int = 1000
    #: Seconds that a batch takes.
    takes_s: float = 0.0
    #: Seconds that it loads.
    loads_s: float = 0.0
    device: str = "cpu"
    default_slots: int = 4
    max_batch: int = 64
    enough_pixels: int = 1_000_000
    is_elsewhere: bool = False
    trouble: str = ""
    about: tuple[()] = ()
    max_pixels: PixelRange | None = None
    identity: str = "stub"
    rolling: Rolling[Sized, Any] | None = None
    batches: MutableSequence[list[str]] = field(default_factory=list)
    #: Sizes of the images that it has seen.
    seen: MutableSequence[tuple[int, int]] = field(default_factory=list)
    #: Images of this width make `see` fail.
    blind_width: int = 0
    may_go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def load(self) -> None:
        """Nothing to load but time."""
        time.sleep(self.loads_s)

    def see_file(self, file: bytes) -> None:
        """It sees pixels alone."""

    def see(self, image: Image.Image, max_pixels: int | None = None) -> tuple[int, int]:
        """Reduce an image to its size, which is cut to `max_pixels`; fails for the width `blind_width`."""
        if max_pixels:
            image = image.crop((0, 0, image.width, min(image.height, max_pixels // image.width)))
        self.seen.append(image.size)
        if image.width == self.blind_width:
            raise EngineFailure("nothing can be seen")
        return image.size

    def prepare(self, seen: Sequence[tuple[int, int]], question: str, options: Options) -> Sized:
        """An image costs as many visual tokens as it is wide."""
        if question == PONDER:
            threading.Event().wait()
        tokens = sum(width for width, _ in seen)
        return Sized(tuple(seen), question, tokens, options.max_new_tokens, options.top_logprobs)

    def generate(
        self, batch: Sequence[Sized], deadline: Deadline = NO_DEADLINE
    ) -> Sequence[Answer | EngineFailure]:
        """Answer one after the other, or fail as the questions say."""
        self.batches.append([item.question for item in batch])
        self.may_go_on.wait(60)
        time.sleep(self.takes_s)
        questions = {item.question for item in batch}
        self._fail(questions, len(batch))
        outcomes = [_answer(item, deadline) for item in batch]
        return outcomes[:-1] if TOO_FEW in questions else outcomes

    def _fail(self, questions: set[str], count: int) -> None:
        """Fail the whole batch if one of its questions asks for that."""
        if DIE in questions:
            os.kill(os.getpid(), signal.SIGKILL)
        if LOSE_DEVICE in questions:
            raise DeviceLost("the device fell off the bus")
        if count > self.fits:
            raise OutOfMemory("no memory")
        if HANG in questions:
            threading.Event().wait()
        if poison := [question for question in questions if question.startswith(POISON)]:
            raise ValueError(f"poisoned by {poison[0]!r}")


def _answer(item: Sized, deadline: Deadline) -> Answer | EngineFailure:
    while item.question == SLOW and not deadline.is_over:
        time.sleep(0.005)
    if deadline.is_over:
        return deadline.failure()
    return said_of(item)


def said_of(item: Sized) -> Answer:
    """The answer, cut where it has more words than it may."""
    words = f"{' '.join(map(str, item.sizes))} {item.question}".split(" ")
    reason = FinishReason.LENGTH if len(words) > (item.most_words or len(words)) else FinishReason.STOP
    usage, place = Usage(visual_tokens=item.visual_tokens), Place(0, 0, *item.sizes[0], confidence=1.0)
    told = None if item.top_logprobs is None else partial(_told, words[: item.most_words], item.top_logprobs)
    check = _refuse if item.question == UNASKED else None
    return Answer(
        *(" ".join(words[: item.most_words]), usage, reason, _thought_of(item)),
        places=(place,),
        logprobs=told,
        check=check,
    )


def _thought_of(item: Sized) -> str | None:
    return "Hm." if item.question == UNASKED else None


def _refuse() -> EngineFailure:
    assert threading.current_thread().name != "device", "all others wait for that thread"
    return EngineFailure("not what was asked for", code=Code.INCOMPLETE_ANSWER)


def _told(words: Sequence[str], top: int) -> list[SaidToken]:
    """Each word as a token, as likely as any other of `top`."""
    tokens: list[TokenLogprob] = [
        {"token": word, "logprob": -0.5, "bytes": [*word.encode()]} for word in words
    ]
    return [{**token, "top_logprobs": [token] * top} for token in tokens]
