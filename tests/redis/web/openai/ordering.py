"""Batches of files of requests, ordered, filled and answered."""

import base64
import json
from typing import Any, Literal

from openai import NOT_GIVEN, OpenAI

from jobs.contract import names
from jobs.contract.models import FinishReason, Result, Usage
from tests.asking import IMAGE
from tests.files import hostile
from web.openai.bulk.filler import Filler
from web.services import Services

ENDPOINT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
OTHER = hostile.encoded(size=(20, 10))
SAID = Result(
    answer="A red circle.",
    finish_reason=FinishReason.STOP,
    usage=Usage(visual_tokens=9, prompt_tokens=21, output_tokens=4),
)


def shown(image: bytes | str) -> dict[str, Any]:
    if isinstance(image, str):
        return {"type": "image_url", "image_url": {"url": image}}
    data = base64.b64encode(image).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def line(custom_id: str, *images: bytes | str, model: str = "nano", **said: Any) -> str:
    """A line about images, or those at addresses."""
    content = [*map(shown, images or (IMAGE,)), {"type": "text", "text": "What is this?"}]
    body = {"model": model, "messages": [{"role": "user", "content": content}], **said}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body})


def file_of(*lines: str) -> tuple[str, bytes]:
    return "requests.jsonl", "\n".join(lines).encode()


def begin(client: OpenAI, *lines: str, expires_after: Any = NOT_GIVEN, **said: Any):
    """A batch that was ordered of a file of lines."""
    sent = client.files.create(file=file_of(*lines), purpose="batch", expires_after=expires_after)
    return client.batches.create(input_file_id=sent.id, endpoint=ENDPOINT, completion_window="24h", **said)


def fill(services: Services, **how: Any) -> None:
    filler = Filler(services, **how)
    while filler.run_once():
        pass


def answer(services: Services, redis_client, *results: Result) -> None:
    for result in results:
        assert redis_client.lpop(names.bulk_queue("nano"))
        taken = services.store.take("nano", "ticket")
        assert taken is not None
        services.store.finish(taken.job.id, result)
        services.journal.note_result(services.store.get_job(taken.job.id))


def told(client: OpenAI, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]
