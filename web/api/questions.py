"""Single questions: POST /analyze and /api/jobs, a further one about an image; cancel and retry one job."""

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from flask import Response, jsonify, url_for
from flask_openapi3 import FileStorage, Tag

from jobs import flow
from jobs.contract.asking.pages import Pages
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, NotFound
from jobs.contract.models import Job
from jobs.contract.names import file_path, page_path
from web.access.caller import caller
from web.api.blueprint import Blueprint
from web.api.job import job_json
from web.api.schemas.base import PROBLEMS, JobPath, placed
from web.api.schemas.forms import AnalyzeForm, JobForm
from web.api.schemas.jobs import FollowUp, JobView
from web.http.idempotency import speaks_of
from web.http.waiting import Waiting
from web.intake.asking import (
    are_seen_together,
    check_images,
    check_options,
    check_page,
    check_pages,
    check_question,
    check_takes,
    choose_model,
    pages_counted,
    sees_all_pages,
)
from web.intake.fetching import after_fetching
from web.intake.forms import check_sent
from web.intake.grouping import about_image, named, names_in
from web.intake.names.paths import sent_path, shortened
from web.intake.spool import Part, spooled_request
from web.intake.uploads import Image, checked_image, kept_images
from web.services import Services, services

questions = Blueprint(
    "single",  # the operation ids in the API document begin with it
    __name__,
    abp_tags=[Tag(name="jobs", description="One image, or several together; one question.")],
    abp_responses=PROBLEMS,
)


@questions.post("/analyze", responses={200: JobView, 202: placed(JobView)})
def analyze(form: AnalyzeForm) -> Response:
    """Ask about one image, or about several together, and wait for the answer.

    200 with the finished job, which may have failed; 202 with its address when it takes longer than `wait`.
    """
    serving, until_s = services(), time.monotonic() + form.wait

    def answer(job: Job) -> Response:
        return Waiting(lambda: _look(serving, job.id, until_s), serving.stopping)

    return _submit(form, answer)


@questions.post("/api/jobs", responses={202: placed(JobView)})
def create_job(form: JobForm) -> Response:
    """The same without waiting."""
    return _submit(form, _accepted)


@questions.delete("/api/jobs/<job_id>", responses={200: JobView})
def cancel_job(path: JobPath) -> Response:
    """Cancel a job that has no answer yet; cancelling it twice changes nothing."""
    return jsonify(flow.cancel_job(services(), path.job_id).public())


@questions.post("/api/jobs/<job_id>/retry", responses={200: JobView})
def retry_job(path: JobPath) -> Response:
    """Run a failed job again."""
    job = flow.retry_job(services(), path.job_id, caller().quotas)
    speaks_of(job)
    return jsonify(job.public())


@questions.post("/api/jobs/<job_id>/ask", responses={202: placed(JobView)})
def ask_again(path: JobPath, body: FollowUp) -> Response:
    """Ask something else about a job's images, which are not sent again; a job without a batch."""
    serving = services()
    earlier = serving.store.get_shown_job(path.job_id)
    if not earlier.images:
        raise _no_image(earlier)
    card = choose_model(serving, body.model or earlier.model)
    check_takes(serving, card.name, caller().owner)
    asked = {
        "question": check_question(card, body.question, serving.limits),
        "options": check_options(serving, card, body),
    }
    page = check_page(body.page or earlier.page, earlier.pages)
    asked["page"] = page
    if page is None and len(earlier.images) == 1:
        _check_all_pages(serving, {**asked, "model": card.name}, earlier.file, earlier.pages or 1)
    if page is None:
        asked["counts_as"] = _counted(serving, {**asked, "model": card.name}, _pages_known(earlier))
    asked["file"] = page_path(file_path(earlier.file, earlier.page), page or 1)
    with serving.image_uses.using(*earlier.images):
        if not all(map(serving.blobs.has_image, earlier.images)):
            raise _no_image(earlier)
        same = earlier.model_dump(include={"images", "media_types", "files", "pages"})
        job = Job.model_validate({**same, **asked, "owner": caller().owner, "model": card.name})
        job = flow.accept_single(serving, job, caller().quotas)
    speaks_of(job)
    return _accepted(job)


def _no_image(job: Job) -> NotFound:
    return NotFound(
        f"Job {job.id} has no image to ask about. Send {job.file} again.", code=Code.IMAGE_NOT_FOUND
    )


def _submit(form: JobForm, answer: Callable[[Job], Response]) -> Response:
    """Check what is asked, accept it, and answer; images are fetched first where addresses were sent."""
    return after_fetching(
        services(), form.file, lambda: _asked(form), lambda files: answer(_accept(form, files))
    )


def _asked(form: JobForm) -> dict[str, Any]:
    """The model, the question and the options of a form, while there is room for one more job."""
    serving = services()
    card = choose_model(serving, form.model)
    check_takes(serving, card.name, caller().owner)
    question = check_question(card, form.question, serving.limits)
    options = check_options(serving, card, form)
    check_images("The job", len(form.file), serving.limits)
    if form.page and len(form.file) > 1:
        raise BadInput(
            f"`page` is of one file, and {len(form.file)} were sent. Leave it out, or send one file.",
            code=Code.INVALID_FIELD,
        )
    return {"model": card.name, "question": question, "options": options}


def _accept(form: JobForm, files: Sequence[FileStorage]) -> Job:
    """The job of what is asked about some files."""
    serving = services()
    asked = _asked(form)
    paths = [shortened(sent_path(file), serving.limits.max_path_chars) for file in files]
    dpi = asked["options"].dpi
    images = [_image(serving, files, place, paths, dpi) for place in range(len(files))]
    pages = images[0].pages if len(images) == 1 else None
    page = check_page(form.page, pages)
    name = named("", paths)
    if page is None:
        _check_all_pages(serving, asked, name, sum(image.pages or 1 for image in images))
        asked["counts_as"] = _counted(serving, asked, [image.pages for image in images])
    job = Job(
        owner=caller().owner,
        file=page_path(name, page or 1),
        images=tuple(image.sha256 for image in images),
        media_types=tuple(image.media_type for image in images),
        files=names_in(name, paths),
        page=page,
        pages=pages,
        **asked,
    )
    with kept_images(serving, images):
        job = flow.accept_single(serving, job, caller().quotas)
    speaks_of(job)
    return job


def _check_all_pages(serving: Services, asked: dict[str, Any], name: str, pages: int) -> None:
    """Raises BadInput when one job cannot be about all pages of its files as is asked for."""
    card, options = serving.known_cards()[asked["model"]], asked["options"]
    if are_seen_together(card, options):
        check_pages(name, pages, serving.limits)
    if options.pages is Pages.EACH and pages > 1:
        raise BadInput(
            f"pages is `each`, and {name} has {pages} of them: a question makes one job. Say which `page`, or"
            " make a batch.",
            code=Code.INVALID_FIELD,
        )


def _counted(serving: Services, asked: dict[str, Any], pages: Sequence[int | None]) -> int | None:
    """What a job counts as that names no page, and whose files have so many pages."""
    is_whole = sees_all_pages(serving.known_cards()[asked["model"]], asked["options"])
    return pages_counted(pages) if is_whole else None


def _pages_known(job: Job) -> list[int | None]:
    """How many pages each of a job's images has; of several, those that were read for it."""
    if len(job.images) == 1:
        return [job.pages]
    looks = job.looks[: len(job.images)]
    return [look.pages for look in looks] + [None] * (len(job.images) - len(looks))


def _image(
    serving: Services, files: Sequence[FileStorage], place: int, paths: Sequence[str], dpi: int | None
) -> Image:
    """One of the images; raises BadInput, which names it where there are several."""
    with about_image(place, paths):
        check_sent(files[place])
        spooled_request().check_budget()
        return checked_image(serving, cast(Part, files[place].stream), dpi)


def _look(serving: Services, job_id: str, until_s: float) -> Response | None:
    """The job when it is finished, or as it is when time is up or the server stops; else None."""
    job = serving.store.get_job(job_id)
    if job.state.is_finished:
        return job_json(job)
    is_over = time.monotonic() >= until_s or serving.stopping.is_set()
    return _accepted(job) if is_over else None


def _accepted(job: Job) -> Response:
    response = jsonify(job.public())
    response.status_code = 202
    response.headers["Location"] = url_for("one_job.get_job", job_id=job.id)
    response.headers["Retry-After"] = "1"
    return response
