"""What another server is sent: the messages of a question, and of a chat, each image in its place."""

import json
from typing import Any

from jobs.contract.asking.chat import Role, Turn
from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from worker.engines.remote.asking import asked
from worker.engines.remote.pictures import Picture

A, B = Picture("image/png", b"A"), Picture("image/png", b"B")


def shown(picture: Picture) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": picture.url}}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def messages(options: Options) -> list[dict[str, Any]]:
    job = asked("m", [A, B], "What differs?", options, WorkerSettings())
    said: list[dict[str, Any]] = json.loads(job.content(job.body))["messages"]
    return said


def test_a_question_follows_its_images():
    assert messages(Options()) == [
        {"role": "user", "content": [shown(A), shown(B), text("What differs?")]},
    ]


def test_a_chat_is_sent_turn_by_turn_and_its_last_one_says_what_the_answer_has_to_be():
    chat = (
        Turn(role=Role.SYSTEM, parts=("Be short.",)),
        Turn(role=Role.USER, parts=("First:", None)),
        Turn(role=Role.ASSISTANT, parts=("A circle.",)),
        Turn(role=Role.USER, parts=("And this?", None)),
    )
    wanted = ResponseFormat(type=FormatType.JSON_OBJECT)
    assert messages(Options(chat=chat, response_format=wanted)) == [
        {"role": "system", "content": [text("Be short.")]},
        {"role": "user", "content": [text("First:"), shown(A)]},
        {"role": "assistant", "content": [text("A circle.")]},
        {"role": "user", "content": [text("And this?"), shown(B), text("Answer with a JSON object.")]},
    ]
