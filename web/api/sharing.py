"""Links to a batch: make one, list them, revoke them."""

from datetime import datetime, timedelta

from flask import Response, jsonify, url_for
from flask_openapi3 import APIBlueprint, Tag

from jobs.contract.access.audit import Kind
from jobs.contract.access.shares import Share, new_share
from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.contract.models import utc_now
from web.access.audit import concerns
from web.access.caller import caller
from web.api.schemas.base import PROBLEMS, BatchPath
from web.api.schemas.shares import ListedShare, NewShare, RevokedView, SharePath, SharesView, ShareView
from web.http.conditional import fresh_json
from web.services import services

SHARING = Tag(name="sharing", description="A batch for others to read.")

sharing = APIBlueprint(
    "sharing", __name__, url_prefix="/api/batches/<batch_id>", abp_tags=[SHARING], abp_responses=PROBLEMS
)


@sharing.post("/share", responses={201: ShareView})
def share_batch(path: BatchPath, body: NewShare) -> Response:
    """Make a link with which anybody can read this batch, and nothing else, until it ends or is revoked."""
    serving = services()
    limit = serving.limits.max_share_days
    if body.days > limit:
        raise TooLarge(
            f"A link for {body.days} days is asked for; the limit is {limit} (EVA01_MAX_SHARE_DAYS).",
            code=Code.TOO_MANY_DAYS,
        )
    batch = serving.store.get_batch(path.batch_id)
    ends_at = utc_now().replace(microsecond=0) + timedelta(days=body.days)
    made = new_share(batch.id, caller(), ends_at, body.note.strip())
    serving.shares.add(made.share, serving.limits.max_shares)
    concerns(Kind.SHARE, f"{batch.id}/{made.share.id}", batch.owner)
    shown = ShareView(
        id=made.share.id, url=url_for("pages.shared_page", token=made.token), expires_at=ends_at
    )
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = 201
    return response


@sharing.get("/shares", responses={200: SharesView})
def list_shares(path: BatchPath) -> Response:
    """The links to a batch, also those that are over, the latest first; none with its address."""
    serving = services()
    batch, now = serving.store.get_batch(path.batch_id), utc_now()
    shares = [_listed(share, now) for share in serving.shares.of_batch(batch.id)]
    return fresh_json(SharesView(shares=shares).model_dump(mode="json"))


@sharing.delete("/shares/<share_id>", responses={204: None})
def revoke_share(path: SharePath) -> Response:
    """Revoke a link: from now on it opens nothing. What is revoked already stays so."""
    serving = services()
    batch = serving.store.get_batch(path.batch_id)
    serving.shares.revoke(batch.id, path.share_id)
    concerns(Kind.SHARE, f"{batch.id}/{path.share_id}", batch.owner)
    return Response(status=204)


@sharing.delete("/shares", responses={200: RevokedView})
def revoke_shares(path: BatchPath) -> Response:
    """Revoke all links to a batch."""
    serving = services()
    revoked = serving.shares.revoke_all(serving.store.get_batch(path.batch_id).id)
    return jsonify(RevokedView(revoked=revoked).model_dump())


def _listed(share: Share, now: datetime) -> ListedShare:
    shown = share.model_dump(include={*ListedShare.model_fields})
    return ListedShare(**shown, state=share.state(now), expires_at=share.ends_at)
