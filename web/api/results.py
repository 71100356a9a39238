"""A batch's results: a page at a time, or the whole as JSONL, CSV, XLSX, Parquet, or a zip of texts."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Response, send_file
from flask_openapi3 import APIBlueprint, Tag
from xlsxwriter.exceptions import FileCreateError

from jobs.contract.chunks import chunks
from jobs.contract.codes import Code
from jobs.contract.errors import Unavailable
from jobs.contract.models import Batch
from web.access.link import shown_batch, shown_job, shown_rows
from web.api.job import told
from web.api.progress import look_again_s
from web.api.schemas.base import PROBLEMS, BatchPath
from web.api.schemas.results import CsvQuery, ExportQuery, JsonlQuery, Order, ResultsPage, ResultsQuery
from web.export.lines import attachment, begun, csv_lines, jsonl
from web.export.parquet import write_parquet
from web.export.sheets import write_workbook
from web.export.table import Row, Table
from web.export.texts import text_zip
from web.http.conditional import fresh_json
from web.http.security import PRIVATE
from web.intake.spool import no_room
from web.services import Services, services

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PARQUET = "application/vnd.apache.parquet"
#: Jobs whose logprobs are in memory together: those of each may have EVA01_MAX_LOGPROBS_BYTES.
_LOGPROBS_AT_A_TIME = 8

results = APIBlueprint(
    "results",
    __name__,
    url_prefix="/api/batches/<batch_id>",
    abp_tags=[Tag(name="results", description="The answers of a batch.")],
    abp_responses=PROBLEMS,
)


@results.get("/results", responses={200: ResultsPage})
def get_results(path: BatchPath, query: ResultsQuery) -> Response:
    """Some of a batch's jobs, in the order in which their files came, or in that of their last change.

    In the latter `Retry-After: 0` says that more have changed already.
    """
    serving = services()
    batch = serving.store.get_batch(path.batch_id)
    where: dict[str, Any] = {"cursor": query.cursor, "limit": query.limit, "state": query.state}
    retry_after_s = look_again_s(batch)
    next_cursor: int | None
    if query.order is Order.CHANGED:
        jobs, next_cursor, is_more = serving.feed.changed(
            batch.id, **where, looked_at=serving.limits.max_looked_at
        )
        retry_after_s = 0 if is_more else retry_after_s
    else:
        jobs, next_cursor = serving.store.page(batch.id, **where)
    page = {"jobs": [shown_job(job.public()) for job in jobs], "next_cursor": next_cursor}
    return fresh_json(page, retry_after_s=retry_after_s)


@results.get("/results.jsonl", responses={200: {"content": {"application/jsonl": {}}}})
def export_jsonl(path: BatchPath, query: JsonlQuery) -> Response:
    """All jobs of a batch, one JSON object a line; with `lines`, where each line of text stands.

    Where `logprobs` were asked for, they are in each.
    """
    serving = services()
    batch = serving.store.get_batch(path.batch_id)
    rows: Iterable[Row] = serving.store.rows(batch.id, query.state, with_lines=query.lines)
    # Each line of a file of requests says for itself what it asks.
    if batch.options.top_logprobs is None and not serving.orders.of([batch.id]):
        lines = jsonl(_begun(rows))
    else:
        # A line of these may be large.
        lines = jsonl(_begun(_with_logprobs(rows, batch.id)), lines_at_a_time=1)
    return _download(batch, "jsonl", "application/jsonl", lines)


@results.get("/results.csv", responses={200: {"content": {"text/csv": {}}}})
def export_csv(path: BatchPath, query: CsvQuery) -> Response:
    """All jobs of a batch as a table, with a column for each field of their answers.

    A cell that a spreadsheet program would take for a formula gets an apostrophe in front.
    """
    store = services().store
    batch = store.get_batch(path.batch_id)
    rows = csv_lines(_begun(store.rows(batch.id, query.state)), _table(batch), with_bom=query.bom)
    return _download(batch, "csv", "text/csv", rows)


@results.get("/results.xlsx", responses={200: {"content": {_XLSX: {}}}})
def export_xlsx(path: BatchPath, query: ExportQuery) -> Response:
    """All jobs of a batch as a workbook; it is sent when it is written."""
    return _written(path.batch_id, query, "xlsx", _XLSX, write_workbook)


@results.get("/results.parquet", responses={200: {"content": {_PARQUET: {}}}})
def export_parquet(path: BatchPath, query: ExportQuery) -> Response:
    """All jobs of a batch as a Parquet file, with typed columns; it is sent when it is written."""
    return _written(path.batch_id, query, "parquet", _PARQUET, write_parquet)


@results.get("/results.zip", responses={200: {"content": {"application/zip": {}}}})
def export_texts(path: BatchPath, query: ExportQuery) -> Response:
    """A zip with a text file for each answer, named after its image; `errors.csv` lists what has none."""
    serving = services()
    batch = serving.store.get_batch(path.batch_id)
    packed = text_zip(_begun(serving.store.rows(batch.id, query.state)), serving.spool_folder)
    return _named(Response(packed, content_type="application/zip"), batch, "zip")


def _written(
    batch_id: str,
    query: ExportQuery,
    extension: str,
    media_type: str,
    write: Callable[[Iterable[Row], Path, Table], None],
) -> Response:
    """A file that is whole before it is sent."""
    serving = services()
    batch = serving.store.get_batch(batch_id)
    try:
        with _turn(serving), tempfile.TemporaryDirectory(dir=serving.spool_folder) as folder:
            target = Path(folder, f"results.{extension}")
            write(shown_rows(serving.store.rows(batch.id, query.state)), target, _table(batch))
            # The folder is deleted before the file is sent, so nothing is left behind however sending ends.
            response = send_file(target.open("rb"), mimetype=media_type)
            response.content_length = target.stat().st_size
    except (OSError, FileCreateError) as error:
        raise no_room(error) from error
    return _named(response, batch, extension)


@contextmanager
def _turn(serving: Services) -> Iterator[None]:
    """Write a workbook or a Parquet file in the block: who may read a batch must not hold all threads.

    Raises Unavailable (`too_many_workbooks`).
    """
    if not serving.workbooks.acquire(blocking=False):
        raise Unavailable(
            f"{serving.web.workbooks} workbooks are being written, as many as may be (EVA01_WORKBOOKS)."
            " Try again in a moment, or take the CSV.",
            code=Code.TOO_MANY_WORKBOOKS,
        )
    try:
        yield
    finally:
        serving.workbooks.release()


def _table(batch: Batch) -> Table:
    return Table(batch.options.response_format, has_lists=batch.has_lists)


def _begun(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows as they may be seen, the first read at once: a refusal is answered while nothing is sent."""
    return begun(shown_rows(rows))


def _with_logprobs(rows: Iterable[Row], batch_id: str) -> Iterator[Row]:
    """The rows of a batch, each that asked for it with how likely the tokens of its answer were."""
    journal = services().journal

    def joined() -> Iterator[Row]:
        for some in chunks(rows, _LOGPROBS_AT_A_TIME):
            asked = {row["id"]: row["answer"] for row in some if "logprobs" in row}
            known = journal.logprobs(batch_id, asked) if asked else {}
            for row in some:
                yield {**row, "logprobs": told(known.pop(row["id"], None))} if row["id"] in asked else row

    return joined()


def _download(batch: Batch, extension: str, media_type: str, lines: Iterator[str]) -> Response:
    return _named(Response(lines, content_type=f"{media_type}; charset=utf-8"), batch, extension)


def _named(response: Response, batch: Batch, extension: str) -> Response:
    response.headers["Content-Disposition"] = attachment(shown_batch(batch), extension)
    response.headers["Cache-Control"] = PRIVATE
    return response
