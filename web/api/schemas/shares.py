"""The models of requests and responses about links to batches."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from jobs.contract.access.shares import LONGEST_NOTE, ShareState
from jobs.contract.models import ID_PATTERN
from web.api.schemas.base import BatchPath, ResponseModel
from web.http.numbers import Rank


class NewShare(BaseModel):
    """A link to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Rank = Field(7, description="How long it is valid; at most EVA01_MAX_SHARE_DAYS.")
    note: str = Field("", max_length=LONGEST_NOTE, description="What it is for.")


class SharePath(BatchPath):
    """A link in an address, which does not open it."""

    share_id: Annotated[str, StringConstraints(pattern=ID_PATTERN)] = Field(
        description="A link's id: 32 hexadecimal digits. It is not the link."
    )


class ShareView(ResponseModel):
    """A link to a batch, for reading, right after it was made: its address is not shown again."""

    id: str = Field(description="What it is called in the list.")
    url: str = Field(description="The address of its page on this server; the API's is the same behind /api.")
    expires_at: AwareDatetime


class ListedShare(ResponseModel):
    """A link to a batch, without its address."""

    id: str
    state: ShareState
    note: str
    made_by: str = Field(description="The key, or whatever else, of whoever made it.")
    owner: str | None = Field(description="For whom; null where nobody has to say who they are.")
    made_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="The hour in which it was last used.")


class SharesView(ResponseModel):
    """The links to a batch, the latest first."""

    shares: list[ListedShare]


class RevokedView(ResponseModel):
    """What was revoked."""

    revoked: int = Field(description="How many links worked until now.")
