"""A batch as OpenAI's clients read it."""

from datetime import datetime
from typing import Any

from jobs.contract.asking.order import Order
from jobs.contract.models import Batch, BatchState, JobState, Verb
from web.intake.spool import CHAT_PATH
from web.openai.bulk.files import FILE, output_id
from web.openai.bulk.output import Output

#: What comes before a batch's id.
BATCH = "batch_"


def shown_batch(batch: Batch, order: Order | None) -> dict[str, Any]:
    """A batch, and what was asked of it where it is made of a file."""
    status = _status(batch, order)
    unread = order.unread(batch.total) if order else 0
    # Of a file that was not read to its end one line says so, and has failed as all those that it stands for.
    failed = batch.counts[JobState.FAILED] + (unread if order and order.is_filled else 0)
    cancelled = batch.counts[JobState.CANCELLED] + (unread if batch.state is BatchState.CANCELLED else 0)
    cancelled_at = next((mark.at for mark in reversed(batch.marks) if mark.verb is Verb.CANCEL), None)
    return {
        "id": f"{BATCH}{batch.id}",
        "object": "batch",
        "endpoint": order.endpoint if order else CHAT_PATH,
        "model": batch.model,
        "errors": None,
        "input_file_id": f"{FILE}{order.file.id}" if order else "",
        "completion_window": order.window if order else "",
        "status": status,
        "output_file_id": output_id(batch, Output.ANSWERS) if batch.counts[JobState.SUCCEEDED] else None,
        "error_file_id": output_id(batch, Output.ERRORS) if failed or cancelled else None,
        "created_at": _seconds(batch.created_at),
        "in_progress_at": _seconds(batch.first_started_at),
        "expires_at": _seconds(order.expires_at if order else None),
        "finalizing_at": None,
        "completed_at": _seconds(_completed_at(batch)) if status == "completed" else None,
        "failed_at": None,
        "expired_at": _seconds(order.expired_at) if order and status == "expired" else None,
        "cancelling_at": None,
        "cancelled_at": _seconds(cancelled_at) if status == "cancelled" else None,
        "request_counts": {
            "total": batch.total + unread,
            "completed": batch.counts[JobState.SUCCEEDED],
            "failed": failed,
        },
        "metadata": order.metadata if order else {},
    }


def _status(batch: Batch, order: Order | None) -> str:
    if batch.state is BatchState.CANCELLED:
        return "expired" if order and order.expired_at else "cancelled"
    if batch.is_done:
        return "completed"
    return "validating" if order and not order.is_filled else "in_progress"


def _completed_at(batch: Batch) -> datetime | None:
    ends = (batch.last_finished_at, batch.closed_at)
    return max((at for at in ends if at), default=None)


def _seconds(at: datetime | None) -> int | None:
    return int(at.timestamp()) if at else None
