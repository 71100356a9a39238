"""Ray Serve with the handler: `python -P ray_app.py MODEL PORT`, in its own environment."""

import sys
from typing import Any

import ray
from ray import serve

from scripts.benching.peers.handler import BATCH, WAIT_MS, Handler


@serve.deployment(max_ongoing_requests=1000)
class Chat:
    """Bodies in batches."""

    def __init__(self, model: str) -> None:
        self.handler = Handler(model)

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT_MS / 1000)
    async def answer(self, bodies: list[Any]) -> list[Any]:
        """Answer a batch."""
        return self.handler.answer(bodies)

    async def __call__(self, request: Any) -> Any:
        """Answer one request."""
        return await self.answer(await request.json())


if __name__ == "__main__":
    ray.init(include_dashboard=False, configure_logging=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
    app = Chat.bind(sys.argv[1])  # type: ignore[attr-defined]
    serve.run(app, route_prefix="/v1/chat/completions", blocking=True)
