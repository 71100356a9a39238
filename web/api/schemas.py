"""The models of requests and responses; the OpenAPI document is made from these."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from flask import request
from flask_openapi3 import FileStorage
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    StringConstraints,
)

from jobs.contract.catalog import Task
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge
from jobs.contract.models import ID_PATTERN, BatchId, BatchState, JobId, JobState, Result, new_id, utc_now
from jobs.storage.listing import CURSOR_PATTERN
from web.api.numbers import Count, Decimal, Whole
from web.http.json import has_many_values
from web.intake.forms import FILE_FIELDS, MULTIPART, check_form
from web.intake.outcomes import FileOutcome, KnownFile, PassedOver

#: The longest wait of POST /analyze, in seconds: below the minute at which proxies give up.
LONGEST_WAIT_S = 55
#: A field in which HTML's forms say what they are written in; here it means nothing.
_CHARSET_FIELD = "_charset_"
_Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)


class JobPath(_Request):
    """A job in an address."""

    job_id: _Id = Field(description="A job's id: 32 hexadecimal digits.")


class BatchPath(_Request):
    """A batch in an address."""

    batch_id: _Id = Field(description="A batch's id: 32 hexadecimal digits.")


class Form(_Request):
    """A form: its text fields as they were sent, and its files."""

    @classmethod
    def sent(cls) -> dict[str, Any]:
        """What the request's form holds, by field.

        Raises BadInput (`malformed_form`, `invalid_field`) when it cannot be read.
        """
        check_form(request)
        texts = cls._texts([*request.form.items(multi=True)])
        files = list(request.files.items(multi=True))
        for name, file in files:
            if name in cls.model_fields and name not in FILE_FIELDS:
                message = f"`{name}` came as a file ({(file.filename or '')[:100]!r}). Send it as text."
                raise BadInput(message, code=Code.INVALID_FIELD)
        return texts | cls._files(files)

    @classmethod
    def _texts(cls, sent: Sequence[tuple[str, str]]) -> dict[str, str]:
        """The fields that are not blank.

        Raises BadInput: `invalid_field` for one that is unknown, or there twice; `missing_file` for the name
        of a file, or its bytes, in a form that can hold none.
        """
        texts: dict[str, str] = {}
        for name, value in sent:
            if name in FILE_FIELDS:
                raise BadInput(
                    f"`{name}` came as text, {value[:100]!r}. Send {MULTIPART} with the file itself, as"
                    f" `curl -F {name}=@image.png` does.",
                    code=Code.MISSING_FILE,
                )
        for name, value in sent:
            if name not in (*cls.model_fields, _CHARSET_FIELD):
                known = ", ".join(f"`{field}`" for field in cls.model_fields)
                message = f"There is no field `{name[:100]}` in this form. Those there are: {known}."
                raise BadInput(message, code=Code.INVALID_FIELD)
            if name in texts:
                message = f"`{name[:100]}` is there twice in the form. Send it once."
                raise BadInput(message, code=Code.INVALID_FIELD)
            if value.strip() and name != _CHARSET_FIELD:
                texts[name] = value
        return texts

    @classmethod
    def _files(cls, sent: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        raise NotImplementedError


class JobForm(Form):
    """One image and one question."""

    file: FileStorage = Field(description="The image.")
    question: str = Field("", description="What to ask of it; may be left out where the model needs none.")
    model: str | None = Field(None, description="A name from /api/models; else the default.")
    max_new_tokens: Whole | None = Field(None, ge=1, description="The longest answer, in tokens.")
    page: Whole | None = Field(
        None, ge=1, description="The page of its file to ask about; else all, or the first."
    )

    @classmethod
    def _files(cls, sent: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        if len(sent) > 1:
            raise TooLarge(
                f"{len(sent)} files were sent, and one can be asked about. Send many to a batch.",
                code=Code.TOO_MANY_FILES,
            )
        return {name: file for name, file in sent if name == "file"}


class AnalyzeForm(JobForm):
    """One image and one question, and how long to wait."""

    wait: Decimal = Field(25, ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the answer.")


def _of_few_values(text: str) -> str:
    if has_many_values(text):
        raise ValueError("it has more values than are read; send its files in several requests")
    return text


class FilesForm(Form):
    """Images and zips for a batch."""

    files: list[FileStorage] = Field(
        min_length=1, description="Images and zips of images; a file name may be a relative path."
    )
    questions: Annotated[Json[dict[str, str]], BeforeValidator(_of_few_values)] = Field(
        default_factory=dict, description="A JSON object from paths to questions that replace the batch's."
    )

    @classmethod
    def _files(cls, sent: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """All of them, whatever their fields are called: nothing that was sent goes unsaid."""
        return {"files": [file for _, file in sent]} if sent else {}


class NewBatch(BaseModel):
    """A batch to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", description="A name for people.")
    question: str = Field("", description="What to ask of every image.")
    model: str | None = Field(None, description="A name from /api/models; else the default.")
    max_new_tokens: Count | None = Field(None, ge=1, description="The longest answer, in tokens.")


class BatchChange(BaseModel):
    """What is to be changed of a batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="A name for people.")


class BatchesQuery(_Request):
    """Which batches."""

    search: str = Field("", description="A part of their name or question, in upper or lower case.")
    cursor: str | None = Field(None, pattern=CURSOR_PATTERN, description="`next_cursor` of the page before.")
    limit: Whole = Field(50, ge=1, le=200, description="Batches in a page.")


class KnownFiles(BaseModel):
    """Files that are perhaps here already."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: list[KnownFile] = Field(min_length=1, description="At most EVA01_MAX_KNOWN_FILES.")


class FollowUp(BaseModel):
    """A further question about a job's image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(description="What to ask of it.")
    model: str | None = Field(None, description="A name from /api/models; else the job's.")
    max_new_tokens: Count | None = Field(None, ge=1, description="The longest answer, in tokens.")
    page: Count | None = Field(None, ge=1, description="The page of its file to ask about; else the job's.")


class Order(StrEnum):
    """The order of results."""

    #: As their files came.
    CAME = "came"
    #: By their last change: accepted, finished, or queued again.
    CHANGED = "changed"


class ResultsQuery(_Request):
    """Which results."""

    order: Order = Field(
        Order.CAME,
        description="`came`: as the files came. `changed`: by each job's last change (accepted, finished,"
        " queued again), so that whoever keeps asking with the last cursor gets what has changed since.",
    )
    cursor: Whole = Field(0, ge=0, description="`next_cursor` of the page before, in the same order.")
    limit: Whole = Field(100, ge=1, le=1000, description="Jobs in a page.")
    state: JobState | None = Field(None, description="Only jobs in this state.")


class ExportQuery(_Request):
    """Which results."""

    state: JobState | None = Field(None, description="Only jobs in this state.")


_LINES = Field(False, description="Say of each line of an answer where it stands in the image (`ocr`).")


class JsonlQuery(ExportQuery):
    """Which results, and what is said of them."""

    lines: bool = _LINES


class JobQuery(_Request):
    """What is said of a job."""

    lines: bool = _LINES


class CsvQuery(ExportQuery):
    """Which results, and how they are written."""

    bom: bool = Field(False, description="Begin the CSV with a byte-order mark, for spreadsheet programs.")


class LineView(BaseModel):
    """A line of text in an image."""

    text: str
    box: tuple[int, int, int, int] = Field(
        description="Left, top, right, bottom of the upright box around it, in pixels of the upright image."
    )
    confidence: float = Field(description="How sure its text is, 0 to 1.")
    page: int | None = Field(None, description="The page of its file, from 1; left out where there is one.")


class JobView(Result):
    """A job as the API shows it."""

    id: JobId = Field(default_factory=new_id)
    batch_id: BatchId | None = Field(None, description="Below a link, the link's id in its place.")
    state: JobState = JobState.QUEUED
    file: str
    page: int | None = Field(None, description="The page of its file that is asked about; null for all.")
    question: str
    model: str
    image: str | None = Field(None, description="SHA-256 of its image; null below a link.")
    media_type: str | None = None
    attempts: int = 0
    created_at: AwareDatetime = Field(default_factory=utc_now)
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    lines: list[LineView] | None = Field(  # type: ignore[assignment]  # a job keeps them as one text
        None, description="Where each line stands; only with `lines=true`, and null where that is not known."
    )


class BatchView(BaseModel):
    """A batch as the API shows it."""

    id: str = Field(description="Below a link, the link's id in its place.")
    owner: str | None = Field(
        description="Whose it is; null where nobody has to say who they are, and below a link."
    )
    name: str
    question: str
    model: str
    state: BatchState = Field(description="Whether it takes more files.")
    created_at: AwareDatetime
    closed_at: AwareDatetime | None
    first_started_at: AwareDatetime | None = Field(description="When a worker first began one of its jobs.")
    last_finished_at: AwareDatetime | None = Field(description="When one of its jobs last came to an end.")
    counts: dict[JobState, int] = Field(description="How many jobs are in each state.")
    cut_short: int = Field(description="Answers that were cut at the longest that was allowed.")
    rate_per_s: float | None = Field(description="Jobs finished per second of late.")
    total: int = Field(description="Jobs in all.")
    is_done: bool = Field(description="True when it is closed and no job is unfinished.")
    time_left_s: float | None = Field(description="Seconds until it is done, as far as the rate tells.")


class BatchesPage(BaseModel):
    """Some of all batches, the latest change first."""

    batches: list[BatchView]
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null at the end. A page may be short and have more behind it."
    )


class RetriedView(BatchView):
    """A batch whose failed jobs run again."""

    retried: int = Field(description="How many do.")


class FileOutcomes(BaseModel):
    """What became of each file; the entries of a zip count as files."""

    files: list[FileOutcome]
    passed_over: PassedOver = Field(
        default_factory=PassedOver, description="What was in zips and became no job on purpose."
    )
    unused_questions: list[str] = Field(
        default_factory=list, description="Paths of `questions` under which nothing came in this request."
    )


class ResultsPage(BaseModel):
    """Some of a batch's jobs."""

    jobs: list[JobView]
    next_cursor: int | None = Field(
        description="`cursor` of the next page; null at the end. With `order=changed` it is never null: the"
        " same again means that nothing has changed. A page may be short, or empty, and have more behind it."
    )


class ModelView(BaseModel):
    """A model that can be asked."""

    name: str
    engine: str
    description: str
    uses_question: bool = Field(description="False when it does the same whatever it is asked.")
    default_question: str
    tasks: list[Task] = Field(description="What it can do.")
    workers: int = Field(description="How many are ready.")
    is_default: bool


class ModelsView(BaseModel):
    """All models, the default first."""

    models: list[ModelView]


class ModelStatus(BaseModel):
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


class StatusView(BaseModel):
    """The queues and workers of every model."""

    models: list[ModelStatus]
    trouble: str = Field(description="What Redis refuses to write, and why; empty when it takes everything.")


class LimitsView(BaseModel):
    """What is refused, and where the line is."""

    max_image_bytes: int = Field(description="Bytes of one image file.")
    max_image_pixels: int = Field(description="Width × height of one image.")
    max_pages: int = Field(description="Pages of one file.")
    max_files_per_request: int
    max_known_files: int = Field(description="Files in one request that asks which are known.")
    max_request_bytes: int
    max_zip_entries: int
    max_zip_entry_bytes: int = Field(description="Bytes of one zip entry, unpacked.")
    max_zip_bytes: int = Field(description="Bytes of all entries of one zip, unpacked.")
    max_path_chars: int = Field(description="Characters of a file's path, and of a batch's name.")
    max_question_chars: int
    max_answer_tokens: int
    max_share_days: int
    media_types: list[str] = Field(description="The formats that are taken.")


class Problem(BaseModel):
    """Why a request failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What is wrong, the value seen, and the remedy.")
    code: str = Field(description="Stable: programs branch on it.")


#: The errors that the OpenAPI document names for every call.
PROBLEMS: dict[str, Any] = {
    status: {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status in ("400", "401", "403", "404", "409", "410", "413", "421", "422", "429", "503", "507")
}
