"""What is asked."""

from pydantic import AwareDatetime, Field

from jobs.contract.base import Kept
from jobs.contract.models.ids import BatchId, JobId, Owner, Sha256, made_at, new_id
from jobs.contract.models.options import Options
from jobs.contract.models.times import utc_now

#: No file has more pages: their names are looked at one by one.
_MOST_PAGES = 1_000_000


class Asked(Kept):
    """What was asked: all that is left of a job that runs from its beginning."""

    id: JobId = Field(default_factory=new_id)
    batch_id: BatchId | None = None
    #: Whose it is; that of its batch, if it has one. None where no login was needed.
    owner: Owner | None = None
    #: The name or relative path the user gave, any Unicode; where the batch has another file of that path, a
    #: name of its own.
    file: str
    #: The path it was sent under, where `file` is not that path.
    sent_as: str | None = None
    question: str
    model: str
    options: Options = Options()
    #: SHA-256 of its images in the blob store, in the order they are asked about; none when the file was
    #: refused at the door.
    images: tuple[Sha256, ...] = ()
    #: What each image was found to be, such as `image/jpeg`; may be left out.
    media_types: tuple[str, ...] = ()
    #: What each image is called; none for one that is called as the job.
    files: tuple[str, ...] = ()
    #: The page of its file that is asked about, counted from 1; None for all that there is in the file.
    page: int | None = Field(default=None, ge=1)
    #: How many pages its file has; None where its format has none, and where version 0.1.0 did not count.
    pages: int | None = Field(default=None, ge=1, le=_MOST_PAGES)
    #: How many images it is to quotas, where it is about more pages than it has images.
    counts_as: int | None = Field(default=None, ge=1)
    #: Who hears of the answer: a web process; None for nobody.
    listener: str | None = None
    #: True where it hears the answer while it is said, and False where it hears only that it has ended.
    hears_pieces: bool = True
    #: What a refused file is known by when it is sent again: its digest, and the zip that it came in, if any.
    #: They stay when the very same file is taken after all.
    refused_sha256: str | None = None
    source: str | None = None
    created_at: AwareDatetime = Field(default_factory=lambda given: made_at(given["id"]) or utc_now())
