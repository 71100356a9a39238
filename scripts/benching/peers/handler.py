"""What a server without a loop of its own is given: our engine in static batches (transformers' `generate`).

It has the same faster layers as ours, so that a comparison is of how jobs are put together, not of layers.
"""

import base64
from collections.abc import Sequence
from typing import Any

import torch

from jobs.contract.catalog import card_for
from jobs.contract.models import Options
from jobs.contract.settings import Limits, WorkerSettings
from worker.engines import create_engine
from worker.engines.base import Answer
from worker.engines.deadline import NO_DEADLINE
from worker.job.decode.decoder import Decoder

#: Requests of a batch at most, and milliseconds for which one that is not full waits.
BATCH, WAIT_MS = 16, 50


class Handler:
    """The engine of a model, on so many threads; it answers bodies of chat completions."""

    def __init__(self, model: str, threads: int = 0) -> None:
        self._engine = create_engine(card_for(model), WorkerSettings(batching="static"))
        self._engine.load()
        if threads:
            torch.set_num_threads(threads)
        self._decoder = Decoder(Limits(), self._engine.enough_pixels)

    def answer(self, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """All of them together, in one batch."""
        said = self._engine.generate([self._prepare(body) for body in bodies], NO_DEADLINE)
        return [_completion(one) for one in said]

    def _prepare(self, body: dict[str, Any]) -> Any:
        image, text = body["messages"][0]["content"]
        data = base64.b64decode(image["image_url"]["url"].split(",", 1)[1])
        seen = self._engine.see(self._decoder.decode(data).image)
        return self._engine.prepare([seen], text["text"], Options(max_new_tokens=body["max_tokens"]))


def _completion(said: object) -> dict[str, Any]:
    assert isinstance(said, Answer), said
    message = {"role": "assistant", "content": said.text}
    return {"choices": [{"message": message}], "usage": {"completion_tokens": said.usage.output_tokens}}
