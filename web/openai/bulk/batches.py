"""The calls of OpenAI's API for batches: made of a file of requests, found again, listed, cancelled."""

import re
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from jobs import flow
from jobs.contract.access.audit import Kind, Target
from jobs.contract.asking.order import Order, SentFile
from jobs.contract.errors import BadInput
from jobs.contract.models import ID_PATTERN, Batch, utc_now
from jobs.contract.settings import MIB
from web.access.audit import note_look
from web.access.caller import caller
from web.http.idempotency import speaks_of
from web.intake.asking import check_takes, choose_model
from web.openai.bulk.batch import BATCH, shown_batch
from web.openai.bulk.expiry import ExpiresAfter
from web.openai.bulk.files import FILE
from web.openai.bulk.lines import lines_in, said_in
from web.openai.bulk.listing import Asked, listed
from web.openai.content import shown_question, turns_of
from web.openai.endpoints import ENDPOINTS
from web.openai.request import BadField
from web.services import Services, services

batches = Blueprint("openai_batches", __name__)

BATCHES_PATH = "/v1/batches"
_BATCH = f"{BATCHES_PATH}/{BATCH}<string(length=32):batch_id>"
#: Batches of one page of a list.
MOST_LISTED = 100
#: How long the one window is that there is.
_WINDOW = timedelta(hours=24)
#: Lines that are looked at for a model, and bytes of them after which no further one is.
_LOOKED_AT, _LOOKED_AT_BYTES = 10, 8 * MIB
_SHOWN = 100


class NewBatch(BaseModel):
    """What is asked of a batch that is made of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_file_id: Annotated[str, StringConstraints(pattern=rf"^{FILE}[0-9a-f]{{32}}$")]
    endpoint: Literal["/v1/chat/completions", "/v1/responses"]
    completion_window: Literal["24h"]
    metadata: Annotated[
        dict[
            Annotated[str, StringConstraints(min_length=1, max_length=64)],
            Annotated[str, StringConstraints(max_length=512)],
        ],
        Field(max_length=16),
    ] = {}
    output_expires_after: ExpiresAfter | None = None


@batches.post(BATCHES_PATH)
def create_batch() -> Response:
    """Make a batch of a file of requests; its lines become jobs one after the other, which begin at once."""
    serving, asked = services(), _read(request.get_json(force=True))
    sent = serving.sent_files.get(asked.input_file_id.removeprefix(FILE), caller().owners)
    model, question = _model_and_question(serving, sent, asked.endpoint)
    card = choose_model(serving, model)
    check_takes(serving, card.name, caller().owner)
    batch = Batch(owner=caller().owner, name=sent.name, question=question, model=card.name, has_requests=True)
    order = Order(
        batch_id=batch.id,
        file=sent,
        endpoint=asked.endpoint,
        window=asked.completion_window,
        expires_at=utc_now() + _WINDOW,
        metadata=asked.metadata,
        output_expires_after_s=asked.output_expires_after.seconds if asked.output_expires_after else None,
        asked_by=caller().name,
        quotas=caller().quotas,
    )
    # The order comes first: nobody may send files to a batch that is going to be made of one.
    serving.orders.note(order)
    flow.open_batch(serving, batch)
    serving.orders.begin(order)
    serving.ordered.set()
    speaks_of(batch)
    return jsonify(shown_batch(batch, order))


@batches.get(BATCHES_PATH)
def list_batches() -> Response:
    """The caller's batches, the latest change first, also those that were not made of a file."""
    serving, who, asked = services(), caller(), Asked.read(MOST_LISTED)
    after = asked.after.removeprefix(BATCH)
    is_seen = re.fullmatch(ID_PATTERN, after) and who.sees(serving.ownership.of_batch(after))
    cursor = serving.batch_list.cursor_of(after) if is_seen else None
    if asked.after and cursor is None:
        raise BadField(f"`after` is {asked.after[:_SHOWN]!r}, which is no batch.", "after")
    if who.sees_all:
        note_look(who, Target(kind=Kind.OWNER, id="all"))
    found, next_cursor = serving.batch_list.page(
        owners=None if who.sees_all else who.owners,
        cursor=cursor,
        limit=asked.limit,
        looked_at=serving.limits.max_looked_at,
    )
    orders = serving.orders.of([batch.id for batch in found])
    shown = [shown_batch(batch, orders.get(batch.id)) for batch in found]
    return listed(shown, has_more=next_cursor is not None)


@batches.get(_BATCH)
def get_batch(batch_id: str) -> Response:
    """A batch as it is now."""
    return jsonify(_shown(services(), batch_id))


@batches.post(f"{_BATCH}/cancel")
def cancel_batch(batch_id: str) -> Response:
    """Cancel what has no answer yet; a batch that is done stays as it is."""
    serving = services()
    if not serving.store.get_batch(batch_id).is_done:
        flow.cancel_batch(serving, batch_id)
    return jsonify(_shown(serving, batch_id))


def _shown(serving: Services, batch_id: str) -> dict[str, Any]:
    batch = serving.store.get_batch(batch_id)
    return shown_batch(batch, serving.orders.of([batch.id]).get(batch.id))


def _read(said: Any) -> NewBatch:
    """Raises BadField for the first field that cannot be used."""
    fields = said.items() if isinstance(said, dict) else ()
    try:
        return NewBatch.model_validate({name: value for name, value in fields if value is not None})
    except ValidationError as error:
        raise BadField.of(error) from error


def _model_and_question(serving: Services, sent: SentFile, endpoint: str) -> tuple[str, str]:
    """Which model the first of a file's lines that can be read asks, and what."""
    limits = serving.limits
    lines = lines_in(partial(serving.sent_files.piece, sent), limits.max_chat_bytes)
    size_bytes = 0
    for line in islice(lines, _LOOKED_AT):
        size_bytes += len(line.text or b"")
        try:
            asked = ENDPOINTS[endpoint].request.read(said_in(line, limits).get("body"))
            return asked.model, shown_question(turns_of(asked, limits))
        except BadInput:
            if size_bytes > _LOOKED_AT_BYTES:
                break
    raise BadField(
        f"None of the first lines, {_LOOKED_AT} at most, of {FILE}{sent.id} can be read as a request to"
        f" {endpoint} about an image, which would say the batch's model.",
        "input_file_id",
    )
