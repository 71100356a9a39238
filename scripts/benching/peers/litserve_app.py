"""LitServe with the handler: `python -P litserve_app.py MODEL PORT`, in its own environment."""

import sys
from typing import Any

import litserve

from scripts.benching.peers.handler import BATCH, WAIT_MS, Handler


class Chat(litserve.LitAPI):
    """Bodies in batches, as they are."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self.handler = Handler(sys.argv[1])

    def batch(self, inputs: list[Any]) -> list[Any]:
        """They stay a list."""
        return inputs

    def predict(self, bodies: list[Any]) -> list[Any]:
        """Answer a batch."""
        return self.handler.answer(bodies)

    def unbatch(self, output: list[Any]) -> list[Any]:
        """They are a list already."""
        return output


if __name__ == "__main__":
    chat = Chat(max_batch_size=BATCH, batch_timeout=WAIT_MS / 1000, api_path="/v1/chat/completions")
    server = litserve.LitServer(chat, accelerator="cpu", workers_per_device=1, timeout=600)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False)
