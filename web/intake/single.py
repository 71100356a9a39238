"""A question becomes a job without a batch: about one file of a request, or about several together."""

from collections.abc import Sequence
from typing import Any, cast

from flask_openapi3 import FileStorage

from jobs import flow
from jobs.contract.asking.pages import Pages
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.models import Job, Options, new_id
from jobs.contract.names import page_path
from web.access.caller import caller
from web.http.ears import Ear
from web.http.idempotency import speaks_of
from web.intake.asking import are_seen_together, check_page, check_pages, pages_counted, sees_all_pages
from web.intake.forms import check_sent
from web.intake.grouping import about_image, named, names_in
from web.intake.names.paths import sent_path, shortened
from web.intake.spool import Part, spooled_request
from web.intake.uploads import Image, checked_image, kept_images
from web.services import Services


def accept_question(
    serving: Services,
    card: ModelCard,
    question: str,
    options: Options,
    files: Sequence[FileStorage],
    page: int | None = None,
    ear: Ear | None = None,
) -> Job:
    """The job of a question about files of the current request, or about one page of the only one.

    An `ear` hears its answer while it is made.
    Raises BadInput, which names the image where there are several, and what accepting a job raises.
    """
    paths = [shortened(sent_path(file), serving.limits.max_path_chars) for file in files]
    images = [_image(serving, files, place, paths, options.dpi) for place in range(len(files))]
    name = named("", paths)
    page = check_page(page, images[0].pages if len(images) == 1 else None)
    job = Job(
        id=ear.job_id if ear else new_id(),
        listener=ear.listener if ear else None,
        hears_pieces=ear.hears_pieces if ear else True,
        owner=caller().owner,
        file=page_path(name, page or 1),
        question=question,
        model=card.name,
        options=options,
        files=names_in(name, paths),
        page=page,
        **of_images(serving, card, options, name, images, page),
    )
    with kept_images(serving, images):
        job = flow.accept_single(serving, job, caller().quotas)
    speaks_of(job)
    return job


def of_images(
    serving: Services,
    card: ModelCard,
    options: Options,
    name: str,
    images: Sequence[Image],
    page: int | None = None,
) -> dict[str, Any]:
    """What a job says of its images: all of what there is in them, or a `page` of the only one.

    Raises BadInput when it cannot be about all of it.
    """
    counted = [image.pages for image in images]
    if page is None:
        check_all_pages(serving, card, options, name, sum(one or 1 for one in counted))
    return {
        "images": tuple(image.sha256 for image in images),
        "media_types": tuple(image.media_type for image in images),
        "pages": counted[0] if len(counted) == 1 else None,
        "counts_as": None if page else counted_as(card, options, counted),
    }


def check_all_pages(serving: Services, card: ModelCard, options: Options, name: str, pages: int) -> None:
    """Raises BadInput when one job cannot be about all pages of its files as is asked for."""
    if are_seen_together(card, options):
        check_pages(name, pages, serving.limits)
    if options.pages is Pages.EACH and pages > 1:
        raise BadInput(
            f"pages is `each`, and {name} has {pages} of them: a question makes one job. Say which `page`, or"
            " make a batch.",
            code=Code.INVALID_FIELD,
        )


def counted_as(card: ModelCard, options: Options, pages: Sequence[int | None]) -> int | None:
    """What a job counts as that names no page, and whose files have so many pages."""
    return pages_counted(pages) if sees_all_pages(card, options) else None


def _image(
    serving: Services, files: Sequence[FileStorage], place: int, paths: Sequence[str], dpi: int | None
) -> Image:
    """One of the images; raises BadInput, which names it where there are several."""
    with about_image(place, paths):
        check_sent(files[place])
        spooled_request().check_budget()
        return checked_image(serving, cast(Part, files[place].stream), dpi, spooled_request().spend)
