"""Settings that say what is refused."""

from pydantic import Field

from jobs.contract.asking.pages import LEAST_DPI, MOST_DPI
from jobs.contract.settings.environment import GIB, MIB, FromEnvironment

#: The most fields that EVA01_MAX_FIELDS may allow: a request is read no further.
MOST_FIELDS = 1000
#: The most images that EVA01_MAX_IMAGES_PER_JOB may allow: all of them are read for one prompt.
MOST_IMAGES = 64


class Limits(FromEnvironment):
    """What is refused, and where the line is."""

    #: Bytes of one image file.
    max_image_bytes: int = Field(default=50 * MIB, ge=1)
    #: Pixels of one image, before it is scaled down for the model.
    max_image_pixels: int = Field(default=100_000_000, ge=1)
    #: Pixels across one image.
    max_image_width: int = Field(default=200_000, ge=1)
    #: Pixels down one image.
    max_image_height: int = Field(default=200_000, ge=1)
    #: Pixels that all slots of a worker decode together, 8 bytes each; 0: as many as one image may have.
    decode_pixels: int = Field(default=0, ge=0)
    #: Passes of one JPEG over its pixels.
    max_jpeg_passes: int = Field(default=100, ge=1)
    #: Pages of one file.
    max_pages: int = Field(default=200, ge=1)
    #: Dots an inch at which pages of PDFs are drawn, when nothing else is asked for.
    pdf_dpi: int = Field(default=150, ge=LEAST_DPI, le=MOST_DPI)
    #: Seconds of CPU in which a page of a PDF is drawn; real ones take less than one.
    pdf_page_cpu_s: int = Field(default=30, ge=1)
    #: Bytes of memory of the process that reads a PDF; a scan of A3 at 600 dpi takes half of it.
    pdf_memory_bytes: int = Field(default=GIB, ge=128 * MIB)
    #: The least part of an image's rows that has to be there, 0 to 1, where the end of its file is missing.
    least_image_part: float = Field(default=0.5, ge=0, le=1)
    #: Images of one job.
    max_images_per_job: int = Field(default=16, ge=1, le=MOST_IMAGES)
    #: Jobs that may wait for one model.
    max_queued: int = Field(default=1_000_000, ge=1)
    #: Files in one request.
    max_files_per_request: int = Field(default=1000, ge=1)
    #: Files that one request may ask about without sending them.
    max_known_files: int = Field(default=1000, ge=1)
    #: Bytes of one request.
    max_request_bytes: int = Field(default=4 * GIB, ge=1)
    #: Bytes of one request for a chat completion, in which images are written as text.
    max_chat_bytes: int = Field(default=32 * MIB, ge=1)
    #: Bytes of one file of requests.
    max_requests_bytes: int = Field(default=200 * MIB, ge=1)
    #: Lines of one file of requests, each of which is a job.
    max_requests: int = Field(default=50_000, ge=1)
    #: Files of requests that one owner may have.
    max_request_files: int = Field(default=1000, ge=1)
    #: Entries of one zip.
    max_zip_entries: int = Field(default=20_000, ge=1)
    #: Bytes of one zip entry, unpacked.
    max_zip_entry_bytes: int = Field(default=50 * MIB, ge=1)
    #: Bytes of all entries of one zip, unpacked.
    max_zip_bytes: int = Field(default=16 * GIB, ge=1)
    #: Records that one call of a list looks at; then it gives a cursor, whatever it has found.
    max_looked_at: int = Field(default=5000, ge=1)
    #: Bytes that a zip may unpack to for each of its own; any may unpack to 256 MiB.
    max_zip_ratio: int = Field(default=100, ge=1)
    #: Seconds of CPU that web spends on looking at the files of a request, for each 50 MiB that it has.
    request_cpu_s: float = Field(default=2, gt=0)
    #: Bytes that must stay free on the disk of the data folder: Redis writes there too.
    min_free_bytes: int = Field(default=100 * MIB, ge=0)
    #: Characters of a question.
    max_question_chars: int = Field(default=4000, ge=1)
    #: Characters of a file's path, and of a batch's name.
    max_path_chars: int = Field(default=1024, ge=1)
    #: The longest answer a user may ask for, in tokens.
    max_answer_tokens: int = Field(default=4096, ge=1)
    #: Bytes of the JSON Schema that answers are held to.
    max_schema_bytes: int = Field(default=64 * 1024, ge=2)
    #: Fields of one answer, each of which is a column.
    max_fields: int = Field(default=200, ge=1, le=MOST_FIELDS)
    #: Bytes of how likely each token of one answer was, and which others might have stood there.
    max_logprobs_bytes: int = Field(default=4 * MIB, ge=1)
    #: Days for which a batch may be shared.
    max_share_days: int = Field(default=365, ge=1, le=36_500)
    #: Links to one batch that work at the same time, and that are kept: older ones that are over go first.
    max_shares: int = Field(default=100, ge=1)
