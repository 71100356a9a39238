"""A server that speaks OpenAI's API, as a process: `python -m tests.servers.openai_server PORT [NAME]`.

It answers for the model NAME (`stub`) with the size of each image and the question, word by word, and does
what a question that begins with one of the words below asks for. `/seen` says what came to it.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import flask
from PIL import Image
from werkzeug.serving import make_server

#: It says one word, and is gone.
DIE = "die"
#: It says a word each 50 ms for a minute.
SLOW = "slow"
#: It puts off whoever asks, twice.
BUSY = "busy"
#: It fails, always.
BREAK = "break"
#: It refuses the image.
REFUSE = "refuse"
#: It refuses the prompt as too long.
LONG = "long"
#: It says that its answer is withheld; nothing at all; half of an object; an object that was not asked for.
FILTER, EMPTY, HALF, OTHER = "filter", "empty", "half", "other"
#: Its model thinks aloud: within its answer, or apart from it.
THINK, APART = "think", "apart"

KEY = os.environ.get("KEY", "")
#: Parameters that it does not know.
UNKNOWN = set(filter(None, os.environ.get("UNKNOWN", "").split(",")))
SAYS = {
    EMPTY: "",
    HALF: '{"a": ',
    OTHER: '{"b": 1}',
    "json": '{"a": 1}',
    THINK: "<think>It is red.</think> A circle.",
    APART: "A circle.",
}
ENDS = {FILTER: "content_filter", HALF: "length"}


class Server:
    """What it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.Lock()
        self.seen: dict[str, Any] = {"requests": [], "closed": 0, "under_way": 0, "most": 0}
        self.put_off: dict[str, int] = {}
        self.app = flask.Flask("openai")
        self.app.add_url_rule("/v1/models", view_func=self.models)
        self.app.add_url_rule("/v1/chat/completions", view_func=self.chat, methods=["POST"])
        self.app.add_url_rule("/seen", view_func=lambda: self.seen)

    def models(self) -> Any:
        """The one model, made now as vLLM says it."""
        if KEY and flask.request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "Incorrect API key provided.")
        about = {"id": self.name, "object": "model", "created": int(time.time()), "root": "weights-1"}
        return {"object": "list", "data": [about]}

    def chat(self) -> Any:
        """An answer, or what the question asks for."""
        body = flask.request.get_json()
        question, images = _asked(body)
        said = {name: value for name, value in body.items() if name != "messages"}
        with self.lock:
            self.seen["requests"].append({"question": question, "images": [*map(_about, images)], **said})
        if unknown := UNKNOWN & body.keys():
            return _error(400, f"Unsupported parameter: '{min(unknown)}' is not supported with this model.")
        return self._refusal(question) or flask.Response(
            self._counted(question, images, body), mimetype="text/event-stream"
        )

    def _refusal(self, question: str) -> Any:
        word = question.split()[0]
        if word == BUSY:
            count = self.put_off[question] = self.put_off.get(question, 0) + 1
            if count <= 2:
                return _error(429, "Slow down.", **{"Retry-After": "0.1"})
        if word == BREAK:
            return _error(500, "It broke.")
        if word == REFUSE:
            return _error(400, "The image cannot be read: /srv/models/x.png")
        if word == LONG:
            return _error(400, "This model's maximum context length is 10 tokens.")
        return None

    def _counted(self, question: str, images: list[bytes], body: dict[str, Any]) -> Iterator[str]:
        seen = self.seen
        with self.lock:
            seen["under_way"] += 1
            seen["most"] = max(seen["most"], seen["under_way"])
        try:
            yield from self._said(question, images, body)
        except GeneratorExit:
            with self.lock:
                seen["closed"] += 1
            raise
        finally:
            with self.lock:
                seen["under_way"] -= 1

    def _said(self, question: str, images: list[bytes], body: dict[str, Any]) -> Iterator[str]:
        word = question.split()[0]
        sizes = " ".join(str(Image.open(BytesIO(image)).size) for image in images)
        words = SAYS.get(word, f"{sizes} {question}")
        parts = [part + " " for part in words.split(" ")] if words else []
        for part in [word] * 1200 if word == SLOW else parts:
            if word == APART:
                yield _event({"delta": {"reasoning_content": "It "}})
                yield _event({"delta": {"reasoning_content": "is red."}})
                word = ""
            yield _event({"delta": {"content": part}, "logprobs": _logprobs(part, body)})
            if word == DIE:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.05 if word == SLOW else 0.001)
        yield _event({"delta": {}, "finish_reason": ENDS.get(word, "stop")})
        usage = {"prompt_tokens": 40, "completion_tokens": len(parts), "prompt_tokens_details": None}
        if (body.get("stream_options") or {}).get("include_usage"):
            yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
        yield "data: [DONE]\n\n"


def _asked(body: dict[str, Any]) -> tuple[str, list[bytes]]:
    (message,) = body["messages"]
    *images, text = message["content"]
    urls = [image["image_url"]["url"] for image in images]
    return text["text"], [b64decode(url.partition(";base64,")[2]) for url in urls]


def _about(image: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(image).hexdigest(), "format": Image.open(BytesIO(image)).format}


def _logprobs(part: str, body: dict[str, Any]) -> Any:
    if not body.get("logprobs"):
        return None
    token = {"token": part, "logprob": -0.5, "bytes": [*part.encode()]}
    return {"content": [{**token, "top_logprobs": [token] * (body.get("top_logprobs") or 0)}]}


def _event(choice: dict[str, Any]) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n"


def _error(status: int, message: str, **headers: str) -> Any:
    return {"error": {"message": message, "type": "error", "code": None}}, status, headers


if __name__ == "__main__":
    name = sys.argv[2] if len(sys.argv) > 2 else "stub"
    make_server("127.0.0.1", int(sys.argv[1]), Server(name).app, threaded=True).serve_forever()
