"""Settings that both sides need."""

from pathlib import Path

from pydantic import AliasChoices, Field

from jobs.contract.settings.environment import FromEnvironment


class Settings(FromEnvironment):
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
