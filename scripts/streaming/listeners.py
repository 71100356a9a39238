"""Clients that hear streams, and compare when they hear a word with when it was said."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chats import about_it

_DATA, _DONE = b"data: ", b"[DONE]"


@dataclass(frozen=True)
class Heard:
    """What came to one client."""

    #: Seconds from a step to its word, for each word.
    late_s: Sequence[float]
    #: Words that came by themselves, and all that were said.
    words: int
    steps: int


async def listen(port: int, count: int) -> list[Heard]:
    """What so many clients hear that ask at the same time, each something else."""
    return await asyncio.gather(*(_hear(port, f"What is this, number {number}?") for number in range(count)))


async def _hear(port: int, question: str) -> Heard:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_request(question))
        late_s: list[float] = []
        said = ""
        while (line := await reader.readline()).strip() != _DATA + _DONE:
            if not line:
                raise ConnectionError("a stream was cut off")
            if line.startswith(_DATA):
                now_ns = time.monotonic_ns()
                word = _word(json.loads(line.removeprefix(_DATA)))
                said += word
                if word:
                    late_s.append((now_ns - int(word.split()[-1])) / 1e9)
        return Heard(late_s, len(late_s), len(said.split()))
    finally:
        writer.close()


def _word(event: dict[str, Any]) -> str:
    if "error" in event:
        raise RuntimeError(event["error"]["message"])
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])


def _request(question: str) -> bytes:
    asked = {"model": "stub", "messages": about_it(question), "stream": True}
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/json\r\n\r\n".encode() + body
