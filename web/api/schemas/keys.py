"""The models of requests and responses about keys, and about who asks."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from jobs.contract.access.owners import LEAST_RATE, MOST_RATE, KeyState, Quotas, Role
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.models import Owner, utc_now
from web.api.schemas.base import QueryModel, RequestModel, ResponseModel
from web.api.times import Moment
from web.http.numbers import COUNTED, Count, Number

#: A hundred years.
LONGEST_GRACE_HOURS = 24 * 36_500


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QuotasView(_Request):
    """How much may be taken; null is without a limit."""

    requests_per_s: Number | None = Field(None, ge=LEAST_RATE, le=MOST_RATE, description="Requests a second.")
    open_jobs: Count | None = Field(None, description="Jobs that have no answer yet.")
    images_per_day: Count | None = Field(None, description="Images a day (UTC).")
    device_s_per_day: Number | None = Field(None, ge=0, description="Seconds of the device a day (UTC).")

    @classmethod
    def of(cls, quotas: Quotas) -> Self:
        """As the API shows them."""
        return cls(**{name: getattr(quotas, name) for name in cls.model_fields})


class _End(_Request):
    days: Annotated[int, Field(ge=1, le=36_500), COUNTED] | None = Field(
        None, description="How long the key is valid."
    )
    expires_at: Moment | None = Field(None, description="When it ends; instead of `days`.")

    def end(self) -> datetime | None:
        """When the key ends.

        Raises BadInput when that is said twice, or is over.
        """
        if self.days and self.expires_at:
            raise BadInput("`days` and `expires_at` both say when the key ends.", code=Code.INVALID_FIELD)
        end = utc_now() + timedelta(days=self.days) if self.days else self.expires_at
        if end and end <= utc_now():
            raise BadInput(f"`expires_at` is {end.isoformat()}, which is over.", code=Code.INVALID_FIELD)
        return end


class NewKeyBody(_End):
    """A key to be made."""

    owner: Owner = Field(description="Whose things it opens: a person, or a team.")
    role: Role = Field(Role.USER, description="What it may do with them.")
    teams: list[Owner] = Field([], max_length=100, description="Further owners whose things it opens.")
    note: str = Field("", max_length=200, description="What it is for.")
    quotas: QuotasView = QuotasView()


class Rotation(_End):
    """A key like another, which ends when the other would have, unless it is said here."""

    grace_hours: Number = Field(
        0, ge=0, le=LONGEST_GRACE_HOURS, description="Hours for which the old one stays valid."
    )

    @property
    def grace(self) -> timedelta:
        """How long the old one stays valid."""
        return timedelta(hours=self.grace_hours)


class KeyPath(RequestModel):
    """A key in an address."""

    # Without a pattern: what is refused for one is shown, and might be a whole key.
    prefix: str = Field(description="The key's first 14 letters.")


class Confirmation(QueryModel):
    """That something is meant."""

    confirm: bool = Field(False, description="True to end the very key that this is asked with.")


class KeyView(ResponseModel):
    """A key, without what opens anything."""

    prefix: str = Field(description="Its first 14 letters, by which it is recognised.")
    owner: str
    teams: list[str]
    role: Role
    quotas: QuotasView
    note: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    state: KeyState


class MadeKeyView(KeyView):
    """A key right after it was made."""

    key: str = Field(description="The key itself; it is not shown again.")


class KeysView(ResponseModel):
    """All keys that were ever made, the oldest first."""

    keys: list[KeyView]


class CallerView(ResponseModel):
    """Who asks."""

    name: str = Field(description="`key:<prefix>`, or `local` where nobody has to say who they are.")
    owner: str | None = Field(description="To whom belongs what it makes; null where it is nobody's.")
    teams: list[str] = Field(description="Further owners whose things it sees.")
    role: Role
    quotas: QuotasView
    expires_at: AwareDatetime | None = Field(description="When its key ends; null when that is not set.")
    sees_all: bool = Field(description="True for an admin who sees the things of all owners.")
