"""The calls of OpenAI's API: the models, and a completion of a chat."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_openapi3 import FileStorage

from jobs import flow
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, EngineFailure, NotFound, Unavailable
from web.access.caller import caller
from web.http.waiting import Waiting
from web.intake.asking import check_images, check_options, check_takes, choose_model
from web.intake.fetching import after_fetching
from web.intake.single import accept_question
from web.intake.spool import CHAT_PATH, spooled_request
from web.openai.completion import completion_of
from web.openai.content import images_of, shown_question, turns_of
from web.openai.request import ChatRequest
from web.services import Services, services

openai = Blueprint("openai", __name__)

#: OpenAI's clients want to know when a model was made; a server of one's own does not.
_UNKNOWN_TIME_S = 0


@openai.get("/v1/models")
def list_models() -> Response:
    """The models that can be asked, the default first."""
    cards = services().known_cards().values()
    return jsonify({"object": "list", "data": [*map(_model, cards)]})


@openai.get("/v1/models/<name>")
def get_model(name: str) -> Response:
    """One of them."""
    return jsonify(_model(choose_model(services(), name)))


@openai.post(CHAT_PATH)
def complete_chat() -> Response:
    """What a model says next in a chat that has an image; waits until it has said all."""
    serving, until_s = services(), time.monotonic() + services().web.chat_wait_s
    asked = ChatRequest.read(request.get_json(force=True))
    card, chat = choose_model(serving, asked.model), turns_of(asked.messages, serving.limits)
    options = check_options(serving, card, asked).model_copy(update={"chat": chat})
    check = partial(check_takes, serving, card.name, caller().owner)
    check()
    files = images_of(asked.messages, spooled_request().kept)
    check_images("The chat", len(files), serving.limits)

    def answer(files: Sequence[FileStorage]) -> Response:
        job = accept_question(serving, card, shown_question(chat), options, files)
        look = partial(_look, serving, job.id, until_s)
        return Waiting(look, serving.stopping, left=partial(_cancel, serving, job.id))

    return after_fetching(serving, files, check, answer)


def _look(serving: Services, job_id: str, until_s: float) -> Response | None:
    """The completion when it is there; raises the reason why there will be none."""
    job = serving.store.get_job(job_id)
    if job.state.is_finished:
        asked = job.options.top_logprobs is not None
        known = serving.journal.logprobs(None, {job.id: job.answer}) if asked else {}
        return jsonify(completion_of(job, known.get(job.id, []) if asked else None))
    if serving.stopping.is_set():
        _cancel(serving, job_id)
        raise Unavailable("The server is being stopped. Send the request again.", code=Code.SERVER_STOPS)
    if time.monotonic() >= until_s:
        _cancel(serving, job_id)
        raise EngineFailure(
            f"Job {job_id} had no answer after {serving.web.chat_wait_s:g} s (EVA01_CHAT_WAIT_S), and is"
            " cancelled. Ask again when less waits, or make a batch.",
            code=Code.ANSWER_TOO_LATE,
        )
    return None


def _cancel(serving: Services, job_id: str) -> None:
    """Cancel a job for whose answer nobody waits any more, unless it has one by now."""
    try:
        flow.cancel_job(serving, job_id)
    except (Conflict, NotFound):
        return


def _model(card: ModelCard) -> dict[str, Any]:
    return {"id": card.name, "object": "model", "created": _UNKNOWN_TIME_S, "owned_by": "eva01"}
