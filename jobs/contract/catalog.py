"""The models EVA-01 knows by name, and what each can do.

A model of the hub needs no entry: `card_for` makes one from its address.
"""

import re
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from jobs.contract.asking.fields import AnswerField
from jobs.contract.asking.pixels import PixelRange

#: The model EVA-01 is built for.
DEFAULT_MODEL_NAME = "Qwen/Qwen2.5-VL-7B-Instruct"
#: What stands before a model's name where another server has the model.
ELSEWHERE = "openai:"
#: What stands for the question in a prompt.
QUESTION = "{question}"
#: Where models that come with the project lie.
MODELS_FOLDER = Path(__file__).parents[2] / "worker" / "models"
#: A model's name becomes part of Redis keys, labels and addresses.
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_LONGEST_NAME = 64


class EngineName(StrEnum):
    """The code that runs a model."""

    TRANSFORMERS = "transformers"
    OCR = "ocr"
    #: Another server, which speaks OpenAI's API.
    OPENAI = "openai"


class Task(StrEnum):
    """What a model can be asked for; the page has a ready question for each."""

    #: Say what is seen.
    DESCRIBE = "describe"
    #: All text, in reading order.
    READ_TEXT = "read text"
    #: The numbers of a chart.
    CHART_TO_TABLE = "chart to table"
    #: What things there are.
    LIST_OBJECTS = "list objects"
    #: A question to which the answer is yes or no.
    CHECK = "check"


class _Shown(BaseModel):
    """Workers write cards, and webs of other versions read them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Words(_Shown):
    """A sentence for people in each language of the page."""

    en: str
    zh: str


class Preset(_Shown):
    """A question that the page offers, and what its button says."""

    label: Words
    question: Words


class Price(_Shown):
    """What a thousand images cost; the currency as ISO 4217 has it."""

    amount: float
    currency: str


class ModelCard(_Shown):
    """What a user needs to know to choose a model, and a worker to load it."""

    name: str
    engine: EngineName
    #: Where the weights come from: a hub address, a folder, a bucket's address, or `bundled:<folder>`; where
    #: another server has the model, `openai:` and what it is called there.
    source: str
    #: One sentence for people, in English.
    description: str
    #: The same in each language of the page; None where it is one of ours, which the page knows.
    descriptions: Words | None = None
    #: False when the model always does the same thing, whatever it is asked.
    uses_question: bool
    #: The question asked when the user gives none; empty when they must give one.
    default_question: str = ""
    #: True when it reads all pages of a file for one answer; else each page is a job.
    reads_pages: bool = False
    #: True when its answers can be held to fields, or to a schema.
    has_fields: bool = False
    #: True when it says how likely each token of its answers was.
    has_logprobs: bool = False
    #: True when it can be said how many tokens an answer has at most; `ocr` of old did not say.
    has_token_limit: bool = True
    #: True when its answers can be drawn (temperature), and stop at texts.
    has_sampling: bool = False
    #: What its workers let one choose of its resolution; None where nobody may, and before one has come up.
    max_pixels: PixelRange | None = None
    #: What it can do.
    tasks: tuple[Task, ...] = ()
    #: Questions that the page offers besides those for its tasks.
    presets: tuple[Preset, ...] = ()
    #: What its answers have where nobody says what they should be; none for text.
    fields: tuple[AnswerField, ...] = ()
    price: Price | None = None
    #: What the model is told, where QUESTION stands for what was asked.
    prompt: str = QUESTION


OCR = ModelCard(
    name="ocr",
    engine=EngineName.OCR,
    source="bundled:rapidocr",
    description="Reads the text in an image, in reading order. It does not use the question.",
    uses_question=False,
    reads_pages=True,
    has_token_limit=False,
    tasks=(Task.READ_TEXT,),
)

NANO = ModelCard(
    name="nano",
    engine=EngineName.TRANSFORMERS,
    source="bundled:nano",
    description=(
        "A tiny demonstration model. It knows drawn circles, squares and triangles and their colors,"
        " in English and 中文, and nothing else."
    ),
    uses_question=True,
    has_fields=True,
    has_logprobs=True,
    has_sampling=True,
    tasks=(Task.DESCRIBE, Task.LIST_OBJECTS),
)

BUNDLED = {card.name: card for card in (OCR, NANO)}


def name_of(source: str) -> str:
    """The short name of a hub address or folder: `Qwen/Qwen2.5-VL-7B-Instruct` → `qwen2.5-vl-7b`.

    Where letters are lost, those of other alphabets or all beyond the longest name, a digest of the whole
    source is added: two models with one name would be one queue, and one would answer for the other.

    >>> name_of("/models/模型"), name_of("/models/café")
    ('model-e1410eb5', 'caf-8c4d1208')
    """
    whole = source.removeprefix(ELSEWHERE).rstrip("/")
    last = whole.rsplit("/", 1)[-1]
    shown = re.sub(r"[^a-z0-9._-]+", "-", last.lower().removesuffix("-instruct")).strip("-._")
    if shown and last.isascii() and len(shown) <= _LONGEST_NAME:
        return shown
    digest = sha256(whole.encode()).hexdigest()[:8]
    return f"{shown[: _LONGEST_NAME - len(digest) - 1].rstrip('-._') or 'model'}-{digest}"


def card_for(model: str, model_name: str = DEFAULT_MODEL_NAME) -> ModelCard:
    """The card of `model`: a bundled name, the short name of `model_name`, or any hub address or folder.

    What begins with `openai:` is answered by another server.

    >>> card_for("qwen2.5-vl-7b").source
    'Qwen/Qwen2.5-VL-7B-Instruct'
    """
    if model in BUNDLED:
        return BUNDLED[model]
    source = model_name if model == name_of(model_name) else model
    return ModelCard(
        name=name_of(source),
        engine=EngineName.OPENAI if source.startswith(ELSEWHERE) else EngineName.TRANSFORMERS,
        source=source,
        description=f"{_shown(source)}: a vision-language model. It answers any question about an image.",
        uses_question=True,
        has_fields=True,
        has_logprobs=True,
        has_sampling=True,
        tasks=tuple(Task),
    )


def place_of(source: str) -> str:
    """Where a card's source is: the folder of a model that comes with the project, any other as it says."""
    kind, _, name = source.partition(":")
    return str(MODELS_FOLDER / name) if kind == "bundled" else source


def _shown(source: str) -> str:
    """An address of the hub; of a folder, or of a bucket, only its name, because everyone sees a card."""
    source = source.removeprefix(ELSEWHERE)
    is_folder = source.startswith(("/", ".", "~")) or "://" in source or Path(source).is_dir()
    return name_of(source) if is_folder else source
