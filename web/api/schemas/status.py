"""What is served, and how it is."""

from typing import Literal

from pydantic import Field

from jobs.contract.catalog import Task
from web.api.schemas.base import ResponseModel


class PixelsView(ResponseModel):
    """How many pixels of an image a model sees at most, in pixels: what one may choose."""

    least: int = Field(description="The fewest that may be asked for.")
    default: int = Field(description="What holds when nothing is said.")
    most: int = Field(description="The most that may be asked for.")


class WordsView(ResponseModel):
    """A sentence in each language of the page."""

    en: str
    zh: str


class PresetView(ResponseModel):
    """A question that the page offers, and what its button says."""

    label: WordsView
    question: WordsView


class PriceView(ResponseModel):
    """What a thousand images cost."""

    amount: float
    currency: str = Field(description="As ISO 4217 has it.")


class ModelView(ResponseModel):
    """A model that can be asked."""

    name: str
    engine: str
    description: str
    uses_question: bool = Field(description="False when it does the same whatever it is asked.")
    default_question: str
    has_fields: bool = Field(description="True when its answers can be held to fields, or to a schema.")
    has_logprobs: bool = Field(description="True when it says how likely each token of its answers was.")
    has_token_limit: bool = Field(
        description="True when it can be said how many tokens an answer has at most (`max_new_tokens`)."
    )
    has_sampling: bool = Field(
        description="True when its answers can be drawn (`temperature`, `top_p`, `seed`), and end at texts"
        " (`stop`)."
    )
    max_pixels: PixelsView | None = Field(
        description="What may be asked for as `max_pixels`: what all its workers take that are up, else what"
        " the last one took. Null where it cannot be chosen, and before a worker has come up."
    )
    reads_pages: bool = Field(description="True when it reads all pages of a file for one answer.")
    tasks: list[Task] = Field(description="What it can do.")
    descriptions: WordsView | None = Field(
        description="`description` in each language of the page; null where it is one of ours."
    )
    presets: list[PresetView] = Field(description="Questions that are offered for it.")
    fields: list[str] = Field(
        description="What its answers have, in short, where a request says neither `fields` nor"
        " `response_format`; none for text."
    )
    price: PriceView | None = Field(description="What is asked for its answers; null where nothing is said.")
    workers: int = Field(description="How many are ready.")
    is_default: bool


class ModelsView(ResponseModel):
    """All models, the default first."""

    models: list[ModelView]


class ModelStatus(ResponseModel):
    """One model's queue and workers."""

    name: str
    workers: int = Field(description="How many are ready.")
    workers_by_state: dict[str, int]
    interactive: int = Field(description="Single questions that wait.")
    bulk: int = Field(description="Jobs of batches that wait.")
    waiting: int = Field(description="Both.")
    held: int = Field(description="Jobs that workers hold.")
    oldest_wait_s: float | None = Field(description="How long the oldest has waited, in seconds.")
    rate_per_s: float | None = Field(description="Jobs finished per second of late; null when unknown.")
    start_s: float | None = Field(
        description="Seconds that a worker took of late from its start until it was ready; null when unknown."
    )


class StatusView(ResponseModel):
    """The queues and workers of every model."""

    models: list[ModelStatus]
    trouble: str = Field(description="What Redis refuses to write, and why; empty when it takes everything.")


class HealthView(ResponseModel):
    """That this process lives."""

    status: Literal["ok"]


class ReadyView(ResponseModel):
    """That what it needs answers."""

    status: Literal["ready"]


class LimitsView(ResponseModel):
    """What is refused, and where the line is."""

    max_image_bytes: int = Field(description="Bytes of one image file.")
    max_image_pixels: int = Field(description="Width × height of one image.")
    max_pages: int = Field(description="Pages of one file.")
    max_images_per_job: int = Field(description="Images that one job may be about.")
    max_files_per_request: int
    max_known_files: int = Field(description="Files in one request that asks which are known.")
    max_request_bytes: int
    max_zip_entries: int
    max_zip_entry_bytes: int = Field(description="Bytes of one zip entry, unpacked.")
    max_zip_bytes: int = Field(description="Bytes of all entries of one zip, unpacked.")
    max_path_chars: int = Field(description="Characters of a file's path, and of a batch's name.")
    max_question_chars: int
    max_answer_tokens: int
    max_schema_bytes: int = Field(description="Bytes of the JSON Schema that answers are held to.")
    max_fields: int = Field(description="Fields of one answer.")
    max_logprobs_bytes: int = Field(
        description="Bytes that `logprobs` of one answer may take: 100 for each token that it may have, and"
        " as many for each of its `top_logprobs`."
    )
    max_share_days: int
    media_types: list[str] = Field(description="The formats that are taken.")
