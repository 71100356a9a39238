"""A batch for others to read: below a link's address are the calls that read it.

/api/batches/<id>            ──► /api/shared/<token>                         for this batch
/api/batches/<id>/results    ──► /api/shared/<token>/results                 and its jobs alone
/api/jobs/<id>/thumbnail     ──► /api/shared/<token>/jobs/<id>/thumbnail

They are the same calls: which batch they are about is put into them here, and what they show goes through
web/access/link.py.
"""

from flask import request
from flask_openapi3 import APIBlueprint
from flask_openapi3.models import Parameter, ParameterInType, PathItem, Schema

from jobs.contract.access.shares import TOKEN_PATTERN
from web.access.link import follow
from web.api.job import job_calls
from web.api.progress import progress
from web.api.results import results
from web.api.schemas.base import PROBLEMS
from web.api.sharing import SHARING

#: The parameter that every call below a link has, in place of the batch's.
_TOKEN = Parameter(
    name="token",
    param_in=ParameterInType.PATH,
    description="Of a link to a shared batch.",
    required=True,
    param_schema=Schema(type="string", pattern=TOKEN_PATTERN),
)

shared_batch = APIBlueprint(
    "shared", __name__, url_prefix="/api/shared", abp_tags=[SHARING], abp_responses=PROBLEMS
)
#: Where the blueprints are that can be read through a link: elsewhere, and here.
_READABLE = (
    (progress, "/api/batches/{batch_id}", ""),
    (results, "/api/batches/{batch_id}", ""),
    (job_calls, "/api/jobs/{job_id}", "/jobs/{job_id}"),
)


@shared_batch.before_request
def _choose_batch() -> None:
    """Put the link's batch into the call.

    Raises NotFound and Gone when the link does not open what is asked for.
    """
    asked = request.view_args or {}
    share = follow(asked.pop("token"), asked.get("job_id"))
    request.view_args = asked | {"batch_id": share.batch_id}


def _described(item: PathItem) -> PathItem:
    """The documentation of a call as it is below a link."""
    below = item.model_copy(deep=True)
    if below.get:
        own = [one for one in below.get.parameters or [] if getattr(one, "name", "") != "batch_id"]
        below.get.parameters = [_TOKEN, *own]
        below.get.operationId = f"shared_{below.get.operationId}"
        below.get.tags = [SHARING.name]
    return below


for _api, _elsewhere, _here in _READABLE:
    _place = f"/<token>{_here}".replace("{", "<").replace("}", ">")
    shared_batch.register_blueprint(_api, url_prefix=_place)
    shared_batch.components_schemas.update(_api.components_schemas)
    for _path, _item in _api.paths.items():
        shared_batch.paths[_path.replace(_elsewhere, f"/api/shared/{{token}}{_here}", 1)] = _described(_item)
