"""The calls of OpenAI's API: the models, and a completion of a chat."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_openapi3 import FileStorage

from jobs.contract.catalog import ModelCard
from jobs.contract.models import Job
from web.access.caller import caller
from web.http.ears import Ear
from web.http.waiting import Waiting
from web.intake.asking import check_images, check_options, check_takes, choose_model
from web.intake.fetching import after_fetching
from web.intake.single import accept_question
from web.intake.spool import CHAT_PATH, spooled_request
from web.openai.completion import completion_of
from web.openai.content import images_of, shown_question, turns_of
from web.openai.ended import cancel, ended, logprobs_of
from web.openai.following import Following
from web.openai.request import ChatRequest
from web.openai.stream import Stream
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
    """What a model says next in a chat that has an image: all of it, or piece by piece (`stream`)."""
    serving, until_s = services(), time.monotonic() + services().web.chat_wait_s
    asked = ChatRequest.read(request.get_json(force=True))
    card, chat = choose_model(serving, asked.model), turns_of(asked.messages, serving.limits)
    options = check_options(serving, card, asked).model_copy(update={"chat": chat})
    check = partial(check_takes, serving, card.name, caller().owner)
    check()
    files = images_of(asked.messages, spooled_request().kept)
    check_images("The chat", len(files), serving.limits)

    def answer(files: Sequence[FileStorage]) -> Response:
        accept = partial(accept_question, serving, card, shown_question(chat), options, files)
        return _waited(serving, asked, until_s, lambda ear: accept(ear=ear))

    return after_fetching(serving, files, check, answer)


def _waited(
    serving: Services, asked: ChatRequest, until_s: float, accept: Callable[[Ear | None], Job]
) -> Response:
    """The completion of the job that `accept` makes: as a whole, or while it is made."""
    if not asked.stream:
        job = accept(None)
        look = partial(_look, serving, job.id, until_s)
        return Waiting(look, serving.stopping, left=partial(cancel, serving, job.id))
    ear = serving.ears.open()
    try:
        job = accept(ear)
    except Exception:
        serving.ears.close(ear)
        raise
    has_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    return Stream(serving, job, Following(serving, ear, until_s), has_usage=has_usage).response()


def _look(serving: Services, job_id: str, until_s: float) -> Response | None:
    """The completion when it is there; raises the reason why there will be none."""
    job = ended(serving, job_id, until_s)
    return jsonify(completion_of(job, logprobs_of(serving, job))) if job else None


def _model(card: ModelCard) -> dict[str, Any]:
    return {"id": card.name, "object": "model", "created": _UNKNOWN_TIME_S, "owned_by": "eva01"}
