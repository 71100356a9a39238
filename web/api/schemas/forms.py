"""Forms, as they were sent."""

from collections.abc import Sequence
from typing import Annotated, Any

from flask import request
from flask_openapi3 import FileStorage
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from werkzeug.datastructures import MultiDict

from jobs.contract.asking.groups import GroupBy
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from web.api.schemas.base import RequestModel
from web.http.numbers import Decimal, Ordinal
from web.intake.forms import (
    CHARSET_FIELD,
    FILE_FIELDS,
    MULTIPART,
    URL_FIELD,
    Address,
    check_fields,
    check_form,
)
from web.intake.grouping import Said, SaidJob
from web.intake.spool import spooled_request
from web.intake.wishes import (
    MAX_PIXELS,
    DpiOfForm,
    FieldsOfForm,
    FormatOfForm,
    LogprobsOfForm,
    ManyPages,
    SeedOfForm,
    StopOfForm,
    TemperatureOfForm,
    TopLogprobsOfForm,
    TopPOfForm,
    in_json,
)

#: The longest wait of POST /analyze, in seconds: below the minute at which proxies give up.
LONGEST_WAIT_S = 55


class Form(RequestModel):
    """A form: its text fields as they were sent, and its files."""

    @classmethod
    def sent(cls) -> dict[str, Any]:
        """What the request's form holds, by field.

        Raises BadInput (`malformed_form`, `invalid_field`) when it cannot be read.
        """
        check_form(request)
        texts = cls._texts(request.form)
        files = list(request.files.items(multi=True))
        for name, file in files:
            if name in cls.model_fields and name not in FILE_FIELDS and not isinstance(file, Address):
                message = f"`{name}` came as a file ({(file.filename or '')[:100]!r}). Send it as text."
                raise BadInput(message, code=Code.INVALID_FIELD)
        return texts | cls._files(files)

    @classmethod
    def _texts(cls, sent: MultiDict[str, str]) -> dict[str, str]:
        """The fields that are not blank.

        Raises BadInput: `invalid_field` for one that is unknown, or there twice; `missing_file` for the name
        of a file, or its bytes, in a form that can hold none.
        """
        for name, value in sent.items():
            if name in FILE_FIELDS:
                raise BadInput(
                    f"`{name}` came as text, {value[:100]!r}. Send {MULTIPART} with the file itself, as"
                    f" `curl -F {name}=@image.png` does.",
                    code=Code.MISSING_FILE,
                )
        check_fields(sent, cls.model_fields)
        return {name: text for name, text in sent.items() if text.strip() and name != CHARSET_FIELD}

    @classmethod
    def _files(cls, sent: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        raise NotImplementedError


def _either(*fields: str) -> ConfigDict:
    """Has the API's description say that one of these fields is needed, and what else is read by hand."""

    def say(schema: dict[str, Any]) -> None:
        schema.pop("required", None)
        schema["additionalProperties"] = False
        schema["anyOf"] = [{"required": [field]} for field in fields]

    return ConfigDict(json_schema_extra=say)


class JobForm(Form):
    """One image and one question; or several, which are asked about together."""

    model_config = _either("file", "url")

    #: In the order in which they were sent; addresses are among them.
    file: list[FileStorage] = Field(
        min_length=1,
        description="The image; or several, in the order in which they are asked about, at most"
        " EVA01_MAX_IMAGES_PER_JOB.",
    )
    url: list[str] = Field(
        default_factory=list,
        description="An image's address, in its place, by https; EVA01_FETCH_ALLOW names the hosts.",
    )
    question: str = Field("", description="What to ask of it; may be left out where the model needs none.")
    model: str | None = Field(None, description="A name from /api/models; else the default.")
    max_new_tokens: Ordinal | None = Field(None, description="The longest answer, in tokens.")
    max_pixels: Ordinal | None = Field(None, description=MAX_PIXELS)
    dpi: DpiOfForm = None
    pages: ManyPages = None
    logprobs: LogprobsOfForm = None
    top_logprobs: TopLogprobsOfForm = None
    temperature: TemperatureOfForm = None
    top_p: TopPOfForm = None
    seed: SeedOfForm = None
    stop: StopOfForm = None
    fields: FieldsOfForm = None
    response_format: FormatOfForm = None
    page: Ordinal | None = Field(
        None, description="The page of its file to ask about; else all, or the first."
    )

    @classmethod
    def _files(cls, sent: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """All of them in their order: nothing that was sent goes unsaid."""
        others = [(name, file) for name, file in sent if name not in ("file", URL_FIELD)]
        if others and len(others) < len(sent):
            name, file = others[0]
            message = f"`{name[:100]}` came as a file ({(file.filename or '')[:100]!r}). Send it as `file`."
            raise BadInput(message, code=Code.INVALID_FIELD)
        return {"file": spooled_request().sent} if sent and not others else {}


class AnalyzeForm(JobForm):
    """The same, and how long to wait."""

    wait: Decimal = Field(25, ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the answer.")


#: What is JSON in a form is described as what it is.
_OBJECT = WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}})
#: But for a list, each of whose items would be a field of its own.
_LIST = WithJsonSchema({"type": "string", "contentMediaType": "application/json"})


class FilesForm(Form):
    """Images and zips for a batch."""

    model_config = _either("files", "url")

    #: In the order in which they were sent; addresses are among them.
    files: list[FileStorage] = Field(
        min_length=1, description="Images and zips of images; a file name may be a relative path."
    )
    url: list[str] = Field(
        default_factory=list,
        description="Addresses of images, by https; EVA01_FETCH_ALLOW names the hosts. Such an image is"
        " called by its host and path.",
    )
    questions: Annotated[dict[str, str], BeforeValidator(in_json), _OBJECT] = Field(
        default_factory=dict, description="A JSON object from paths to questions that replace the batch's."
    )

    jobs: Annotated[list[SaidJob], BeforeValidator(in_json), _LIST] = Field(
        default_factory=list,
        description="Files of this request that are one job together, as JSON: a list of objects, each with"
        " `files`, their names in order, and `file`, what the job is called. Others are a job each.",
    )
    group_by: GroupBy | None = Field(
        None,
        description="What makes one job of all other files, and of those in zips: the `folder` they lie in;"
        " or the `prefix` of their names, which are the same but for a number at their end.",
    )

    @property
    def said(self) -> Said:
        """What it says of its files."""
        return Said(self.questions, self.jobs, self.group_by)

    @classmethod
    def _files(cls, sent: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """All of them in their order: nothing that was sent goes unsaid."""
        return {"files": spooled_request().sent} if sent else {}
