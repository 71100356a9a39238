"""One job: its record, its images, their thumbnails."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag

from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound
from jobs.contract.models import Job, JobState, Look
from jobs.contract.saying.logprobs import SaidToken
from jobs.storage.files.texts import texts_of
from web.access.link import shown_job
from web.api.schemas.base import PROBLEMS, JobPath
from web.api.schemas.jobs import ImageQuery, JobQuery, JobView, TextView, ThumbnailQuery
from web.export.lines import inline
from web.http.conditional import fresh_json
from web.http.security import PRIVATE, REVALIDATED
from web.services import services

job_calls = APIBlueprint(
    "one_job",  # the operation ids in the API document begin with it
    __name__,
    url_prefix="/api/jobs/<job_id>",
    abp_tags=[Tag(name="jobs", description="One image, one question.")],
    abp_responses=PROBLEMS,
)


@job_calls.get("", responses={200: JobView})
def get_job(path: JobPath, query: JobQuery) -> Response:
    """A job, with its answer or the reason why it has none once it is finished."""
    job = services().store.get_shown_job(path.job_id)
    return job_json(job, with_lines=query.lines, with_logprobs=job.options.top_logprobs is not None)


@job_calls.get("/image", responses={200: {"content": {"image/*": {}}}})
def get_image(path: JobPath, query: ImageQuery) -> Response:
    """A job's image, as it was sent; of several the first, or the one of `number`."""
    job = services().store.get_shown_job(path.job_id)
    if job.image is None:
        raise NotFound(f"Job {job.id} has no image: {job.file} was refused.", code=Code.IMAGE_NOT_FOUND)
    place = _place(job, query.number)
    tag = _tag(job.images[place], job.page)
    if _is_known(tag):
        return _kept(Response(status=HTTPStatus.NOT_MODIFIED), tag)
    image, _, media_type = job.about(place)
    size_bytes, pieces = services().blobs.image_pieces(image)
    response = _picture(pieces, tag, str(media_type), size_bytes)
    response.headers["Content-Disposition"] = inline(job, place)
    return response


@job_calls.get("/thumbnail", responses={200: {"content": {"image/webp": {}}}})
def get_thumbnail(path: JobPath, query: ThumbnailQuery) -> Response:
    """A small version of the same, or of a page of it, upright; 404 until a worker has made it."""
    job = services().store.get_shown_job(path.job_id)
    if not job.images:
        raise _no_thumbnail(job)
    place = _place(job, query.number)
    page = query.page or job.page or 1
    if not _may_show(job, place, page):
        raise _no_thumbnail(job)
    tag = _tag(job.images[place], page)
    if _is_known(tag):
        return _kept(Response(status=HTTPStatus.NOT_MODIFIED), tag)
    try:
        data = services().blobs.get(names.thumbnail_path(job.images[place], page))
    except NotFound as error:
        raise _no_thumbnail(job) from error
    return _picture(data, tag, "image/webp")


@job_calls.get("/text", responses={200: TextView})
def get_text(path: JobPath, query: ImageQuery) -> Response:
    """The text that the pages of a job's PDF hold, as far as a worker has drawn them; none of other images.

    It is what the file says: what is seen on the page may be something else.
    """
    job = services().store.get_shown_job(path.job_id)
    place = _place(job, query.number) if job.images else 0
    wanted = partial(_may_show, job, place)
    pages = texts_of(services().blobs, job.images[place], wanted) if job.images else ()
    shown = [{"page": page, "text": text} for page, text in pages]
    return fresh_json({"pages": shown}, retry_after_s=None if job.state.is_finished else 1)


def _place(job: Job, number: int) -> int:
    """The place of the image of that number, counted from 0; raises NotFound (`image_not_found`)."""
    if number > len(job.images):
        message = f"Job {job.id} has no image {number}: it is about {len(job.images)}, counted from 1."
        raise NotFound(message, code=Code.IMAGE_NOT_FOUND)
    return number - 1


def _may_show(job: Job, place: int, page: int) -> bool:
    """True for a page of an image of which the job may show what a worker has made.

    What there is before a worker has seen it for this very job tells that another owner has sent the same.
    """
    if job.page:
        return page == job.page and bool(not job.owner or _seen_pages(job, place))
    return not job.owner or page <= _seen_pages(job, place)


def _seen_pages(job: Job, place: int) -> int:
    """How many pages of an image a worker is known to have seen for this very job; 0 for none.

    A job may end without that, cancelled say. What was seen stays known when it is retried.
    """
    looks = job.looks or (Look(width=job.width, pages=job.usage.pages if job.usage else None),)
    look = looks[place] if place < len(looks) else Look()
    return (look.pages or 1) if look.width or job.state is JobState.SUCCEEDED else 0


def _no_thumbnail(job: Job) -> NotFound:
    message = f"Job {job.id} has no thumbnail. One is made when a worker has read the image."
    return NotFound(message, code=Code.THUMBNAIL_NOT_FOUND)


def job_json(job: Job, *, with_lines: bool = False, with_logprobs: bool = False) -> Response:
    """A job as it is now, and when to ask again.

    Logprobs are large: they are in no response that may be remembered in Redis.
    """
    shown = shown_job(job.public(with_lines=with_lines))
    if with_logprobs:
        known = services().journal.logprobs(job.batch_id, {job.id: job.answer})
        shown["logprobs"] = told(known.get(job.id))
    return fresh_json(shown, retry_after_s=None if job.state.is_finished else 1)


def told(content: Sequence[SaidToken] | None) -> dict[str, Any] | None:
    """How likely each token of an answer was, as OpenAI's API has it."""
    return None if content is None else {"content": content}


def _picture(
    data: bytes | Iterator[bytes], tag: str, media_type: str, size_bytes: int | None = None
) -> Response:
    response = Response(data, content_type=media_type)
    if size_bytes is not None:
        # Without it make_conditional would read all pieces, to count them.
        response.content_length = size_bytes
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    _kept(response, tag).make_conditional(request)
    return response


def _is_known(tag: str) -> bool:
    """True when the caller has the picture, so that nothing of it need be read."""
    known = request.if_none_match
    return not known.star_tag and known.contains_weak(tag)


def _kept(response: Response, tag: str) -> Response:
    """A picture that the browser keeps, and asks about before it shows it again.

    One that is a page of its own is not kept at all: going back to it, a browser would not ask.
    """
    is_page = request.headers.get("Sec-Fetch-Dest") == "document"
    response.headers["Cache-Control"] = PRIVATE if is_page else REVALIDATED
    response.set_etag(tag)
    return response


def _tag(image: str, page: int | None) -> str:
    """What tells a picture from others, and does not say its hash, by which its owner can use it again."""
    return hashlib.sha256(f"{image}#{page}".encode()).hexdigest()[:32]
