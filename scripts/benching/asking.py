"""A client that asks any server of OpenAI's API many things at once, as all who ask it are asked."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from scripts.benching.tasks import Task
from scripts.run import Run

_PATIENCE_S = 600.0


def ask(url: str, model: str, tasks: Sequence[Task], *, takes_lists: bool = False, **more: Any) -> Run:
    """Ask all at once; every request says `more` besides. Fails when an answer is of another length.

    Who `takes_lists` is sent a list of one request, and answers with a list.
    """
    asked = [body_of(model, task) | more for task in tasks]
    bodies = [json.dumps({"bodies": [one]} if takes_lists else one).encode() for one in asked]
    return asyncio.run(_ask(url, bodies, tasks))


async def _ask(url: str, bodies: Sequence[bytes], tasks: Sequence[Task]) -> Run:
    limits = httpx.Limits(max_connections=None)
    headers = {"Content-Type": "application/json"}
    async with httpx.AsyncClient(timeout=_PATIENCE_S, limits=limits, headers=headers) as client:

        async def one(body: bytes, task: Task) -> float:
            response = await client.post(f"{url}/v1/chat/completions", content=body)
            took_s = time.perf_counter() - began_s
            assert response.status_code == httpx.codes.OK, response.text
            _check(response.json(), task)
            return took_s

        began_s = time.perf_counter()
        latencies_s = await asyncio.gather(*map(one, bodies, tasks))
        return Run(time.perf_counter() - began_s, latencies_s)


def _check(said: Any, task: Task) -> None:
    one = said[0] if isinstance(said, list) else said
    tokens = one["usage"]["completion_tokens"]
    assert tokens == task.tokens, f"{tokens} tokens were said, of {task.tokens} that were asked for"


def body_of(model: str, task: Task) -> dict[str, Any]:
    """The request for a chat completion."""
    data = b64encode(Path(task.file).read_bytes()).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    content = [image, {"type": "text", "text": task.question}]
    messages = [{"role": "user", "content": content}]
    return {"model": model, "messages": messages, "max_tokens": task.tokens, "temperature": 0}
