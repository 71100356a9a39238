"""A file that is sent or named, and what becomes of it; as the API shows both."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobs.contract.models import JobError
from web.http.numbers import Rank

#: Characters that a path may have to be looked at; those of files that are taken have far fewer.
LONGEST_PATH = 64 * 1024
#: Paths that stand for all that were passed over.
_EXAMPLES = 5


class FileOutcome(BaseModel):
    """What became of one file, of a page of it that is a job of its own, or of several that are one job."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    file: str = Field(description="What it is called in the batch.")
    files: list[str] | None = Field(None, description="Its files, where it is a job that is made of a list.")
    sent_as: str | None = Field(
        None, description="The path it was sent under, where the batch has another file of that path."
    )
    state: str = Field(description="`accepted`, `rejected`, or `unknown`: it must be sent.")
    page: int | None = Field(None, description="The page of the file that its job is about; null for all.")
    job_id: str | None = Field(None, description="Its job.")
    is_new: bool = Field(False, description="False when the batch had the file already.")
    kept_question: str | None = Field(
        None, description="What its job asks, where the batch had the file already with another question."
    )
    error: JobError | None = Field(None, description="Why it was rejected.")


class PassedOver(BaseModel):
    """What was in zips and became no job on purpose: hidden files, and what file managers leave behind."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    count: int = Field(0, description="How many.")
    examples: list[str] = Field(default_factory=list, description="The paths of the first few.")

    def note(self, path: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(path)


class KnownImage(BaseModel):
    """An image that is perhaps here already."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str = Field(max_length=LONGEST_PATH, description="The path under which it would be sent.")
    sha256: Annotated[str, AfterValidator(str.lower)] = Field(
        pattern=r"^[0-9a-fA-F]{64}$", description="Of its content, in hexadecimal digits."
    )


class KnownFile(KnownImage):
    """A file that is perhaps here already."""

    question: str = Field("", description="What to ask of it; else the batch's question.")
    page: Rank | None = Field(None, description="The page to ask about, from 1; else the whole file.")


class KnownJob(BaseModel):
    """A job about several files that are perhaps all here already."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str = Field(
        "", max_length=LONGEST_PATH, description="What the job is called, as in `jobs` of a form with files."
    )
    files: list[KnownImage] = Field(min_length=1, description="In the order in which they are asked about.")
    question: str = Field("", description="What to ask of them; else the batch's question.")
