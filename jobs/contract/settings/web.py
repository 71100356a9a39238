"""Settings of the page and the API."""

import re
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from jobs.contract.access.owners import Quotas
from jobs.contract.hosts import address_of, is_host, split_host
from jobs.contract.models import OWNER_PATTERN
from jobs.contract.settings.environment import MIB, FromEnvironment, split_at_commas

#: Hours that a session in the browser may last at most.
LONGEST_SESSION_HOURS = 366 * 24
#: Characters that a key has at least: one that only signs, and one that opens everything.
_SHORTEST_KEY, _SHORTEST_ADMIN_KEY = 16, 32


class WebSettings(FromEnvironment):
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
        return split_at_commas(value)

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
