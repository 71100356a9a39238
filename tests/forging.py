"""A bit of everything that Redis may hold, each to be damaged; and calls of all who read it."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis
from flask.testing import FlaskClient

from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import new_key
from jobs.contract.asking.order import Reading
from jobs.contract.catalog import NANO
from jobs.contract.errors import NotFound
from jobs.contract.models import Batch, Job, Result, Usage, WorkerInfo, WorkerState, new_id, utc_now
from jobs.contract.refusals import is_wrong_type
from jobs.storage.tickets.queue import put_aside
from tests.asking import IMAGE, id_of
from tests.files import hostile
from web.server import housekeeping_of
from web.services import Services

MODEL = "nano"
#: As many as nobody uses up, so that all of them are looked at.
QUOTAS = dict.fromkeys(("requests_per_s", "open_jobs", "images_per_day", "device_s_per_day"), 1_000_000)
PAGES = ("/history", "/account", "/admin/usage")
CALLS = (
    *(
        "/health",
        "/ready",
        "/metrics",
        "/api/me",
        "/api/batches",
        "/api/models",
        "/api/status",
    ),
    *("/api/usage", "/api/usage.csv", "/api/keys", "/api/limits", "/api/audit"),
)
OF_A_BATCH = (
    *("", "/results", "/results?order=changed", "/results?state=failed", "/results.csv", "/results.jsonl"),
    *("/timeline", "/shares", "/results.xlsx", "/results.parquet"),
)
_ANSWER = Result(
    answer='{"kind": "circle", "count": 1, "days": ["2026-01-01"]}',
    confidence=0.9,
    field_confidence={"kind": 0.9, "count": 0.8, "days": 1.0},
)
#: An image that is sent after all that there is, and the hash of one that nothing needs.
SENT, UNUSED = hostile.encoded(size=(3, 3)), "ab" * 32
WRONG_KEY = {"Authorization": "Bearer eva01_no-key"}
#: A key; a field of it, if it is a hash; and one of the object that either holds, if it does.
Place = tuple[str, str | None, str | None]


class World:
    """A bit of everything that Redis may hold, and all who read it."""

    def __init__(self, http: FlaskClient, services: Services, redis_url: str) -> None:
        self.services, self._http = services, http
        # What is dumped is no text.
        self.raw: Any = redis.Redis.from_url(redis_url)
        new = new_key("anna", role="admin", quotas=QUOTAS)
        services.keys.add(new.key)
        self._headers = {"Authorization": f"Bearer {new.text}"}
        images = [hostile.encoded(size=(9, number)) for number in range(5, 10)]
        self.batch = self._new_batch()
        self.send(self.batch, {"a.png": images[0], "b.png": images[1], "c.txt": b"x"})
        self.send(self.batch, {"a.png": images[2]})
        while taken := services.store.take(MODEL, "ticket"):
            usage = Usage(visual_tokens=9, output_tokens=3, device_s=0.5)
            services.store.finish(taken.job.id, _ANSWER.model_copy(update={"usage": usage}), recipe="5eed")
        self.job = services.store.page(id_of(self.batch))[0][0].id
        cancelled = self._new_batch()
        self.send(cancelled, {"a.png": images[0]})
        flow.cancel_batch(services, id_of(cancelled))
        shared = self.post(f"{self.batch}/share", json={"days": 1}).json["url"]
        self.link = f"/s/{shared.rsplit('/', 1)[-1]}"
        http.post("/sign-in", data={"key": new.text, "next": "/"})
        fields = {"id": "one", "model": MODEL, "slots": 8, "device": "cpu", "started_at": utc_now()}
        services.fleet.beat(WorkerInfo(state=WorkerState.READY, start_s=2.0, **fields), NANO, 500)
        self.send(self.batch, {"d.png": images[3], "e.png": images[4]})
        self.ask_one()
        assert services.store.take(MODEL, "held")
        self.ask_one()
        housekeeping_of(services).keep_house()
        self.settling = self._settling(images[0])
        self._of_nobody()
        self._of_a_moment()
        self._removed(images[1])
        self._of_a_broker()
        #: What each key holds, and the milliseconds until it ends.
        self._dump: dict[bytes, tuple[Any, int]] = {
            bytes(key): (self.raw.dump(key), self.raw.pttl(key)) for key in self.raw.scan_iter()
        }

    def _settling(self, image: bytes) -> str:
        """A batch that was cancelled as a whole, and of which no job is settled."""
        batch = self._new_batch()
        self.send(batch, {"a.png": image, "b.png": image})
        self.services.store.cancel_batch(id_of(batch))
        return batch

    def _of_nobody(self) -> None:
        """What has no owner: a batch, and a job without one."""
        batch = flow.open_batch(self.services, Batch(model=MODEL))
        for batch_id in (None, batch.id):
            self.services.store.create_job(Job(file="a.png", question="q", model=MODEL, batch_id=batch_id))

    def _of_a_moment(self) -> None:
        """What is there for one request, or until something is done."""
        uses = self.services.image_uses
        uses.release(uses.claim(UNUSED), UNUSED)
        uses.begin_deletion(1)
        uses.claim(hashlib.sha256(SENT).hexdigest())
        uses.redis.zadd(names.IMAGE_CLAIMS, {f"{UNUSED}/claim:{new_id()}": 1})
        self.services.signing_key.get()
        self.services.fillers_turn(60).take()
        self.services.readings.note(id_of(self.batch), Reading(line=1, deaths={1: 1}))
        # What is there where Redis does not say which one it is.
        self.raw.set(names.LIFE, "return 1")
        self.repeat()
        # Half as many as may be tried, since what counts them ends by itself, and soon.
        for _ in range(self.services.web.wrong_keys_per_min // 2):
            self.get("/api/me", **WRONG_KEY)

    def _removed(self, image: bytes) -> None:
        """A batch with a link that was deleted long ago, and is still to be removed."""
        batch = self._new_batch()
        self.send(batch, {"a.png": image})
        self.post(f"{batch}/share", json={"days": 1})
        flow.delete_batch(self.services, id_of(batch))
        for index in (names.REMOVALS, names.BATCHES):
            self.raw.zadd(index, {id_of(batch): 1})

    def _of_a_broker(self) -> None:
        """What Celery keeps of a worker's tickets."""
        self.raw.hset(names.held_key(MODEL), "held", "[]")
        self.raw.zadd(names.held_index_key(MODEL), {"held": 1})
        put_aside(self.services.store.redis, names.unreadable_key(MODEL), b"x", 9)

    def restore(self) -> None:
        """All is as it was."""
        self.raw.flushall()
        with self.raw.pipeline(transaction=False) as pipe:
            for key, (dumped, left_ms) in self._dump.items():
                pipe.restore(key, max(0, left_ms), dumped)
            pipe.execute()

    @property
    def keys(self) -> list[str]:
        return sorted(key.decode() for key in self._dump)

    @property
    def kinds(self) -> list[str]:
        """One key of each kind."""
        return [*{re.sub("[0-9a-f]{32,}", "", key): key for key in self.keys}.values()]

    def get(self, path: str, **headers: str) -> Any:
        """What is said, read to its end; an error where that cannot be reached."""
        try:
            with self._http.get(path, headers=headers or self._headers) as response:
                assert response.data is not None
                return response
        except Exception as error:
            return error

    def post(self, path: str, **sent: Any) -> Any:
        return self._http.post(path, headers=self._headers, **sent)

    def send(self, batch: str, files: dict[str, bytes]) -> Any:
        return self.post(
            f"{batch}/files", data={"files": [(io.BytesIO(one), name) for name, one in files.items()]}
        )

    def repeat(self) -> Any:
        """A request that is done once, however often it is sent."""
        headers = self._headers | {"Idempotency-Key": "once"}
        return self._http.post("/api/batches", json={"question": "Once?", "model": MODEL}, headers=headers)

    def ask_one(self) -> Any:
        asked = {"question": "What?", "model": MODEL, "file": (io.BytesIO(IMAGE), "a.png")}
        return self.post("/api/jobs", data=asked)

    def _new_batch(self) -> str:
        asked = {"question": "What?", "model": MODEL, "fields": ["kind", "count:integer", "days:date[]"]}
        return self.post("/api/batches", json=asked).headers["Location"]

    def broken(self) -> list[str]:
        """Calls that fail otherwise than with a reason that is about what is kept."""
        said = {path: self.get(path) for path in (*PAGES, *CALLS)}
        said |= {path: self.get(f"{self.batch}{path}") for path in OF_A_BATCH}
        said["the job"] = self.get(f"/api/jobs/{self.job}")
        said["its image"] = self.get(f"/api/jobs/{self.job}/image")
        said["the batch's page"] = self.get(self.batch.removeprefix("/api"))
        said["the link"] = self.get(self.link, Accept="text/html")
        said["OpenAI's batches"] = self.get("/v1/batches")
        said["the batch as one of them"] = self.get(f"/v1/batches/batch_{id_of(self.batch)}")
        for which in ("output", "errors"):
            said[f"its {which}"] = self.get(f"/v1/files/file-{id_of(self.batch)}-{which}/content")
        said["a new batch"] = self.post("/api/batches", json={"question": "What?", "model": MODEL})
        said["a file"] = self.send(self.batch, {"f.png": SENT})
        said["a file again"] = self.send(self.batch, {"a.png": hostile.encoded(size=(9, 5))})
        said["a question"] = self.ask_one()
        said["a known file"] = self.post(
            f"{self.batch}/known", json={"files": [{"file": "g", "sha256": "0" * 64}]}
        )
        said["a request again"] = self.repeat()
        said["a wrong key"] = self.get("/api/me", **WRONG_KEY)
        said["what is to be settled"] = self.get(f"{self.settling}/results")
        said["the same, cancelled"] = self.get(f"{self.settling}/results.jsonl?state=cancelled")
        said["with a session"] = self.get("/history", Accept="text/html")
        said["retry"] = self.post(f"{self.batch}/retry")
        said["close"] = self.post(f"{self.batch}/close")
        said["cancel"] = self.post(f"{self.batch}/cancel")
        found = [f"{what}: {fault}" for what, one in said.items() if (fault := _fault(one))]
        return [*found, *self._of_a_worker(), *self._of_a_housekeeper(), *self._of_a_filler()]

    def _of_a_housekeeper(self) -> list[str]:
        """The same of what nobody asks for; what it cannot read it passes over."""
        try:
            housekeeping_of(self.services).keep_house()
        except Exception as error:
            return [f"housekeeping: {type(error).__name__}: {error}"]
        return []

    def _of_a_filler(self) -> list[str]:
        """The same of who makes jobs of the lines of files."""
        try:
            self.services.readings.of(id_of(self.batch))
        except Exception as error:
            return [] if is_wrong_type(error) else [f"a filler: {type(error).__name__}: {error}"]
        return []

    def _of_a_worker(self) -> list[str]:
        """The same of a worker's ways to Redis; what its own queue or its lists are, it may wait for."""
        store = self.services.store
        try:
            for number in range(20):
                if not (taken := store.take(MODEL, f"ticket {number}")):
                    break
                with suppress(NotFound):
                    store.finish(taken.job.id, Result(answer="A circle."), recipe="5eed")
        except Exception as error:
            return [] if is_wrong_type(error) else [f"a worker: {type(error).__name__}: {error}"]
        return []

    @property
    def places(self) -> list[Place]:
        """One of each kind of key, field of a hash, and field of an object in either that may be nonsense.

        In the same order for every world, whose ids are others.
        """
        self.restore()
        found = [place for key in self.keys for place in self._places_in(key)]
        kinds = {tuple(re.sub("[0-9a-f]{16,}", "", part or "") for part in place): place for place in found}
        return [kinds[kind] for kind in sorted(kinds)]

    def _places_in(self, key: str) -> Iterator[Place]:
        if self.raw.type(key) == b"string":
            yield from _of_object(key, None, self.raw.get(key))
        elif self.raw.type(key) == b"hash":
            for field, value in self.raw.hgetall(key).items():
                yield from _of_object(key, field.decode(), value)

    def damage(self, place: Place, value: str | bytes | None) -> None:
        """Put a value there; None for nothing."""
        key, field, part = place
        if part is not None:
            value = _with_part(self._value(key, field), part, value)
        if value is None:
            self.raw.delete(key) if field is None else self.raw.hdel(key, field)
        elif field is None:
            self.raw.set(key, value)
        else:
            self.raw.hset(key, field, value)

    def _value(self, key: str, field: str | None) -> bytes:
        return bytes(self.raw.get(key) if field is None else self.raw.hget(key, field))


def _with_part(text: bytes, part: str, value: str | bytes | None) -> str:
    """An object with another value in one of its fields."""
    whole = json.loads(text)
    del whole[part]
    if value is not None:
        whole[part] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return json.dumps(whole)


def _of_object(key: str, field: str | None, value: bytes) -> Iterator[Place]:
    yield key, field, None
    with suppress(ValueError):
        parts = json.loads(value)
        yield from ((key, field, part) for part in (parts if isinstance(parts, dict) else ()))


def _fault(said: Any) -> str:
    """Why a response is none that may be; empty for one that may."""
    if isinstance(said, Exception):
        return f"{type(said).__name__}: {said}"
    return f"{said.status_code} {said.text[-200:]}" if said.status_code >= 500 else ""
