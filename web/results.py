"""A batch's results: a page at a time, or the whole as JSONL or CSV, streamed."""

from collections.abc import Iterator

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from jobs.models import Batch
from web.conditional import fresh_json
from web.exports import attachment, csv_lines, jsonl
from web.progress import look_again_s
from web.schemas import PROBLEMS, BatchPath, ExportQuery, Order, ResultsPage, ResultsQuery
from web.services import services

results = APIBlueprint(
    "results",
    __name__,
    url_prefix="/api/batches/<batch_id>",
    abp_tags=[Tag(name="results", description="The answers of a batch.")],
    abp_responses=PROBLEMS,
)


@results.get("/results", responses={200: ResultsPage})
def get_results(path: BatchPath, query: ResultsQuery) -> Response:
    """Some of a batch's jobs, in the order in which their files came, or in that of their last change."""
    serving = services()
    batch = serving.store.get_batch(path.batch_id)
    read = serving.feed.changed if query.order is Order.CHANGED else serving.store.page
    jobs, next_cursor = read(batch.id, cursor=query.cursor, limit=query.limit, state=query.state)
    page = {"jobs": [job.public() for job in jobs], "next_cursor": next_cursor}
    return fresh_json(page, retry_after_s=look_again_s(batch))


@results.get("/results.jsonl", responses={200: {"content": {"application/jsonl": {}}}})
def export_jsonl(path: BatchPath, query: ExportQuery) -> Response:
    """All jobs of a batch, one JSON object a line."""
    store = services().store
    batch = store.get_batch(path.batch_id)
    return _download(batch, "jsonl", "application/jsonl", jsonl(store.results(batch.id, query.state)))


@results.get("/results.csv", responses={200: {"content": {"text/csv": {}}}})
def export_csv(path: BatchPath, query: ExportQuery) -> Response:
    """All jobs of a batch as a table.

    A cell that a spreadsheet program would take for a formula gets an apostrophe in front.
    """
    store = services().store
    batch = store.get_batch(path.batch_id)
    rows = csv_lines(store.results(batch.id, query.state), with_bom=query.bom)
    return _download(batch, "csv", "text/csv", rows)


def _download(batch: Batch, extension: str, media_type: str, lines: Iterator[str]) -> Response:
    response = Response(lines, content_type=f"{media_type}; charset=utf-8")
    response.headers["Content-Disposition"] = attachment(batch, extension)
    response.headers["Cache-Control"] = "no-cache"
    return response
