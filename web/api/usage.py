"""Usage: what owners have taken, by day and in all."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from jobs.contract.access.owners import Role
from jobs.storage.ledger import OwnersDay, Taken
from web.access.caller import caller
from web.api.schemas.base import PROBLEMS
from web.api.schemas.keys import QuotasView
from web.api.schemas.usage import DayView, OwnerView, TakenView, UsageQuery, UsageView
from web.export.lines import begun
from web.export.usage import usage_csv
from web.http.conditional import fresh_json
from web.http.security import PRIVATE
from web.services import services

usage = APIBlueprint(
    "usage",
    __name__,
    abp_tags=[Tag(name="usage", description="What owners have taken.")],
    abp_responses=PROBLEMS,
)


@usage.get("/api/usage", responses={200: UsageView})
def get_usage(query: UsageQuery) -> Response:
    """What was taken by day, and in all: one's own, and that of one's teams; for admins that of everybody.

    Each job counts on the day (UTC) on which it came.
    """
    return fresh_json(usage_view(query))


@usage.get("/api/usage.csv", responses={200: {"content": {"text/csv": {}}}})
def export_usage(query: UsageQuery) -> Response:
    """The same as a table: a row for each day and owner."""
    first, last = query.days(services().ledger.today())
    rows = (DayView.of_day(row).model_dump() for row in begun(_rows(first, last, query.owner)))
    response = Response(usage_csv(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="usage-{first}-{last}.csv"'
    response.headers["Cache-Control"] = PRIVATE
    return response


def usage_view(query: UsageQuery) -> dict[str, Any]:
    """What is asked for, as the API shows it, by the names that it has there."""
    serving = services()
    first, last = query.days(serving.ledger.today())
    found = _Found()
    found.read(_rows(first, last, query.owner), serving.limits.max_looked_at)
    view = UsageView(
        from_=(found.last_day or first).isoformat() if found.is_cut else first.isoformat(),
        to=last.isoformat(),
        days=[DayView.of_day(row) for row in found.rows],
        owners=_owners(found.sums),
        sum=TakenView.of(sum(found.sums.values(), Taken())),
        next_to=(found.last_day - timedelta(1)).isoformat() if found.is_cut and found.last_day else None,
        quotas=QuotasView.of(caller().quotas),
    )
    return view.model_dump(mode="json", by_alias=True)


@dataclass
class _Found:
    """Whole days, as many as one answer takes."""

    rows: list[OwnersDay] = field(default_factory=list)
    #: What they are in all, by owner.
    sums: dict[str, Taken] = field(default_factory=dict)
    last_day: date | None = None
    #: True where there are earlier days.
    is_cut: bool = False

    def read(self, rows: Iterator[OwnersDay], most: int) -> None:
        for row in rows:
            if row.day != self.last_day and len(self.rows) >= most:
                self.is_cut = True
                return
            self.last_day = row.day
            self.rows.append(row)
            self.sums[row.owner] = self.sums.get(row.owner, Taken()) + row.taken


def _rows(first: date, last: date, owner: str | None) -> Iterator[OwnersDay]:
    """Those that the caller may see: another owner's are as if there were none."""
    seen = _seen()
    if owner is not None:
        seen = {owner} if seen is None or owner in seen else set()
    return services().ledger.days(first, last, seen)


def _seen() -> set[str] | None:
    """The owners whose usage the caller may see; None for all."""
    who = caller()
    return None if who.role is Role.ADMIN else {owner for owner in who.owners if owner}


def _owners(sums: dict[str, Taken]) -> list[OwnerView]:
    open_jobs = services().ledger.open_jobs()
    return [
        OwnerView(owner=owner, open_jobs=open_jobs.get(owner, 0), **TakenView.of(taken).model_dump())
        for owner, taken in sorted(sums.items())
    ]
