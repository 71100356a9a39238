"""When files are to go, and what came of a batch: as was asked for, and when all goes at the latest."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.contract.asking.order import Order
from jobs.contract.models import Batch, utc_now
from web.services import Services

_HOUR_S, _MONTH_S = 3600, 30 * 24 * 3600


class ExpiresAfter(BaseModel):
    """How long after it was made a file is to go, within what OpenAI's API allows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=_HOUR_S, le=_MONTH_S)]


class Life:
    """How long there is what came of a batch: it goes with the batch, when that is done."""

    def __init__(self, serving: Services, batch: Batch, order: Order | None) -> None:
        asked_s = order.output_expires_after_s if order else None
        retention_s = serving.web.retention_s
        self._seconds = retention_s if asked_s is None else min(asked_s, retention_s)
        changed_s = serving.store.last_change_s(batch.id) if batch.is_done else None
        #: When it was whole; None while it grows.
        self.whole_at = None if changed_s is None else datetime.fromtimestamp(changed_s, UTC)

    @property
    def expires_at(self) -> datetime | None:
        """From when on it is gone; None while it grows."""
        return self.whole_at + timedelta(seconds=self._seconds) if self.whole_at else None

    @property
    def is_over(self) -> bool:
        """True from then on."""
        return self.expires_at is not None and self.expires_at <= utc_now()
