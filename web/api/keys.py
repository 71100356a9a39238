"""Keys, for admins: make, list, revoke, rotate; and for everybody, who it is that asks."""

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from jobs import flow
from jobs.contract.access.audit import Kind
from jobs.contract.access.owners import NewKey, new_key
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict
from jobs.contract.models import utc_now
from web.access.audit import concerns
from web.access.caller import caller
from web.api.schemas.base import PROBLEMS
from web.api.schemas.keys import (
    CallerView,
    Confirmation,
    KeyPath,
    KeysView,
    KeyView,
    MadeKeyView,
    NewKeyBody,
    QuotasView,
    Rotation,
)
from web.http.conditional import fresh_json
from web.services import services

#: Calls whose responses hold a key, and are kept nowhere.
SHOWN_ONCE = frozenset(
    {"keys.add_key", "keys.rotate_key", "pages.make_key", "pages.rotate_key", "sharing.share_batch"}
)
_TAG = Tag(name="keys", description="Who may ask, and for whom.")

keys = APIBlueprint("keys", __name__, url_prefix="/api/keys", abp_tags=[_TAG], abp_responses=PROBLEMS)
me = APIBlueprint("me", __name__, abp_tags=[_TAG], abp_responses=PROBLEMS)


@keys.get("", responses={200: KeysView})
def list_keys() -> Response:
    """All keys that were ever made, the oldest first; not their texts, which nobody has."""
    now = utc_now()
    return fresh_json({"keys": [key.public(now) for key in services().keys.all()]})


@keys.post("", responses={201: MadeKeyView})
def add_key(body: NewKeyBody) -> Response:
    """Make a key, and show it: the only time. An `Idempotency-Key` does nothing here."""
    new = new_key(
        body.owner,
        **body.model_dump(include={"role", "teams", "note", "quotas"}),
        expires_at=body.end(),
    )
    flow.add_key(services(), new.key, has_admin=True)
    concerns(Kind.KEY, new.key.prefix, new.key.owner)
    return _shown(new)


@keys.post("/<prefix>/revoke", responses={200: KeyView})
def revoke_key(path: KeyPath, query: Confirmation) -> Response:
    """End a key at once; the one that this is asked with only when that is confirmed."""
    check_not_own(path.prefix, is_confirmed=query.confirm)
    return jsonify(flow.revoke_key(services(), path.prefix).public(utc_now()))


@keys.post("/<prefix>/rotate", responses={201: MadeKeyView})
def rotate_key(path: KeyPath, body: Rotation) -> Response:
    """Make a key like another, show it, and end the other. An `Idempotency-Key` does nothing here."""
    new = flow.rotate_key(services(), path.prefix, grace=body.grace, expires_at=body.end())
    concerns(Kind.KEY, f"{path.prefix} → {new.key.prefix}", new.key.owner)
    return _shown(new)


@me.get("/api/me", responses={200: CallerView})
def get_me() -> Response:
    """Who asks, and what they may do."""
    asking = caller()
    view = CallerView(
        name=asking.name,
        owner=asking.owner,
        teams=sorted(asking.teams),
        role=asking.role,
        quotas=QuotasView.of(asking.quotas),
        expires_at=asking.expires_at,
        sees_all=asking.sees_all,
    )
    return fresh_json(view.model_dump(mode="json"))


def check_not_own(prefix: str, *, is_confirmed: bool) -> None:
    """Raises Conflict (`own_key`) for the key that is used, unless that is confirmed."""
    if caller().name == f"key:{prefix}" and not is_confirmed:
        raise Conflict(
            f"{prefix} is the key that you are using. Confirm (`confirm=true`) to end it all the same.",
            code=Code.OWN_KEY,
        )


def _shown(new: NewKey) -> Response:
    response = jsonify({"key": new.text, **new.key.public(utc_now())})
    response.status_code = 201
    return response
