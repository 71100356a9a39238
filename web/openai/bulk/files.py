"""The calls of OpenAI's API for files: those that batches are made of, and what came of batches."""

from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Any, Literal, cast

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.datastructures import MultiDict

from jobs.contract.asking.order import Order, SentFile
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, Conflict, NotFound, TooLarge
from jobs.contract.models import Batch, utc_now
from jobs.contract.settings import Limits
from web.access.caller import caller
from web.export.lines import begun
from web.http.idempotency import speaks_of
from web.http.security import PRIVATE
from web.intake.forms import check_form
from web.intake.names.paths import sent_path, shortened
from web.intake.spool import FILES_PATH, Part, spooled_request
from web.openai.bulk.expiry import ExpiresAfter, Life
from web.openai.bulk.lines import lines_in
from web.openai.bulk.listing import Asked
from web.openai.bulk.output import Output, lines_of
from web.openai.request import BadField
from web.services import Services, services

files = Blueprint("openai_files", __name__)

_PURPOSE = "batch"
#: What begins the names of a form's fields that say when a file is to go.
_EXPIRES = "expires_after["
_JSONL = "application/jsonl; charset=utf-8"
#: What comes before the ids of files, and of those that a batch gives, which say what is in them besides.
FILE = "file-"
_SENT = f"{FILES_PATH}/{FILE}<string(length=32):file_id>"
_OUTPUT = f"{FILES_PATH}/{FILE}<string(length=32):batch_id>-<which>"
#: Bytes of an empty line at most.
_EMPTY_BYTES = 64
_PIECE_BYTES = 1024 * 1024
#: Files of one page of a list.
MOST_LISTED = 10_000
_LATEST_FIRST, _OLDEST_FIRST = "desc", "asc"


class NewFile(BaseModel):
    """What is said of a file that is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Literal["batch"]
    expires_after: ExpiresAfter | None = None


@files.post(FILES_PATH)
def send_file() -> Response:
    """Keep a file of requests, one a line, to make batches of it."""
    serving = services()
    check_form(request)
    asked = _read(request.form)
    sent = spooled_request().sent
    if len(sent) != 1:
        raise BadField("The form should have one `file`, with a request in each line.", "file")
    owner = caller().owner
    _check_room(serving, owner)
    part = cast(Part, sent[0].stream)
    now, life_s = utc_now(), serving.web.retention_s
    if asked.expires_after:
        life_s = min(life_s, asked.expires_after.seconds)
    found = SentFile(
        owner=owner,
        created_at=now,
        expires_at=now + timedelta(seconds=life_s),
        name=shortened(sent_path(sent[0]), serving.limits.max_path_chars),
        size_bytes=part.size_bytes,
        lines=_lines(part, serving.limits),
    )
    serving.sent_files.put(found, cast(IO[bytes], part))
    speaks_of(found)
    return jsonify(_shown(serving, found))


@files.get(FILES_PATH)
def list_files() -> Response:
    """The caller's files of requests, the latest first."""
    serving, asked = services(), Asked.read(MOST_LISTED)
    if asked.of.get("purpose", _PURPOSE) != _PURPOSE:
        return asked.page([])
    order = asked.of.get("order", _LATEST_FIRST)
    if order not in (_LATEST_FIRST, _OLDEST_FIRST):
        raise BadField(f"`order` is {order[:100]!r}; it is `asc` or `desc`.", "order")
    found = serving.sent_files.of(caller().owners)
    if order == _OLDEST_FIRST:
        found.reverse()
    return asked.page([_shown(serving, sent) for sent in found])


@files.get(_SENT)
def get_file(file_id: str) -> Response:
    """What is known of a file of requests."""
    serving = services()
    return jsonify(_shown(serving, serving.sent_files.get(file_id, caller().owners)))


@files.get(f"{_SENT}/content")
def read_file(file_id: str) -> Response:
    """The file itself."""
    serving = services()
    sent = serving.sent_files.get(file_id, caller().owners)
    response = _stream(_pieces(serving, sent))
    response.content_length = sent.size_bytes
    return response


@files.delete(_SENT)
def delete_file(file_id: str) -> Response:
    """Delete a file of requests; batches that were made of it stay.

    Raises Conflict (`file_in_use`) while one is being made of it.
    """
    serving = services()
    sent = serving.sent_files.get(file_id, caller().owners)
    if sent.id in serving.orders.files_being_read():
        raise Conflict(
            f"A batch is being made of {FILE}{sent.id}. Delete it when that has all of its lines.",
            code=Code.FILE_IN_USE,
        )
    serving.sent_files.delete(sent)
    return jsonify({"id": f"{FILE}{sent.id}", "object": "file", "deleted": True})


@files.get(_OUTPUT)
def get_output(batch_id: str, which: str) -> Response:
    """What is known of the answers of a batch, or of what has none."""
    batch, output, _, life = _output(batch_id, which)
    return jsonify(_shown_output(batch, output, life))


@files.get(f"{_OUTPUT}/content")
def read_output(batch_id: str, which: str) -> Response:
    """The answers that a batch has so far, or what has none: a line each."""
    batch, output, order, _ = _output(batch_id, which)
    return _stream(lines_of(services(), batch, output, order))


@files.delete(_OUTPUT)
def keep_output(batch_id: str, which: str) -> Response:
    """Refuse it: answers go with their batch."""
    _, output, *_ = _output(batch_id, which)
    raise BadInput(
        f"The {output} file of a batch goes with the batch: DELETE /api/batches/{batch_id}.",
        code=Code.INVALID_FIELD,
    )


def output_id(batch: Batch, which: Output) -> str:
    """The id of a file that a batch gives."""
    return f"{FILE}{batch.id}-{which}"


def _output(batch_id: str, which: str) -> tuple[Batch, Output, Order | None, Life]:
    """A file that a batch gives; raises NotFound for what it does not give, or no longer."""
    if which in list(Output):
        serving = services()
        batch = serving.store.get_batch(batch_id)
        order = serving.orders.of([batch.id]).get(batch.id)
        life = Life(serving, batch, order)
        if not life.is_over:
            return batch, Output(which), order, life
    raise NotFound(f"There is no file {FILE}{batch_id}-{which[:100]}.", code=Code.FILE_NOT_FOUND)


def _read(form: MultiDict[str, str]) -> NewFile:
    """What a form says; raises BadField for the first field that cannot be used."""
    if twice := next((name for name, texts in form.lists() if len(texts) > 1), None):
        raise BadField(f"`{twice[:100]}` is there twice in the form. Send it once.", twice[:100])
    said: dict[str, Any] = {name: text for name, text in form.items() if not name.startswith(_EXPIRES)}
    expiry = {name.removeprefix(_EXPIRES).rstrip("]"): form[name] for name in form if name not in said}
    if other := next((name for name in said if name not in NewFile.model_fields), None):
        raise BadField(f"`{other[:100]}` is not supported. Leave it out.", other[:100])
    try:
        return NewFile.model_validate(said | ({"expires_after": expiry} if expiry else {}))
    except ValidationError as error:
        raise BadField.of(error) from error


def _check_room(serving: Services, owner: str | None) -> None:
    most = serving.limits.max_request_files
    # Those whose time is over are counted until they are deleted, unless it matters.
    if serving.sent_files.count(owner) >= most and len(serving.sent_files.of([owner])) >= most:
        raise TooLarge(
            f"There are {most:,} files of requests already, as many as may be (EVA01_MAX_REQUEST_FILES)."
            " Delete some.",
            code=Code.TOO_MANY_FILES,
        )


def _lines(part: Part, limits: Limits) -> int:
    """How many requests a file has; raises TooLarge, and BadField for none."""
    if part.size_bytes > limits.max_requests_bytes:
        raise TooLarge(
            f"The file has {part.size_bytes:,} bytes; the limit is {limits.max_requests_bytes:,}"
            " (EVA01_MAX_REQUESTS_BYTES). Send it in parts.",
            code=Code.REQUEST_TOO_LARGE,
        )
    part.seek(0)
    lines = sum(1 for _ in lines_in(lambda _: part.read(_PIECE_BYTES) or b"", _EMPTY_BYTES))
    if lines > limits.max_requests:
        raise TooLarge(
            f"The file has {lines:,} lines; the limit is {limits.max_requests:,} (EVA01_MAX_REQUESTS)."
            " Send it in parts.",
            code=Code.REQUEST_TOO_LARGE,
        )
    if not lines:
        raise BadField("The file is empty. Send one with a request in each line.", "file")
    return lines


def _pieces(serving: Services, sent: SentFile) -> Iterator[bytes]:
    place = 0
    while piece := serving.sent_files.piece(sent, place):
        place += len(piece)
        yield piece


def _stream(pieces: Iterator[bytes]) -> Response:
    response = Response(begun(pieces), content_type=_JSONL)
    response.headers["Cache-Control"] = PRIVATE
    return response


def _shown(serving: Services, sent: SentFile) -> dict[str, Any]:
    retained_until = sent.created_at + timedelta(seconds=serving.web.retention_s)
    expires_at = min(sent.expires_at or retained_until, retained_until)
    return {
        "id": f"{FILE}{sent.id}",
        "object": "file",
        "bytes": sent.size_bytes,
        "created_at": int(sent.created_at.timestamp()),
        "expires_at": int(expires_at.timestamp()),
        "filename": sent.name,
        "purpose": _PURPOSE,
        "status": "processed",
    }


def _shown_output(batch: Batch, which: Output, life: Life) -> dict[str, Any]:
    return {
        "id": output_id(batch, which),
        "object": "file",
        # It is made as it is read: nobody knows before.
        "bytes": 0,
        "created_at": int((life.whole_at or batch.created_at).timestamp()),
        "expires_at": int(life.expires_at.timestamp()) if life.expires_at else None,
        "filename": f"batch_{batch.id}_{which}.jsonl",
        "purpose": "batch_output",
        "status": "processed",
    }
