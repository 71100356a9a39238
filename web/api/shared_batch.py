"""A batch for others to read: a link to it, and below the link's address the calls that read it.

/api/batches/<id>/results      ─┐
/api/jobs/<id>/thumbnail       ─┴─► the same below /api/shared/<token>, for this batch and its jobs alone
"""

from flask import Response, jsonify, request, url_for
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.models import Parameter, ParameterInType, PathItem, Schema

from jobs.contract.codes import Code
from jobs.contract.errors import NotFound, TooLarge
from web.api.job import job_calls
from web.api.progress import look_again_s, progress
from web.api.results import results
from web.api.schemas import PROBLEMS, BatchPath, BatchView, NewShare, SharePath, ShareView
from web.api.share_tokens import share_tokens
from web.http.conditional import fresh_json
from web.services import services

_TAG = Tag(name="sharing", description="A batch for others to read.")
#: The parameter that every call below a link has besides its own.
_TOKEN = Parameter(
    name="token",
    param_in=ParameterInType.PATH,
    description="Of a link to a shared batch.",
    required=True,
    param_schema=Schema(type="string"),
)

sharing = APIBlueprint(
    "sharing", __name__, url_prefix="/api/batches/<batch_id>", abp_tags=[_TAG], abp_responses=PROBLEMS
)
shared_batch = APIBlueprint(
    "shared", __name__, url_prefix="/api/shared/<token>", abp_tags=[_TAG], abp_responses=PROBLEMS
)
#: The blueprints that can be read through a link, by their prefix below its address.
_READABLE = {"/batches/<batch_id>": (progress, results), "/jobs/<job_id>": (job_calls,)}


@sharing.post("/share", responses={201: ShareView})
def share_batch(path: BatchPath, body: NewShare) -> Response:
    """Make a link with which anybody can read this batch, and nothing else, until it expires.

    It cannot be taken back, but by deleting the batch.
    """
    serving = services()
    limit = serving.limits.max_share_days
    if body.days > limit:
        raise TooLarge(
            f"A link for {body.days} days is asked for; the limit is {limit} (EVA01_MAX_SHARE_DAYS).",
            code=Code.TOO_MANY_DAYS,
        )
    batch = serving.store.get_batch(path.batch_id)
    token, expires_at = share_tokens(serving).make(batch.id, body.days)
    response = jsonify(
        ShareView(url=url_for("pages.shared_page", token=token), expires_at=expires_at).model_dump(
            mode="json"
        )
    )
    response.status_code = 201
    return response


@shared_batch.get("", responses={200: BatchView})
def get_shared_batch(path: SharePath) -> Response:
    """The batch that the link is for."""
    serving = services()
    batch = serving.store.get_batch(share_tokens(serving).batch_of(path.token))
    return fresh_json(batch.public(), retry_after_s=look_again_s(batch))


@shared_batch.before_request
def _check_batch() -> None:
    """Raises NotFound when another batch, or a job of another batch, is asked for."""
    asked = request.view_args or {}
    serving = services()
    batch_id = share_tokens(serving).batch_of(asked["token"])
    if asked.get("batch_id", batch_id) != batch_id:
        raise NotFound("This link is for another batch.", code=Code.BATCH_NOT_FOUND)
    if "job_id" in asked and serving.store.get_shown_job(asked["job_id"]).batch_id != batch_id:
        raise NotFound("This link is for a batch without this job.", code=Code.JOB_NOT_FOUND)


@shared_batch.after_request
def _forbid_indexing(response: Response) -> Response:
    """Keep links out of search engines: whoever has one can read the batch."""
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _described(item: PathItem) -> PathItem:
    """The documentation of a call as it is below a link."""
    below = item.model_copy(deep=True)
    if below.get:
        below.get.parameters = [_TOKEN, *(below.get.parameters or [])]
        below.get.operationId = f"shared_{below.get.operationId}"
        below.get.tags = [_TAG.name]
    return below


for _place, _apis in _READABLE.items():
    for _api in _apis:
        shared_batch.register_blueprint(_api, url_prefix=_place)
        shared_batch.components_schemas.update(_api.components_schemas)
        for _path, _item in _api.paths.items():
            shared_batch.paths[_path.replace("/api/", "/api/shared/{token}/", 1)] = _described(_item)
