"""The environment, read once at the edge, into frozen objects that are passed inward.

`MODEL_NAME`, `MAX_PIXELS` and `REDIS_URL` mean what they mean everywhere; every other variable is
its field's name in upper case behind `EVA01_`. docs/configuration.md lists them all.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.contract.access.owners import Quotas
from jobs.contract.asking.pages import LEAST_DPI, MOST_DPI
from jobs.contract.catalog import BUNDLED, DEFAULT_MODEL_NAME, name_of
from jobs.contract.faults import fault_of
from jobs.contract.hosts import address_of, is_host, split_host
from jobs.contract.models import OWNER_PATTERN

MIB = 1024 * 1024
GIB = 1024 * MIB
#: Seconds for which it is known how many workers were ready at once, where no setting says it.
READY_OF_LATE_S = 3600.0
#: Hours that a session in the browser may last at most.
LONGEST_SESSION_HOURS = 366 * 24
#: The most jobs that a worker may hold, and the fewest pixels at which one may see images.
MOST_SLOTS, LEAST_PIXELS = 1024, 28 * 28
#: The most fields that EVA01_MAX_FIELDS may allow: a request is read no further.
MOST_FIELDS = 1000
#: The most images that EVA01_MAX_IMAGES_PER_JOB may allow: all of them are read for one prompt.
MOST_IMAGES = 64


class BadSetting(Exception):
    """Raised when a variable's value cannot be used; names the variable, the value and what would do."""


class _FromEnvironment(BaseSettings):
    """Fields that are not part of the `repr` may hold secrets, and are never shown."""

    model_config = SettingsConfigDict(
        env_prefix="EVA01_", frozen=True, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment; looking for files of settings would double the time."""
        return init_settings, env_settings

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises BadSetting for the first variable that cannot be used.
        """
        try:
            return cls()
        except ValidationError as error:
            secrets = {name for name, field in cls.model_fields.items() if not field.repr}
            raise BadSetting(_explain(error, secrets)) from error

    def is_given(self, field: str) -> bool:
        """True when the environment says it; False when it is our default."""
        return field in self.model_fields_set


class Settings(_FromEnvironment):
    """What both sides need: where Redis and the images are."""

    #: Redis, or a server that speaks its protocol; jobs/storage/connection/address.py reads it.
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("REDIS_URL", "redis_url"),
        repr=False,
    )
    #: The local data folder.
    data: Path = Path("eva01-data")
    #: The file that lists models of one's own; None: there is none.
    catalog: Path | None = None
    #: The blob store's address; empty: the folder `blobs` of the data folder.
    blobs: str = Field(default="", repr=False)
    #: Seconds for which a worker that fell silent keeps what it holds; then others take it.
    lease_s: float = Field(default=20, ge=1)
    #: Bytes of a ticket; what is longer is none.
    max_ticket_bytes: int = Field(default=16 * 1024, ge=1024)
    #: Messages that are no tickets, and are kept to be looked at.
    max_unreadable: int = Field(default=100, ge=1, le=10_000)
    #: Seconds for which a failing call of the blob store is repeated.
    blob_patience_s: float = Field(default=10.0, ge=0)
    #: Seconds to wait for an answer from Redis.
    redis_timeout_s: float = Field(default=5.0, gt=0)
    #: How lines of the log are written: `console` for people, `json` for programs.
    log: str = Field(default="console", pattern="^(console|json)$")

    @property
    def blobs_url(self) -> str:
        """The blob store's address, resolved."""
        return self.blobs or (self.data.resolve() / "blobs").as_uri()

    @property
    def settle_s(self) -> float:
        """Grace period, in seconds, after which no late journal write of a job or batch can arrive."""
        return self.blob_patience_s + 20


class Limits(_FromEnvironment):
    """What is refused, and where the line is."""

    #: Bytes of one image file.
    max_image_bytes: int = Field(default=50 * MIB, ge=1)
    #: Pixels of one image, before it is scaled down for the model.
    max_image_pixels: int = Field(default=100_000_000, ge=1)
    #: Pixels across one image.
    max_image_width: int = Field(default=200_000, ge=1)
    #: Pixels down one image.
    max_image_height: int = Field(default=200_000, ge=1)
    #: Pixels that all slots of a worker decode together, 8 bytes each; 0: as many as one image may have.
    decode_pixels: int = Field(default=0, ge=0)
    #: Passes of one JPEG over its pixels.
    max_jpeg_passes: int = Field(default=100, ge=1)
    #: Pages of one file.
    max_pages: int = Field(default=200, ge=1)
    #: Dots an inch at which pages of PDFs are drawn, when nothing else is asked for.
    pdf_dpi: int = Field(default=150, ge=LEAST_DPI, le=MOST_DPI)
    #: Seconds of CPU in which a page of a PDF is drawn; real ones take less than one.
    pdf_page_cpu_s: int = Field(default=30, ge=1)
    #: Bytes of memory of the process that reads a PDF; a scan of A3 at 600 dpi takes half of it.
    pdf_memory_bytes: int = Field(default=GIB, ge=128 * MIB)
    #: The least part of an image's rows that has to be there, 0 to 1, where the end of its file is missing.
    least_image_part: float = Field(default=0.5, ge=0, le=1)
    #: Images of one job.
    max_images_per_job: int = Field(default=16, ge=1, le=MOST_IMAGES)
    #: Jobs that may wait for one model.
    max_queued: int = Field(default=1_000_000, ge=1)
    #: Files in one request.
    max_files_per_request: int = Field(default=1000, ge=1)
    #: Files that one request may ask about without sending them.
    max_known_files: int = Field(default=1000, ge=1)
    #: Bytes of one request.
    max_request_bytes: int = Field(default=4 * GIB, ge=1)
    #: Bytes of one request for a chat completion, in which images are written as text.
    max_chat_bytes: int = Field(default=32 * MIB, ge=1)
    #: Bytes of one file of requests.
    max_requests_bytes: int = Field(default=200 * MIB, ge=1)
    #: Lines of one file of requests, each of which is a job.
    max_requests: int = Field(default=50_000, ge=1)
    #: Files of requests that one owner may have.
    max_request_files: int = Field(default=1000, ge=1)
    #: Entries of one zip.
    max_zip_entries: int = Field(default=20_000, ge=1)
    #: Bytes of one zip entry, unpacked.
    max_zip_entry_bytes: int = Field(default=50 * MIB, ge=1)
    #: Bytes of all entries of one zip, unpacked.
    max_zip_bytes: int = Field(default=16 * GIB, ge=1)
    #: Records that one call of a list looks at; then it gives a cursor, whatever it has found.
    max_looked_at: int = Field(default=5000, ge=1)
    #: Bytes that a zip may unpack to for each of its own; any may unpack to 256 MiB.
    max_zip_ratio: int = Field(default=100, ge=1)
    #: Seconds of CPU that web spends on looking at the files of a request, for each 50 MiB that it has.
    request_cpu_s: float = Field(default=2, gt=0)
    #: Bytes that must stay free on the disk of the data folder: Redis writes there too.
    min_free_bytes: int = Field(default=100 * MIB, ge=0)
    #: Characters of a question.
    max_question_chars: int = Field(default=4000, ge=1)
    #: Characters of a file's path, and of a batch's name.
    max_path_chars: int = Field(default=1024, ge=1)
    #: The longest answer a user may ask for, in tokens.
    max_answer_tokens: int = Field(default=4096, ge=1)
    #: Bytes of the JSON Schema that answers are held to.
    max_schema_bytes: int = Field(default=64 * 1024, ge=2)
    #: Fields of one answer, each of which is a column.
    max_fields: int = Field(default=200, ge=1, le=MOST_FIELDS)
    #: Bytes of how likely each token of one answer was, and which others might have stood there.
    max_logprobs_bytes: int = Field(default=4 * MIB, ge=1)
    #: Days for which a batch may be shared.
    max_share_days: int = Field(default=365, ge=1, le=36_500)
    #: Links to one batch that work at the same time, and that are kept: older ones that are over go first.
    max_shares: int = Field(default=100, ge=1)


class UpSettings(_FromEnvironment):
    """What `eva01 up` needs."""

    #: Variables that web and workers get besides those they need; `NAME_*` is all that begin so.
    pass_env: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("pass_env", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _split_at_commas(value)


class WebSettings(_FromEnvironment):
    """What the page and the API need."""

    #: The address web listens on.
    host: str = "127.0.0.1"
    #: The port web listens on.
    port: int = Field(default=8000, ge=0, le=65535)
    #: Whether anybody who reaches web may use it and see everything, where it listens beyond this machine.
    insecure: bool = False
    #: A key that is an admin's from the start; empty: none.
    admin_key: SecretStr = Field(default=SecretStr(""), repr=False)
    #: To whom belongs what is made with that key.
    admin_owner: str = Field(default="admin", pattern=OWNER_PATTERN)
    #: Whether admins see the batches, images and answers of all owners.
    admins_see_images: bool = False
    #: Names by which web is asked besides `localhost`; `*.example.org` stands for all names below that one.
    hosts: Annotated[tuple[str, ...], NoDecode] = ()
    #: Proxies in front whose X-Forwarded-* headers are believed; 0: none is.
    proxies: int = Field(default=0, ge=0, le=100)
    #: Requests worked on at the same time.
    web_threads: int = Field(default=32, ge=1)
    #: Workbooks (XLSX) and Parquet files written at the same time: each takes a thread until it is whole.
    workbooks: int = Field(default=4, ge=1)
    #: JSON Schemas that are read by a process of their own at the same time.
    schemas: int = Field(default=3, ge=1)
    #: PDFs whose pages are counted by processes of their own at the same time; others wait.
    pdfs: int = Field(default=3, ge=1)
    #: Connections at the same time; one more is told so, and ended.
    max_connections: int = Field(default=8192, ge=1)
    #: Seconds within which a new connection has to begin a request, and a request's headers have to end.
    head_s: float = Field(default=15.0, gt=0)
    #: Seconds within which the next 64 KiB of a request's body have to come, or its rest.
    body_s: float = Field(default=30.0, gt=0)
    #: Seconds within which the next 64 KiB of a response have to be taken, or its rest.
    send_s: float = Field(default=30.0, gt=0)
    #: Seconds for which a connection is kept after a response.
    keep_alive_s: float = Field(default=30.0, gt=0)
    #: Models offered though no worker serves them yet; the first is the default.
    models: Annotated[tuple[str, ...], NoDecode] = ()
    #: Seconds between two looks after what was lost, deleted or has grown too old.
    housekeeping_s: float = Field(default=5.0, gt=0)
    #: Seconds for which a request for a chat completion waits for its answer.
    chat_wait_s: float = Field(default=600, gt=0, le=24 * 3600)
    #: Seconds of silence after which a stream says that it goes on, so that no proxy ends it.
    stream_alive_s: float = Field(default=15, gt=0)
    #: Hours for which a response is remembered under its `Idempotency-Key`.
    idempotency_hours: float = Field(default=24, gt=0)
    #: Bytes of Redis' memory that those responses may take; the oldest go first.
    idempotency_bytes: int = Field(default=64 * MIB, ge=0)
    #: Days after their last change when finished jobs are removed, with their answers and images.
    retention_days: float = Field(default=30, gt=0)
    #: Keys that are none which an address may send in a minute.
    wrong_keys_per_min: int = Field(default=30, ge=1)
    #: Days for which what owners took is kept; images and answers have a time of their own.
    usage_days: int = Field(default=400, ge=1, le=36_500)
    #: The confidence of an answer, 0 to 1, below which the page marks it as unsure; 0 marks none.
    unsure_below: float = Field(default=0.9, ge=0, le=1)
    #: Refused sign-ins that are written into the audit trail in a minute; further ones are counted.
    audit_refused_a_minute: int = Field(default=30, ge=0)
    #: What sign-ins under way are signed with; empty: a key made once and kept in Redis.
    secret_key: SecretStr = Field(default=SecretStr(""), repr=False)
    #: Hours after which who has signed in with a browser has to do so again.
    session_hours: float = Field(default=12, gt=0, le=LONGEST_SESSION_HOURS)
    #: Sessions of one key or person at the same time; one more ends the one that would end first.
    max_sessions: int = Field(default=100, ge=1)
    #: The OpenID Connect provider at which people sign in, as its discovery document names it; empty: none.
    oidc_issuer: str = ""
    #: As whom this server is registered there.
    oidc_client_id: str = ""
    #: Its secret there; empty for a client without one.
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), repr=False)
    #: What is asked for there, separated by spaces.
    oidc_scopes: str = "openid email profile"
    #: The claim with a person's owner; `email` counts where it is verified, elsewhere `sub` does.
    oidc_owner_claim: str = Field(default="email", min_length=1)
    #: The claim with a person's groups; dots lead into objects, as in `realm_access.roles`.
    oidc_groups_claim: str = Field(default="groups", min_length=1)
    #: Groups whose people are admins.
    oidc_admin_groups: Annotated[tuple[str, ...], NoDecode] = ()
    #: Groups whose people may only look.
    oidc_read_only_groups: Annotated[tuple[str, ...], NoDecode] = ()
    #: Groups that are owners, too: their people see what belongs to them.
    oidc_team_groups: Annotated[tuple[str, ...], NoDecode] = ()
    #: Who may come in: groups, `@example.org` for verified addresses there, `*` for everybody.
    oidc_allowed: Annotated[tuple[str, ...], NoDecode] = Field(default=(), validate_default=True)
    #: How much each who signs in there may take, as `requests_per_s=5, images_per_day=5000`; empty: no limit.
    oidc_quotas: Annotated[Quotas, NoDecode] = Quotas()
    #: Seconds that the provider's clock may be off.
    oidc_skew_s: float = Field(default=60, ge=0, le=600)
    #: Hosts from which images are fetched by their addresses, `*` for any that is public; empty: none are.
    fetch_allow: Annotated[tuple[str, ...], NoDecode] = ()
    #: Seconds that one image may take to be fetched.
    fetch_s: float = Field(default=15, gt=0, le=600)
    #: Seconds that all images of one request may take to be fetched.
    fetch_request_s: float = Field(default=30, gt=0, le=600)
    #: Redirects that are followed for one image.
    fetch_redirects: int = Field(default=3, ge=0, le=20)
    #: Images that are fetched at the same time; those of an owner take half of that, of a request a quarter.
    fetch_at_a_time: int = Field(default=16, ge=1, le=1024)
    #: Addresses of one owner that may wait to be fetched.
    fetch_waiting: int = Field(default=2000, ge=1)
    #: Look-ups of hosts that may have outlasted their time; while there are so many nothing is fetched.
    fetch_hanging: int = Field(default=128, ge=1, le=1024)

    @field_validator("secret_key")
    @classmethod
    def _is_long(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key) < _SHORTEST_KEY:
            raise ValueError(f"has to have {_SHORTEST_KEY} characters at least")
        return key

    @field_validator("admin_key")
    @classmethod
    def _is_hard_to_guess(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key) < _SHORTEST_ADMIN_KEY:
            raise ValueError(
                f"has to have {_SHORTEST_ADMIN_KEY} characters at least; eva01 keys make prints one"
            )
        return key

    @property
    def retention_s(self) -> float:
        """How long finished jobs are kept, in seconds."""
        return self.retention_days * 24 * 3600

    @field_validator("oidc_issuer")
    @classmethod
    def _check_issuer(cls, issuer: str) -> str:
        host = re.match(r"http://(\[[^]/]*\]|[^:/]*)", issuer)
        address = host and address_of(host[1].strip("[]"))
        is_here = host and (host[1] == "localhost" or (address and address.is_loopback))
        if issuer and not is_here and not re.fullmatch(r"https://[^/?#]+[^?#]*", issuer):
            raise ValueError("has to begin with https://; http:// is for a provider on this machine alone")
        return issuer

    @field_validator("oidc_quotas", mode="before")
    @classmethod
    def _parse_quotas(cls, value: object) -> object:
        return Quotas.parse(value) if isinstance(value, str) else value

    @field_validator("oidc_team_groups")
    @classmethod
    def _are_owners(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for group in groups:
            if not re.fullmatch(OWNER_PATTERN, group):
                raise ValueError(f"{group!r} cannot be an owner's name ({OWNER_PATTERN})")
        return groups

    @field_validator("oidc_allowed")
    @classmethod
    def _is_whole(cls, allowed: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("oidc_issuer") and not info.data.get("oidc_client_id"):
            raise ValueError("EVA01_OIDC_ISSUER needs EVA01_OIDC_CLIENT_ID besides")
        if info.data.get("oidc_issuer") and not allowed:
            raise ValueError(
                "EVA01_OIDC_ISSUER needs it: name groups, or domains such as @example.org;"
                " `*` lets in everybody whom the provider knows"
            )
        return allowed

    @field_validator(
        "models",
        "hosts",
        "fetch_allow",
        "oidc_admin_groups",
        "oidc_read_only_groups",
        "oidc_team_groups",
        "oidc_allowed",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return _split_at_commas(value)

    @field_validator("hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not is_host(host.removeprefix("*.")):
                raise ValueError(
                    f"{host!r} is neither a name such as photos.example.org or *.example.org nor an address;"
                    " leave out http:// and the port"
                )
        return hosts

    @field_validator("fetch_allow")
    @classmethod
    def _check_fetched(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if host != "*" and split_host(host.removeprefix("*.")) is None:
                raise ValueError(
                    f"{host!r} is neither `*`, nor a name such as images.example.org, *.example.org or"
                    " cdn.example.org:8443, nor an address; leave out https:// and the path, and write other"
                    " letters than a-z as browsers do (xn--…)"
                )
        return hosts


class WorkerSettings(_FromEnvironment):
    """What a worker needs besides its model's name."""

    #: A vision-language model: an address on the hub, a folder, or one in a bucket (`s3://…`, `gs://…`, `az://…`).
    model_name: str = Field(
        default=DEFAULT_MODEL_NAME, validation_alias=AliasChoices("MODEL_NAME", "model_name"), min_length=1
    )
    #: Pixels an image is scaled down to before the model sees it; 784 pixels are one visual token.
    max_pixels: int = Field(
        default=1_048_576, validation_alias=AliasChoices("MAX_PIXELS", "max_pixels"), ge=LEAST_PIXELS
    )
    #: The most that a batch or a question may ask for in place of that; 0: four times that.
    most_pixels: int = Field(default=0, ge=0)
    #: What runs a model of the hub: `transformers`, `vllm`, or `auto`: vLLM where it is installed, knows the
    #: family and has a GPU.
    engine: str = Field(default="auto", pattern="^(auto|transformers|vllm)$")
    #: What vLLM is told besides, by the names of its engine's arguments, as a JSON object.
    vllm_extra: dict[str, Any] = Field(default_factory=dict)
    #: `auto`, `cpu`, `cuda`, `cuda:1`, …
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    #: `auto` (bfloat16 on a GPU, float32 on a CPU), `float32`, `bfloat16` or `float16`.
    dtype: str = Field(default="auto", pattern=r"^(auto|float32|bfloat16|float16)$")
    #: What becomes of a model whose files have weights that no part of it takes: `refuse`, or `ignore` them.
    unused_weights: str = Field(default="refuse", pattern=r"^(refuse|ignore)$")
    #: `auto` (flash_attention_2 when it is installed and there is a GPU, else sdpa), or one of them by name.
    attention: str = Field(default="auto", pattern=r"^(auto|sdpa|eager|flash_attention_2)$")
    #: Whether a model thinks aloud before it answers, where its template lets one choose: `auto` (as its
    #: makers have it), `on` or `off`.
    thinking: str = Field(default="auto", pattern=r"^(auto|on|off)$")
    #: Jobs a worker holds; 0: what suits the engine.
    slots: int = Field(default=0, ge=0, le=MOST_SLOTS)
    #: `auto`: a rolling batch where the model allows it, else static ones; `static`: always these.
    batching: str = Field(default="auto", pattern=r"^(auto|static)$")
    #: Parts of a model that are read from its bucket at the same time; each takes 16 MiB of memory meanwhile.
    weights_streams: int = Field(default=16, ge=1, le=256)
    #: Images in a rolling batch; 0: three quarters of the slots.
    rows: int = Field(default=0, ge=0, le=1024)
    #: Tokens that a rolling batch may hold in memory; 0: what a GPU has room for, 32,768 on a CPU.
    cache_tokens: int = Field(default=0, ge=0)
    #: Tokens of new images and questions that a rolling batch takes in between two steps, at least one job.
    prefill_tokens: int = Field(default=2048, ge=1)
    #: Images that a worker has ready together of jobs with several, or at more pixels than usual, where each
    #: counts as several; a job waits until its own fit in.
    ready_images: int = Field(default=32, ge=1)
    #: Visual tokens in one static batch.
    batch_tokens: int = Field(default=16_384, ge=1)
    #: Tokens of an answer when the job does not say.
    max_new_tokens: int = Field(default=512, ge=1)
    #: The address of the worker's health and metrics.
    worker_host: str = "127.0.0.1"
    #: The port of the worker's health and metrics; 0: any free one.
    worker_port: int = Field(default=9100, ge=0, le=65535)
    #: Seconds between heartbeats; a worker silent for three of them no longer counts.
    heartbeat_s: float = Field(default=5.0, gt=0)
    #: Seconds for which it is known how many workers were ready at once; a fleet grows to twice as many.
    ready_of_late_s: float = Field(default=READY_OF_LATE_S, ge=1)
    #: Seconds a worker that was told to stop may take to finish what it holds.
    drain_s: float = Field(default=100.0, ge=0)
    #: Seconds that a job may be on the device, a week at most; its time in the queue does not count.
    job_timeout_s: float = Field(default=600.0, gt=0, le=7 * 24 * 3600)
    #: How often a job may take its worker down before it is not tried again.
    max_crashes: int = Field(default=3, ge=1)
    #: Whether who asks the same of the same image gets the answer that is there already.
    answer_cache: bool = True
    #: Pixels of the longest side of the small versions that galleries show; 0: none are made.
    thumbnail_px: int = Field(default=320, ge=0, le=2048)
    #: The same for images that browsers do not show, such as TIFF: there it stands in for the image itself.
    stand_in_px: int = Field(default=1600, ge=0, le=4096)
    #: Where servers that speak OpenAI's API answer for a model `openai:…`; each gets what the fewest wait at.
    openai_url: Annotated[tuple[str, ...], NoDecode] = Field(default=(), repr=False)
    #: The key that they ask for; empty: none.
    openai_key: SecretStr = Field(default=SecretStr(""), repr=False)
    #: What the model is called there; empty: as behind `openai:`, or the one model that is there.
    openai_model: str = ""
    #: What tells its weights from others of the same name; answers are reused within one revision.
    openai_revision: str = ""
    #: Whether each answer is asked for with how likely its tokens were, from which its confidence is known.
    openai_logprobs: bool = True
    #: What every request there says besides, as a JSON object; null leaves out what it says else.
    openai_extra: dict[str, Any] = Field(default_factory=dict)
    #: Tries of a job that a server puts off (429, 503) or fails on (5xx), before it goes back or fails.
    openai_tries: int = Field(default=5, ge=1, le=100)
    #: Seconds within which a server has to take a connection.
    openai_connect_s: float = Field(default=5.0, gt=0, le=600)
    #: Seconds between two looks whether a server is back.
    openai_look_s: float = Field(default=2.0, gt=0, le=600)
    #: Bytes of what a server may say to one request.
    openai_max_bytes: int = Field(default=64 * MIB, ge=1024)
    #: The pod a worker runs in, whose deletion cost it keeps; empty: none.
    pod_name: str = Field(default="", pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$", max_length=253)

    @field_validator("model_name")
    @classmethod
    def _is_not_taken_for_another(cls, model_name: str) -> str:
        name = name_of(model_name)
        if name in BUNDLED and model_name not in BUNDLED:
            raise ValueError(f"would be called {name}, as a model that comes with EVA-01 is")
        return model_name

    @field_validator("openai_url", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _split_at_commas(value)

    @field_validator("openai_url")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", url):
                raise ValueError(
                    "each has to begin with http:// or https://, and has neither a password nor ?, # or @;"
                    " a key is EVA01_OPENAI_KEY"
                )
        return urls


#: Characters that a key has at least: one that only signs, and one that opens everything.
_SHORTEST_KEY, _SHORTEST_ADMIN_KEY = 16, 32


def _split_at_commas(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _explain(error: ValidationError, secrets: Collection[str]) -> str:
    """One line for the first thing wrong: the variable, the value, what would do."""
    first = error.errors()[0]
    place = str(first["loc"][0])
    variable = place if place.isupper() else f"EVA01_{place.upper()}"
    value = "***" if place in secrets else repr(first["input"])
    return f"{variable}={value}: {fault_of(first)}. See docs/configuration.md."
