"""The calls of OpenAI's API: the models, and what they say."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from jobs.contract.catalog import ModelCard
from web.intake.asking import choose_model
from web.intake.spool import CHAT_PATH, RESPONSES_PATH
from web.openai.answering import answered
from web.openai.ended import logprobs_of
from web.openai.endpoints import ENDPOINTS
from web.openai.responses.response import PREFIX, response_of
from web.services import services

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
@openai.post(RESPONSES_PATH)
def ask() -> Response:
    """What a model says next about images: all of it, or piece by piece (`stream`)."""
    endpoint = ENDPOINTS[request.path]
    return answered(endpoint.request.read(request.get_json(force=True)), endpoint)


@openai.get(f"{RESPONSES_PATH}/{PREFIX}<string(length=32):job_id>")
def get_response(job_id: str) -> Response:
    """A response as it is now; so is any other job."""
    job = services().store.get_shown_job(job_id)
    return jsonify(response_of(job, logprobs_of(services(), job)))


def _model(card: ModelCard) -> dict[str, Any]:
    return {"id": card.name, "object": "model", "created": _UNKNOWN_TIME_S, "owned_by": "eva01"}
