"""The models of usage: what owners have taken, by day."""

from datetime import date
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from jobs.contract.models import OWNER_PATTERN
from jobs.storage.ledger import OwnersDay, Taken
from web.api.schemas.base import QueryModel, ResponseModel
from web.api.schemas.keys import QuotasView
from web.api.times import DAY

#: Days that are shown when nobody says which, and at most.
_SHOWN_DAYS, _MOST_DAYS = 30, 400


def _written_as_a_day(text: object) -> object:
    """Raises ValueError for what is written otherwise, as a number of seconds is."""
    if isinstance(text, str) and not DAY.fullmatch(text):
        raise ValueError("should be a day such as 2027-01-31")
    return text


_Day = Annotated[date, BeforeValidator(_written_as_a_day)]


class UsageQuery(QueryModel):
    """Which usage."""

    model_config = ConfigDict(populate_by_name=True)

    from_: _Day | None = Field(
        None, alias="from", description=f"The first day (UTC), such as 2027-01-31; else {_SHOWN_DAYS} days."
    )
    to: _Day | None = Field(None, description="The last day (UTC); else today.")
    owner: str | None = Field(
        None, pattern=OWNER_PATTERN, description="Only this owner; else all that may be seen."
    )

    @field_validator("to")
    @classmethod
    def _is_not_before(cls, to: date | None, others: ValidationInfo) -> date | None:
        first = others.data.get("from_")
        if to and first and to < first:
            raise ValueError("should not be before `from`")
        return to

    def days(self, today: date) -> tuple[date, date]:
        """The first day and the last, at most 400 of them: the latest."""
        last = self.to or today
        first = self.from_ or _before(last, _SHOWN_DAYS)
        return max(first, _before(last, _MOST_DAYS)), last


def _before(last: date, days: int) -> date:
    """The first of so many days."""
    return date.fromordinal(max(1, last.toordinal() - days + 1))


class TakenView(ResponseModel):
    """What was taken."""

    model_config = ConfigDict(frozen=True)

    taken: int = Field(
        description="Images, of a job about several all of them, or pages that are jobs of their own;"
        " also refused files."
    )
    succeeded: int = Field(description="Those of them that are answered.")
    failed: int = Field(description="Those that have failed, refused files as well.")
    cancelled: int = Field(description="Those that were cancelled.")
    open: int = Field(description="Those that have no end yet.")
    output_tokens: int = Field(description="Tokens of the answers; none for those known already.")
    device_s: float = Field(description="Seconds of the device that went into the answers.")

    @classmethod
    def of(cls, taken: Taken) -> Self:
        """As the API shows it."""
        return cls(**{name: getattr(taken, name) for name in cls.model_fields})


class DayView(TakenView):
    """What an owner took on a day; each job counts on the day on which it came."""

    day: str = Field(description="In UTC.")
    owner: str

    @classmethod
    def of_day(cls, row: OwnersDay) -> Self:
        """As the API shows it."""
        return cls(day=row.day.isoformat(), owner=row.owner, **TakenView.of(row.taken).model_dump())


class OwnerView(TakenView):
    """What an owner took in all these days."""

    owner: str
    open_jobs: int = Field(description="Jobs without an end now, whenever they came.")


class UsageView(ResponseModel):
    """What was taken from one day to another."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    from_: str = Field(alias="from", description="The first day.")
    to: str = Field(description="The last day.")
    days: list[DayView] = Field(description="By day, the latest first, and by owner.")
    owners: list[OwnerView] = Field(description="The sums of these days, by owner.")
    sum: TakenView = Field(description="The sum of all of it.")
    next_to: str | None = Field(description="Where this was too much for one answer: the `to` to go on with.")
    quotas: QuotasView
