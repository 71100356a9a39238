"""BentoML with the handler, in its own environment; PEER_MODEL names the model's folder."""

import os
from typing import Any

import bentoml

from scripts.benching.peers.handler import BATCH, Handler


@bentoml.service(workers=1, traffic={"timeout": 600, "max_concurrency": 1000})
class Chat:
    """Bodies in batches, each request with a list of one."""

    def __init__(self) -> None:
        self.handler = Handler(os.environ["PEER_MODEL"])

    # It gathers batches for as long as its own measure says; none is dropped for being late.
    @bentoml.api(batchable=True, max_batch_size=BATCH, max_latency_ms=600_000, route="/v1/chat/completions")
    def answer(self, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer a batch."""
        return self.handler.answer(bodies)
