"""A file that is sent or named, and what becomes of it; as the API shows both."""

from pydantic import BaseModel, ConfigDict, Field

from jobs.contract.models import JobError


class FileOutcome(BaseModel):
    """What became of one file, or of a page of it that is a job of its own."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(description="The path under which it is in the batch.")
    state: str = Field(description="`accepted`, `rejected`, or `unknown`: it must be sent.")
    page: int | None = Field(None, description="The page of the file that its job is about; null for all.")
    job_id: str | None = Field(None, description="Its job.")
    is_new: bool = Field(False, description="False when the batch had the file already.")
    error: JobError | None = Field(None, description="Why it was rejected.")


class KnownFile(BaseModel):
    """A file that is perhaps here already."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str = Field(description="The path under which it would be sent.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of its content, in hexadecimal digits.")
    page: int | None = Field(None, ge=1, description="The page to ask about, from 1; else the whole file.")
