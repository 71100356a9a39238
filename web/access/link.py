"""What a link to a batch opens, and what its readers see of it.

link ──► is it one of ours? does it work? is its batch there? ──► the calls that read that batch, and show
         404                410           404                     neither its id nor its owner, nor hashes

For its readers a batch goes by the link's id, which opens nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from flask import g

from jobs.contract.access.shares import TOKEN_PATTERN, Share, ShareState
from jobs.contract.codes import Code
from jobs.contract.errors import Gone, NotFound
from jobs.contract.models import Batch
from web.services import services

#: A job as the API shows it.
_Row = Mapping[str, Any]


def follow(token: str, job_id: str | None = None) -> Share:
    """The link with that token, which the request is about from now on; `job_id` has to be of its batch.

    Raises NotFound (`share_not_found`, `job_not_found`), and Gone (`share_expired`).
    """
    serving = services()
    share = serving.shares.find(token) if re.fullmatch(TOKEN_PATTERN, token) else None
    if share is None:
        raise _unknown()
    _check_time(share)
    try:
        serving.store.get_batch(share.batch_id)
    except NotFound as error:
        raise _unknown() from error
    if job_id is not None and not _has_job(share, job_id):
        raise NotFound("This link is for a batch without this job.", code=Code.JOB_NOT_FOUND)
    serving.shares.note_use(share)
    g.link = share
    return share


def shown_batch(batch: Batch) -> Batch:
    """A batch as whoever asks may see it."""
    link = _link()
    return batch.model_copy(update={"id": link.id, "owner": None}) if link else batch


def shown_job(job: dict[str, Any]) -> dict[str, Any]:
    """A job, as the API shows it, as whoever asks may see it."""
    link = _link()
    return _hidden(job, link) if link else job


def shown_rows(jobs: Iterable[_Row]) -> Iterator[_Row]:
    """The same for many of them; what it gives needs no request any more."""
    link = _link()
    return (_hidden(job, link) for job in jobs) if link else iter(jobs)


def _has_job(share: Share, job_id: str) -> bool:
    """True for a job of the batch: that there is one elsewhere is nothing for its readers."""
    try:
        return services().store.get_shown_job(job_id).batch_id == share.batch_id
    except NotFound:
        return False


def _link() -> Share | None:
    return cast(Share | None, g.get("link"))


def _hidden(job: _Row, link: Share) -> dict[str, Any]:
    images, error = job["images"], job["error"]
    for sha256 in (job["image"], *(image["sha256"] for image in images or ())):
        error = _without(sha256, error)
    shown = images and [{**image, "sha256": None} for image in images]
    return {**job, "batch_id": link.id, "image": None, "images": shown, "error": error}


def _without(image: str | None, error: dict[str, str] | None) -> dict[str, str] | None:
    """An error that does not say an image's hash, as those of earlier versions may."""
    return error and {**error, "message": error["message"].replace(image or "\0", "…")}


def _check_time(share: Share) -> None:
    state = share.state(datetime.now(UTC))
    if state is ShareState.REVOKED:
        raise Gone("This link was revoked. Ask for a new one.", code=Code.SHARE_EXPIRED)
    if state is ShareState.ENDED:
        raise Gone(
            f"This link has ended at {share.ends_at.isoformat()}. Ask for a new one.", code=Code.SHARE_EXPIRED
        )


def _unknown() -> NotFound:
    return NotFound("This link to a shared batch is not valid. Ask for a new one.", code=Code.SHARE_NOT_FOUND)
