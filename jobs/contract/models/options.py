"""How a job is to be answered."""

from pydantic import Field

from jobs.contract.asking.chat import Turn
from jobs.contract.asking.pages import LEAST_DPI, MOST_DPI, Pages
from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.asking.sampling import LEAST_SEED, MOST_SEED, MOST_STOPS, MOST_TEMPERATURE, StopText
from jobs.contract.base import Kept
from jobs.contract.saying.logprobs import MOST_TOP_LOGPROBS


class Options(Kept):
    """How to answer; what is left out is the worker's default."""

    #: The longest answer, in tokens.
    max_new_tokens: int | None = Field(default=None, ge=1)
    #: What the answer has to be; None for plain text.
    response_format: ResponseFormat | None = None
    #: Pixels of each image that the model sees at most: a larger one is scaled down.
    max_pixels: int | None = Field(default=None, ge=1)
    #: Dots an inch at which pages of PDFs are drawn.
    dpi: int | None = Field(default=None, ge=LEAST_DPI, le=MOST_DPI)
    #: Which pages of a file one answer is about; None: all for who reads whole files, one for any other.
    pages: Pages | None = None
    #: How many of the likeliest tokens are to be named in each place of the answer, with how likely they were
    #: and the one that was said; None for nothing of that.
    top_logprobs: int | None = Field(default=None, ge=0, le=MOST_TOP_LOGPROBS)
    #: How freely each token is drawn; None and 0 for always the likeliest.
    temperature: float | None = Field(default=None, ge=0, le=MOST_TEMPERATURE)
    #: Drawn only of the likeliest tokens that together are as likely as this; None for all.
    top_p: float | None = Field(default=None, gt=0, le=1)
    #: What draws follow from; None for chance.
    seed: int | None = Field(default=None, ge=LEAST_SEED, le=MOST_SEED)
    #: Texts at which an answer ends, before the first of them.
    stop: tuple[StopText, ...] | None = Field(default=None, min_length=1, max_length=MOST_STOPS)
    #: What was said before the answer, where that is more than the question, which is then for people alone.
    chat: tuple[Turn, ...] | None = None

    @property
    def is_drawn(self) -> bool:
        """True when its tokens are drawn; False when each is the likeliest."""
        return bool(self.temperature)


#: Those that say how answers are drawn, and where they stop.
SAMPLING = {"temperature", "top_p", "seed", "stop"}
