"""What tests of OpenAI's calls ask and are answered."""

import base64

from jobs.contract.models import FinishReason, Result, Usage
from tests.asking import IMAGE

DATA = "data:image/png;base64," + base64.b64encode(IMAGE).decode()
USAGE = Usage(visual_tokens=9, prompt_tokens=21, output_tokens=4)
SAID = Result(answer="A red circle.", finish_reason=FinishReason.STOP, usage=USAGE)

SURE = SAID.model_copy(update={"confidence": 0.75, "field_confidence": {"color": 0.5}})


def image(url: str = DATA, **more: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def text(said: str) -> dict:
    return {"type": "text", "text": said}


def about(*images: dict, question: str = "What is this?") -> list:
    return [{"role": "user", "content": [*images, text(question)]}]


def about_it(question: str = "What is this?") -> list:
    return about(image(), question=question)
