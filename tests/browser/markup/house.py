"""A server on which everything that has a name is called by a payload, as users and workers might do it."""

import json
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import quote

import httpx

from jobs.contract.access.audit import MOST_CHARS, Action, Event, Kind, Outcome, Target
from jobs.contract.catalog import NANO
from jobs.contract.models import Batch, JobError, Result, WorkerInfo, WorkerState, utc_now
from jobs.contract.settings import Settings
from jobs.flow import open_batch
from jobs.storage.stores import Stores
from tests import plain
from tests.browser.markup.payloads import PAYLOADS, TOGETHER
from tests.browser.signing import ADMIN_KEY
from tests.files import hostile, tiffs
from tests.process.conftest import Stack
from tests.servers.provider import OpenIdProvider

#: Characters of a batch's name, of a question, and of what a key or a link is for.
_NAME, _QUESTION, _NOTE = 500, 4000, 200
#: Of what is said of a field.
_HINT = 500
#: Seconds for which a worker that is only told of counts as alive.
_BEAT_S = 600.0
_PICTURE = hostile.encoded(size=(32, 24))


@dataclass
class HostileHouse:
    """The server, and where on it what lies."""

    stack: Stack
    provider: OpenIdProvider
    #: Batches: their files, answers and errors are payloads; one without any; one of a model that is one.
    batches: list[str] = field(default_factory=list)
    #: A batch whose fields are called by payloads, and have them for hints, choices and values.
    fields_batch: str = ""
    #: The path of a link that opens the first batch.
    link: str = ""

    @classmethod
    def start(cls, stack: Stack, provider: OpenIdProvider) -> "HostileHouse":
        """Start Redis and web, and fill them."""
        stack.start_redis()
        stack.start_web(
            EVA01_ADMIN_KEY=ADMIN_KEY,
            EVA01_ADMIN_OWNER="root",
            EVA01_ADMINS_SEE_IMAGES="1",
            EVA01_WRONG_KEYS_PER_MIN="10000",
            **provider.env | {"EVA01_OIDC_ALLOWED": "*"},
        )
        house = cls(stack, provider)
        house._fill()
        return house

    @property
    def headers(self) -> dict[str, str]:
        """Those of the admin."""
        return {"Authorization": f"Bearer {ADMIN_KEY}"}

    def paths(self) -> dict[str, list[str]]:
        """Addresses with payloads in them, by the endpoint of the page that shows them."""
        first = self.batches[0]
        return {
            "pages.history": _each("/history?search={}", "/history?cursor={}"),
            "pages.batch_page": _each(
                f"/batches/{first}?state={{}}", f"/batches/{first}?cursor={{}}", "/batches/{}"
            ),
            "pages.shared_page": _each("/shared/{}", f"{self.link}?state={{}}"),
            "pages.usage_page": _each("/usage?from={}", "/usage?owner={}"),
            "pages.audit_page": _each("/admin/audit?from={}", "/admin/audit?cursor={}"),
            "pages.sign_in_page": _each("/sign-in?next={}"),
            "pages.go_to_provider": _each("/sign-in/openid?next={}"),
            "pages.come_back": _each("/sign-in/openid/callback?error={0}&error_description={0}"),
            "docs.page": _each("/docs?url={0}&configUrl={0}&spec={0}"),
            "nothing": _each("/{}", "/admin/{}"),
        }

    def forms(self) -> list[tuple[str, str, dict[str, str]]]:
        """What is posted to which endpoint at which path, so that a page shows it again."""
        fields = ("owner", "role", "teams", "note", "expires")
        made = [
            ("pages.make_key", "/admin/keys", {"owner": "anna", "role": "user", name: text[:300]})
            for name in fields
            for text in TOGETHER
        ]
        for text in PAYLOADS:
            made += [
                (
                    "pages.create_batch",
                    "/batches",
                    {"question": text, "model": text, "fields": text, "schema": text},
                ),
                ("pages.check_key", "/sign-in", {"key": text, "next": text}),
                ("pages.end_sessions", "/admin/sessions/end", {"owner": text}),
                ("pages.revoke_key", f"/admin/keys/{quote(text, safe='')}/revoke", {"confirm": text}),
                ("pages.rotate_key", f"/admin/keys/{quote(text, safe='')}/rotate", {"grace_hours": text}),
                ("pages.choose", "/preferences", {"next": text, "language": text, "theme": text}),
            ]
        return made

    def answer_what_is_asked(self, text: str) -> None:
        """Answer all single questions that wait, with `text`, as a worker does."""
        store = self.stores.store
        while ticket := store.redis.rpop("eva01:nano:interactive"):
            if taken := store.take("nano", str(ticket)):
                store.finish(taken.job.id, Result(answer=text))

    # Filling it

    def _http(self) -> httpx.Client:
        return plain.Client(base_url=self.stack.url, headers=self.headers)

    def _fill(self) -> None:
        redis_url = f"redis://127.0.0.1:{self.stack.redis_port}/0"
        self.stores = Stores.connect(Settings(redis_url=redis_url, data=self.stack.folder))
        with self._http() as http:
            self.batches.append(self._make_batch(http))
            self.fields_batch = self._make_fields(http)
            self._share(http)
            for text in _notes():
                http.post("/api/keys", json={"owner": "anna", "note": text}).raise_for_status()
            for text in PAYLOADS:
                asked = {"model": "nano", "name": text[:_NAME], "question": text}
                self.batches.append(http.post("/api/batches", json=asked).raise_for_status().json()["id"])
        self._pretend()
        self._write_trail()

    def _make_batch(self, http: httpx.Client) -> str:
        """A batch called by all payloads, with a file called by each, alone and in zips, and one of pages."""
        asked = {"model": "nano", "name": TOGETHER[0][:_NAME], "question": TOGETHER[1][:_QUESTION]}
        batch = http.post("/api/batches", json=asked).raise_for_status().json()["id"]
        own = dict.fromkeys(PAYLOADS, TOGETHER[0][:_QUESTION])
        files = [
            ("in a zip.zip", hostile.zipped({f"{text}.png": _PICTURE for text in PAYLOADS})),
            *((text, _PICTURE) for text in PAYLOADS),
            *((f"{text} refused", b"no image") for text in PAYLOADS[:9]),
            (f"{PAYLOADS[0]}.tif", tiffs.fax(2)),
        ]
        sent = http.post(
            f"/api/batches/{batch}/files",
            data={"questions": json.dumps(own)},
            files=[("files", file) for file in files],
        )
        sent.raise_for_status()
        http.post(f"/api/batches/{batch}/close").raise_for_status()
        self._answer_all(batch)
        return str(batch)

    def _make_fields(self, http: httpx.Client) -> str:
        """Fields of texts, of choices, and lists of both, each called by a payload."""
        kinds: list[dict[str, Any]] = [
            {"type": ["string", "null"], "description": TOGETHER[0][:_HINT]},
            {"type": "string", "enum": [text[:_HINT] for text in PAYLOADS], "description": PAYLOADS[3]},
            {"type": "array", "items": {"type": "string"}},
            {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        ]
        properties = {text[:_HINT]: kinds[place % len(kinds)] for place, text in enumerate(PAYLOADS)}
        schema = {"type": "object", "properties": properties, "required": [*properties]}
        wanted = {
            "type": "json_schema",
            "json_schema": {"schema": schema, "description": TOGETHER[1][:_HINT]},
        }
        asked = {"model": "nano", "name": "fields", "question": "?", "response_format": wanted}
        batch = http.post("/api/batches", json=asked).raise_for_status().json()["id"]
        files = [("files", (f"{number}.png", _PICTURE)) for number in range(3)]
        http.post(f"/api/batches/{batch}/files", files=files).raise_for_status()
        for job, values in zip(
            self.stores.store.results(batch), (PAYLOADS, PAYLOADS[::-1], PAYLOADS), strict=True
        ):
            said = [
                (name, [value, [value, *PAYLOADS[:2]], {value: value}][max(0, place % len(kinds) - 1)])
                for place, (name, value) in enumerate(zip(properties, values, strict=True))
            ]
            sure = {name: place / len(said) for place, (name, _) in enumerate(said)}
            result = Result(answer=json.dumps(dict(said)), confidence=0.5, field_confidence=sure)
            self.stores.store.finish(job.id, result)
        http.post(f"/api/batches/{batch}/close").raise_for_status()
        return str(batch)

    def _answer_all(self, batch: str) -> None:
        """Give an answer to two of three of a batch's jobs, and an error to the third."""
        texts = zip(cycle((True, False, True)), cycle(PAYLOADS), strict=False)
        for job in self.stores.store.results(batch):
            if job.is_refused:
                continue
            is_answer, text = next(texts)
            error = JobError(code=text, message=text)
            self.stores.store.finish(job.id, Result(answer=text) if is_answer else Result(error=error))

    def _share(self, http: httpx.Client) -> None:
        address = f"/api/batches/{self.batches[0]}/share"
        made: list[Any] = [http.post(address, json={"note": text}) for text in _notes()]
        self.link = made[-1].raise_for_status().json()["url"]

    def _pretend(self) -> None:
        """A worker, a model and a batch of that model which nothing of ours would call so."""
        text, name = TOGETHER[0], PAYLOADS[3]
        worker = WorkerInfo(
            id=name,
            model=name,
            state=WorkerState.LOADING,
            slots=1,
            device=text,
            started_at=utc_now(),
            trouble=text,
        )
        card = NANO.model_copy(update={"name": name, "description": text, "source": text})
        self.stores.fleet.beat(worker, card, _BEAT_S)
        batch = open_batch(self.stores, Batch(owner="root", name="a model", question="?", model=name))
        self.batches.append(batch.id)

    def _write_trail(self) -> None:
        """An event of each payload, all of whose texts it is."""
        whats = zip(cycle(Action), cycle(Kind), cycle(Outcome), strict=False)
        for text, (action, kind, outcome) in zip(PAYLOADS, whats, strict=False):
            short = text[:MOST_CHARS]
            self.stores.audit.note(
                Event(
                    who=short,
                    owner=short,
                    address=short,
                    action=action,
                    outcome=outcome,
                    target=Target(kind=kind, id=short, owner=short),
                    request_id=short,
                )
            )


def _each(*forms: str) -> list[str]:
    return [form.format(quote(text, safe="")) for form in forms for text in PAYLOADS]


def _notes() -> list[str]:
    """All payloads, several in each text that fits where a note does."""
    notes = [""]
    for text in PAYLOADS:
        if len(notes[-1]) + len(text) >= _NOTE:
            notes.append("")
        notes[-1] += f"{text[: _NOTE - 1]} "
    return [note.strip() for note in notes if note.strip()]
