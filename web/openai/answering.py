"""A request becomes a job, and the job's answer the response: as a whole, or while it is made."""

import time
from collections.abc import Sequence
from functools import partial

from flask import Response, jsonify
from flask_openapi3 import FileStorage

from jobs.contract.models import JobState
from web.access.caller import caller
from web.http.heard import Heard
from web.http.waiting import Waiting
from web.intake.asking import check_images, check_options, check_takes, choose_model
from web.intake.fetching import after_fetching
from web.intake.single import accept_question
from web.intake.spool import spooled_request
from web.openai.chat.completion import failure_of
from web.openai.content import images_of, shown_question, turns_of
from web.openai.ended import cancel, ended, logprobs_of
from web.openai.endpoints import Endpoint
from web.openai.following import Following
from web.openai.request import Request
from web.openai.stream import Stream
from web.services import Services, services


def answered(asked: Request, endpoint: Endpoint) -> Response:
    """What a model says to a request, once there is something of it.

    Raises what taking in a question raises, and BadField.
    """
    serving, until_s = services(), time.monotonic() + services().web.chat_wait_s
    card, chat = choose_model(serving, asked.model), turns_of(asked, serving.limits)
    with asked.in_own_words():
        options = check_options(serving, card, asked.wishes).model_copy(update={"chat": chat})
    check = partial(check_takes, serving, card.name, caller().owner)
    check()
    files = images_of(asked, spooled_request().kept)
    check_images("The chat", len(files), serving.limits, field=asked.MESSAGES)

    def answer(files: Sequence[FileStorage]) -> Response:
        heard = Heard(serving.ears, until_s, serving.stopping, hears_pieces=bool(asked.stream))
        with heard.closed_on_error() as ear, asked.in_own_words():
            job = accept_question(serving, card, shown_question(chat), options, files, ear=ear)
        if asked.stream:
            following = Following(serving, heard, until_s, asked.names)
            return Stream(serving, following, endpoint.events(job, asked)).response()
        find = partial(_find, serving, job.id, until_s, asked, endpoint)

        def leave() -> None:
            heard.close()
            cancel(serving, job.id)

        return Waiting(partial(heard.look, find), serving.stopping, left=leave, live=heard)

    return after_fetching(serving, files, check, answer)


def _find(
    serving: Services, job_id: str, until_s: float, asked: Request, endpoint: Endpoint
) -> Response | None:
    """The answer when it is there; raises the reason why there will be none."""
    job = ended(serving, job_id, until_s)
    if job and job.state is not JobState.SUCCEEDED:
        raise failure_of(job, asked.names)
    return jsonify(endpoint.whole(job, logprobs_of(serving, job))) if job else None
