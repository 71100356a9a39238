"""A Redis, a web that asks for keys, a worker that answers at once; callers, and what they have there."""

import base64
import json
import sys
from pathlib import Path
from typing import Any, Self

import httpx

from tests.chaos.servers import RedisServer
from tests.chats import about, image
from tests.files.drawing import Scene
from tests.processes import Process, free_port, python, wait_until

ROOT = Path(__file__).parents[2]
#: Two who may not see each other's things, and one who looks after keys.
USERS, ADMIN = ("anna", "ben"), "dora"
#: What the worker is called.
MODEL = "stub"
#: A chat about an image, and a file with one request.
IMAGE = Scene("white", (("red", "circle"),)).encode()
MESSAGES = about(image("data:image/png;base64," + base64.b64encode(IMAGE).decode()))
_SEEN, _ASKED = MESSAGES[0]["content"]
INPUT = [
    {
        "role": "user",
        "content": [
            {"type": "input_image", "image_url": _SEEN["image_url"]["url"]},
            {"type": "input_text", "text": _ASKED["text"]},
        ],
    }
]
REQUESTS = json.dumps(
    {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": MODEL, "messages": MESSAGES},
    }
)
_ADMIN_KEY = "eva01_of-a-server-that-is-there-to-be-called-alone"
#: More than schemathesis tries, all from one address.
_WRONG_KEYS = "1000000"


class House:
    """All processes, with their files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._redis = RedisServer(folder)
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        env = {
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self._redis.url,
            "EVA01_DATA": str(folder),
            "EVA01_PORT": str(port),
            # The default has no worker: what it is asked waits, and can be cancelled.
            "EVA01_MODELS": "ocr",
            "EVA01_ADMIN_KEY": _ADMIN_KEY,
            "EVA01_ADMIN_OWNER": ADMIN,
            "EVA01_WRONG_KEYS_PER_MIN": _WRONG_KEYS,
            "EVA01_WORKER_PORT": str(free_port()),
        }
        self._web = Process.start("web", python("web"), env, folder)
        worker = [sys.executable, "-m", "tests.stubs.worker", "0"]
        self._worker = Process.start("worker", worker, env, folder)
        #: The key of each caller.
        self.keys = {ADMIN: _ADMIN_KEY}

    def __enter__(self) -> Self:
        self._web.wait_until_ready(f"{self.url}/ready")
        with self._client(ADMIN) as admin:
            wait_until(lambda: len(admin.get("/api/models").json()["models"]) == 2, "the worker is known")
            for user in USERS:
                self.keys[user] = _said(admin.post("/api/keys", json={"owner": user}))["key"]
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.end()
        self._web.end()
        self._redis.stop()

    def things(self, caller: str) -> dict[str, str]:
        """What is the caller's: an open batch; a link to one that is done, with a job that failed; a file."""
        asked = {"question": "What is it?", "model": MODEL}
        with self._client(caller) as client:
            is_open, shared = (_said(client.post("/api/batches", json=asked))["id"] for _ in range(2))
            batch = f"/api/batches/{shared}"
            files = [("files", (name, IMAGE)) for name in ("a.png", "b.png")]
            own = {"questions": json.dumps({"b.png": "poison"})}
            answered, failed = _said(client.post(f"{batch}/files", files=files, data=own))["files"]
            client.post(f"{batch}/close")
            wait_until(lambda: client.get(batch).json()["is_done"], "both jobs have an end")
            url = _said(client.post(f"{batch}/share", json={}))["url"]
            file = _said(client.post("/v1/files", files={"file": REQUESTS}, data={"purpose": "batch"}))
        jobs = {"job": answered["job_id"], "failed": failed["job_id"]}
        token = url.rpartition("/")[2]
        return {"batch": is_open, "done": shared, "token": token, "file": file["id"], **jobs}

    def web_said(self) -> str:
        """What web has logged."""
        return self._web.output()

    def _client(self, caller: str) -> httpx.Client:
        known = {"Authorization": f"Bearer {self.keys[caller]}"}
        return httpx.Client(base_url=self.url, headers=known, timeout=60)


def _said(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json()
