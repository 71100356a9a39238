"""Batches that are made of a file of requests, one a line, as OpenAI's API has them."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from eva01.client.models import Reply
from eva01.client.multipart import FilePart, Multipart
from eva01.client.transport import Transport

#: What requests ask where they do not say it, and a time for all of them: there is one.
_ENDPOINT, _WINDOW = "/v1/chat/completions", "24h"
#: States in which nothing more comes.
_ENDS = ("completed", "failed", "cancelled", "expired")
#: Seconds between two looks.
_LOOK_S = 2.0


class Counts(Reply):
    """How many requests there are, and what became of them so far."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class Ordered(Reply):
    """A batch that is made of a file."""

    id: str
    status: str = ""
    request_counts: Counts = Counts()
    #: Where its answers are, and its errors; None while there are none.
    output_file_id: str | None = None
    error_file_id: str | None = None

    @property
    def is_done(self) -> bool:
        """True when nothing more comes."""
        return self.status in _ENDS


def endpoint_of(file: Path) -> str:
    """What the first of a file's requests that says so asks."""
    with file.open("rb") as lines:
        for line in lines:
            with suppress(ValueError, TypeError, KeyError):
                return str(json.loads(line)["url"])
    return _ENDPOINT


class Orders:
    """Sends files of requests, and brings what came of them; raises what Client raises."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, file: Path | str, *, expires_after: int | None = None) -> Ordered:
        """Send a file and make a batch of it.

        `expires_after` is in how many seconds the file is to go, and, from when the batch is done, all that
        came of it with the batch; from an hour to 30 days. None: as the server keeps batches.
        """
        file = Path(file)
        part = FilePart("file", file.name, file, file.stat().st_size)
        part.check()
        life = {} if expires_after is None else {"anchor": "created_at", "seconds": expires_after}
        said = {f"expires_after[{name}]": str(value) for name, value in life.items()}
        sent = self._json("POST", "/v1/files", body=Multipart([part], {"purpose": "batch", **said}))
        asked = {"input_file_id": sent["id"], "endpoint": endpoint_of(file), "completion_window": _WINDOW}
        asked |= {"output_expires_after": life} if life else {}
        return Ordered.model_validate(self._json("POST", "/v1/batches", json=asked))

    def watch(self, batch_id: str) -> Iterator[Ordered]:
        """A batch again and again until it is done."""
        while True:
            batch = Ordered.model_validate(self._json("GET", f"/v1/batches/{batch_id}"))
            yield batch
            if batch.is_done:
                return
            self._transport.sleep(_LOOK_S)

    def save(self, file_id: str, target: Path | str) -> None:
        """Write a file of answers or errors into `target`, which is replaced only when all has come."""
        self._transport.download(f"/v1/files/{file_id}/content", target)

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self._transport.send(method, path, **options).json()
