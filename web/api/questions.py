"""Single questions: POST /analyze and /api/jobs, a further one about an image; cancel and retry one job."""

import time
from collections.abc import Sequence
from functools import partial

from flask import Response, jsonify, url_for
from flask_openapi3 import FileStorage, Tag

from jobs import flow
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, NotFound
from jobs.contract.models import Job, Options
from jobs.contract.names import file_path, page_path
from web.access.caller import caller
from web.api.blueprint import Blueprint
from web.api.job import job_json
from web.api.schemas.base import PROBLEMS, JobPath
from web.api.schemas.forms import AnalyzeForm, JobForm
from web.api.schemas.jobs import FollowUp, JobView, NewJobView
from web.http.heard import Heard
from web.http.idempotency import speaks_of
from web.http.waiting import Waiting
from web.intake.asking import (
    check_images,
    check_options,
    check_page,
    check_question,
    check_takes,
    choose_model,
)
from web.intake.fetching import after_fetching
from web.intake.single import accept_question, check_all_pages, counted_as
from web.services import Services, services

questions = Blueprint(
    "single",  # the operation ids in the API document begin with it
    __name__,
    abp_tags=[Tag(name="jobs", description="One image, or several together; one question.")],
    abp_responses=PROBLEMS,
)


@questions.post("/analyze", responses={200: JobView, 202: NewJobView})
def analyze(form: AnalyzeForm) -> Response:
    """Ask about one image, or about several together, and wait for the answer.

    200 with the finished job, which may have failed; 202 with its address when it takes longer than `wait`.
    """
    serving, until_s = services(), time.monotonic() + form.wait

    def accept(files: Sequence[FileStorage]) -> Response:
        heard = Heard(serving.ears, until_s, serving.stopping)
        with heard.closed_on_error() as ear:
            job = accept_question(serving, *_asked(form), files, form.page, ear)
        find = partial(_find, serving, job.id, until_s)
        return Waiting(partial(heard.look, find), serving.stopping, live=heard)

    return after_fetching(serving, form.file, lambda: _asked(form), accept)


@questions.post("/api/jobs", responses={202: NewJobView})
def create_job(form: JobForm) -> Response:
    """The same without waiting."""
    serving = services()

    def accept(files: Sequence[FileStorage]) -> Response:
        return _accepted(accept_question(serving, *_asked(form), files, form.page))

    return after_fetching(serving, form.file, lambda: _asked(form), accept)


@questions.delete("/api/jobs/<job_id>", responses={200: JobView})
def cancel_job(path: JobPath) -> Response:
    """Cancel a job that has no answer yet; cancelling it twice changes nothing."""
    return jsonify(flow.cancel_job(services(), path.job_id).public())


@questions.post("/api/jobs/<job_id>/retry", responses={200: JobView})
def retry_job(path: JobPath) -> Response:
    """Run a failed job again; one whose answer was cut is refused, since it would be cut again."""
    job = flow.retry_job(services(), path.job_id, caller().quotas)
    speaks_of(job)
    return jsonify(job.public())


@questions.post("/api/jobs/<job_id>/ask", responses={202: NewJobView})
def ask_again(path: JobPath, body: FollowUp) -> Response:
    """Ask something else about a job's images, which are not sent again; a job without a batch."""
    serving = services()
    earlier = serving.store.get_shown_job(path.job_id)
    if not earlier.images:
        raise _no_image(earlier)
    card = choose_model(serving, body.model or earlier.model)
    check_takes(serving, card.name, caller().owner)
    question = check_question(card, body.question, serving.limits)
    options = check_options(serving, card, body)
    page = check_page(body.page or earlier.page, earlier.pages)
    if page is None and len(earlier.images) == 1:
        check_all_pages(serving, card, options, earlier.file, earlier.pages or 1)
    asked = {
        "owner": caller().owner,
        "file": page_path(file_path(earlier.file, earlier.page), page or 1),
        "question": question,
        "model": card.name,
        "options": options,
        "page": page,
        "counts_as": None if page else counted_as(card, options, _pages_known(earlier)),
    }
    with serving.image_uses.using(*earlier.images):
        if not all(map(serving.blobs.has_image, earlier.images)):
            raise _no_image(earlier)
        same = earlier.model_dump(include={"images", "media_types", "files", "pages"})
        job = Job.model_validate({**same, **asked})
        job = flow.accept_single(serving, job, caller().quotas)
    speaks_of(job)
    return _accepted(job)


def _no_image(job: Job) -> NotFound:
    return NotFound(
        f"Job {job.id} has no image to ask about. Send {job.file} again.", code=Code.IMAGE_NOT_FOUND
    )


def _asked(form: JobForm) -> tuple[ModelCard, str, Options]:
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
    return card, question, options


def _pages_known(job: Job) -> list[int | None]:
    """How many pages each of a job's images has; of several, those that were read for it."""
    if len(job.images) == 1:
        return [job.pages]
    looks = job.looks[: len(job.images)]
    return [look.pages for look in looks] + [None] * (len(job.images) - len(looks))


def _find(serving: Services, job_id: str, until_s: float) -> Response | None:
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
