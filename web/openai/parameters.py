"""What may be said in a request: each parameter of OpenAI's API, and what is done here.

Nothing is passed over in silence. A parameter that is not supported may have the values with which it changes
nothing; any other is refused by its name.

Source of the names: https://platform.openai.com/docs/api-reference/chat/create, …/responses/create,
…/files/create and …/batch/create
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Support(StrEnum):
    """What becomes of a parameter."""

    #: It does what it does in OpenAI's API.
    SUPPORTED = "supported"
    #: It does something else, which its note says.
    DIFFERENT = "different"
    #: It is a label or a hint that no answer depends on: it is taken, and nothing comes of it.
    WITHOUT_EFFECT = "without effect"
    #: It is refused, but for values with which it changes nothing.
    REFUSED = "refused"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a request."""

    name: str
    support: Support
    #: What to know of it.
    note: str = ""
    #: Values that a refused one may have.
    neutral: tuple[Any, ...] = ()


def _supported(name: str, note: str = "") -> Parameter:
    return Parameter(name, Support.SUPPORTED, note)


def _refused(name: str, note: str = "", *neutral: Any) -> Parameter:
    return Parameter(name, Support.REFUSED, note, neutral)


def _hint(name: str) -> Parameter:
    return Parameter(name, Support.WITHOUT_EFFECT)


_TOOLS = "There are no tools."
_MODEL = Parameter("model", Support.DIFFERENT, "A name of `GET /v1/models`.")
_TEMPERATURE = Parameter(
    "temperature", Support.DIFFERENT, "Without it the likeliest token is chosen each time, as with `0`."
)
_TOP_P = Parameter("top_p", Support.DIFFERENT, "Only with `temperature`.")
_LENGTH = "Not of `ocr`, which says all that it reads."
_STREAM = Parameter(
    "stream",
    Support.DIFFERENT,
    "Text comes as the model says it, and `logprobs` with the end. A model that answers in static batches,"
    " and `ocr`, say all at the end.",
)
_MAX_PIXELS = Parameter(
    "max_pixels", Support.DIFFERENT, "EVA-01's own: pixels of each image that the model sees at most."
)
#: Of both kinds of requests.
_OF_BOTH = (
    _refused("moderation"),
    _refused("parallel_tool_calls", _TOOLS, True, False),
    _refused("service_tier", "", "auto", "default"),
    _refused("tool_choice", _TOOLS, "none", "auto"),
    _refused("tools", _TOOLS, []),
    _hint("metadata"),
    _hint("user"),
    _hint("safety_identifier"),
    _hint("prompt_cache_key"),
    _hint("prompt_cache_options"),
    _hint("prompt_cache_retention"),
)
#: All of OpenAI's parameters for a chat completion, and those of our own.
CHAT = (
    _supported(
        "messages",
        "Roles `system`, `developer`, `user`, `assistant`; parts `text` and `image_url`. The last one is a"
        " user's. There has to be an image.",
    ),
    _MODEL,
    _supported("max_completion_tokens", _LENGTH),
    _supported("max_tokens", "The older name."),
    _supported(
        "response_format", "`text`, `json_object`, `json_schema`; answers are held to it, strict or not."
    ),
    _supported("logprobs"),
    _supported("top_logprobs"),
    _TEMPERATURE,
    _TOP_P,
    _supported("seed", "The same seed draws the same, whatever else is in the batch."),
    Parameter("stop", Support.DIFFERENT, "A text or up to four; not with a `response_format`."),
    _STREAM,
    Parameter("stream_options", Support.DIFFERENT, "`include_usage`; `include_obfuscation` only as `false`."),
    _MAX_PIXELS,
    _refused("n", "One answer a request.", 1),
    _refused("frequency_penalty", "", 0),
    _refused("presence_penalty", "", 0),
    _refused("logit_bias", "", {}),
    _refused("functions", _TOOLS, []),
    _refused("function_call", _TOOLS, "none", "auto"),
    _refused("modalities", "Answers are text.", ["text"]),
    _refused("audio", "Answers are text."),
    _refused("prediction"),
    _refused("reasoning_effort", "", "none"),
    _refused("verbosity", "", "medium"),
    _refused("web_search_options", "Nothing is searched."),
    _refused("store", "Every job is kept, and deleted, as EVA-01 keeps any.", False),
    *_OF_BOTH,
)
#: The same for a response.
RESPONSE = (
    _supported(
        "input",
        "A text, or messages of the roles `system`, `developer`, `user`, `assistant` with parts `input_text`,"
        " `input_image` and `output_text`. The last one is a user's. There has to be an image. What was"
        " thought (`reasoning`) is passed over.",
    ),
    _MODEL,
    _supported("instructions"),
    _supported("max_output_tokens", _LENGTH),
    Parameter(
        "text",
        Support.DIFFERENT,
        "`format`: `text`, `json_object`, `json_schema`; answers are held to it, strict or not. `verbosity`"
        " only as `medium`.",
    ),
    Parameter("include", Support.DIFFERENT, "`message.output_text.logprobs` alone."),
    _supported("top_logprobs"),
    _TEMPERATURE,
    _TOP_P,
    _STREAM,
    Parameter("stream_options", Support.DIFFERENT, "`include_obfuscation` only as `false`."),
    _MAX_PIXELS,
    _refused("background", "A request waits for its answer; what may wait goes into a batch.", False),
    _refused("store", "Every job is kept, and deleted, as EVA-01 keeps any.", True),
    _refused("previous_response_id", "Send the turns before, all of them."),
    _refused("conversation", "Send the turns before, all of them."),
    _refused("truncation", "What is too long is refused.", "disabled"),
    _refused("access_programs"),
    _refused("background_options"),
    _refused("context_management"),
    _refused("image"),
    _refused("max_tool_calls", _TOOLS),
    _refused("prompt", "There are no prompts that are kept."),
    _refused("reasoning"),
    *_OF_BOTH,
)
#: The same for a file, and for a batch that is made of one.
FILE = (
    _supported("file"),
    Parameter("purpose", Support.DIFFERENT, "`batch` alone: nothing would come of other files."),
    Parameter(
        "expires_after",
        Support.DIFFERENT,
        "As there, and `EVA01_RETENTION_DAYS` after it came at the latest; a batch that is being made of it"
        " has it to its last line.",
    ),
)
BATCH = (
    _supported("input_file_id"),
    Parameter("endpoint", Support.DIFFERENT, "`/v1/chat/completions` and `/v1/responses`."),
    _supported("completion_window"),
    _supported("metadata"),
    Parameter(
        "output_expires_after",
        Support.DIFFERENT,
        "Counted from when the batch is done, and not longer than `EVA01_RETENTION_DAYS`. Answers go with"
        " their batch: so it goes then, with its images.",
    ),
)


class NotSupported(ValueError):
    """Raised for a parameter that is refused; it has its name."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def supported(said: dict[str, Any], known: Sequence[Parameter]) -> dict[str, Any]:
    """What is left of a request's parameters, of those that are `known`, that something comes of.

    Raises NotSupported.
    """
    by_name = {parameter.name: parameter for parameter in known}
    return {
        name: value
        for name, value in said.items()
        if value is not None and _matters(name, value, by_name.get(name))
    }


def _matters(name: str, value: Any, parameter: Parameter | None) -> bool:
    if parameter is None:
        raise NotSupported(name, f"There is no parameter `{name[:100]}`. Leave it out.")
    if parameter.support is Support.REFUSED and not _is_neutral(value, parameter.neutral):
        shown = f" is {value!r}"[:100] + ", which" if isinstance(value, str | int | float) else ""
        why = f" {parameter.note}" if parameter.note else ""
        raise NotSupported(name, f"`{name}`{shown} is not supported.{why} Leave it out.")
    return parameter.support in (Support.SUPPORTED, Support.DIFFERENT)


def _is_neutral(value: Any, neutral: tuple[Any, ...]) -> bool:
    """True for one of the values; true and false are no numbers."""
    return any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in neutral)
