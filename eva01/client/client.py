"""The Python client: a folder of images in, one answer per image out.

with Client() as client:
    batch = client.create_batch("What does it cost?", model="qwen2.5-vl-7b")
    for upload in client.upload_folder(batch.id, Path("receipts")):
        print(upload.file, upload.error or "sent")
    client.close_batch(batch.id)
    client.wait(batch.id)
    for job in client.results(batch.id):
        print(job.file, job.answer)

What each answer has to be is said by `fields`, in short (`"total:number"`, `"kind:receipt|invoice"`) or as
objects of name, type, choices, is_list, is_required and hint; or by `response_format`, as OpenAI's API says
it. Then `job.data` is what it says.

Files that are asked about together are `Together.of("trip", paths)` among others, or a list in place of an
image; `group_by` makes a job of each folder ("folder"), or of names that are the same but for a number at
their end ("prefix").

With `logprobs=True`, `job.logprobs` says how likely each token of an answer was, and `top_logprobs` (0 to 20)
which others might have stood there. They are in `analyze`, `job` and `results_jsonl`.

With `temperature` (to 2) tokens are drawn, with `top_p` of the likeliest alone, and by one `seed` the same;
`stop` is a text, or up to four, before which an answer ends.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Self, Unpack
from urllib.parse import urljoin, urlsplit

import httpx

from eva01.client.address import Address
from eva01.client.errors import ClientError
from eva01.client.files import (
    Found,
    Sendable,
    Together,
    check_sizes,
    find,
    name_of,
    sendable,
    together,
    with_own_names,
)
from eva01.client.forms import form_of_files, form_of_question
from eva01.client.given import listed
from eva01.client.groups import GroupBy
from eva01.client.key import key_of_environment
from eva01.client.models import Batch, Job, Model, PassedOver, Retried, Share, Upload, Uploaded, refused
from eva01.client.orders import Orders
from eva01.client.transport import Transport, retry_after_s
from eva01.client.uploads import upload
from eva01.client.wishes import Wishes, asked

#: Where a server is when nothing else is said.
DEFAULT_SERVER = "http://127.0.0.1:8000"
#: What is asked about: a file, or the address of an image; as a text either of them.
Image = Path | Address | str
#: Jobs in one page of results.
_PAGE = 500
#: Seconds between two looks at a batch when the server asks for nothing else; the limits of what it may ask.
_LOOK_S, _SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.5, 0.1, 5.0


class Client:
    """A server's API as methods; closes its connections at the end of a `with`.

    `server` defaults to EVA01_SERVER, else to this machine; `key` to EVA01_KEY, else to what is in the file
    EVA01_KEY_FILE; an empty one is none. `timeout_s` bounds the wait for the next byte,
    `patience_s` all tries of one call while the server is away or busy. Every method raises ClientError
    with the server's own code, and ServerAway when patience ends. May be used by several threads.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        key: str | None = None,
        timeout_s: float = 120.0,
        patience_s: float = 120.0,
    ) -> None:
        self._transport = Transport(
            server or server_of_environment(),
            key_of_environment() if key is None else key,
            timeout_s=timeout_s,
            patience_s=patience_s,
        )
        self.server = self._transport.server
        #: Batches that are made of a file of requests, as OpenAI's API has them.
        self.orders = Orders(self._transport)
        #: Sends the key with requests of your own, as in `httpx.get(address, auth=client.auth)`.
        self.auth = self._transport.auth

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def stop(self) -> None:
        """Make every call end soon with Stopped, in whatever thread it is."""
        self._transport.stop()

    # Batches

    def create_batch(
        self,
        question: str = "",
        *,
        model: str | None = None,
        name: str = "",
        **wishes: Unpack[Wishes],
    ) -> Batch:
        """Make an open batch; without a model the server's default is asked.

        `wishes` say how answers are to be, as `Wishes` has them: `max_pixels=2_000_000`, `pages="together"`.
        """
        said = {"name": name, **asked(question, model, wishes)}
        return Batch.model_validate(self._json("POST", "/api/batches", json=said))

    def upload_files(
        self,
        batch_id: str,
        files: Iterable[Sendable | Image],
        *,
        group_by: GroupBy | str | None = None,
        top: str = "",
        on_passed_over: Callable[[PassedOver], None] | None = None,
    ) -> Iterator[Upload]:
        """Send files to an open batch, many a request and several requests at a time.

        In place of a file the address of an image may be sent, which the server fetches where it may; or
        files `Together`, which are one job. `group_by` puts others together, also in zips; `top` is what
        those in no folder are called then. Gives what became of each job as it is known; a file of a zip
        counts as a file. Files that the batch has already make no second job, so an upload that was cut off
        may be sent again. `on_passed_over` hears what zips had in them that became no job, as the server
        passes over it. Raises at once what `jobs_of` raises.
        """
        by = None if group_by is None else GroupBy(group_by)
        return self._upload(batch_id, self.jobs_of(files, group_by=by, top=top), by, on_passed_over)

    def jobs_of(
        self, files: Iterable[Sendable | Image], *, group_by: GroupBy | str | None = None, top: str = ""
    ) -> list[Sendable]:
        """What `upload_files` would send, so that it may be seen before there is a batch.

        Raises ClientError (`too_many_images`) where a job would be about more images than the server takes,
        and ValueError for a `group_by` that there is not.
        """
        named = list(with_own_names([sendable(file) for file in listed(files)]))
        jobs = named if group_by is None else together(named, GroupBy(group_by), top)
        if any(isinstance(job, Together) for job in jobs):
            check_sizes(jobs, self._most_images())
        return jobs

    def _upload(
        self,
        batch_id: str,
        jobs: Sequence[Sendable],
        group_by: GroupBy | None,
        on_passed_over: Callable[[PassedOver], None] | None,
    ) -> Iterator[Upload]:
        for uploaded in upload(jobs, partial(self._send_files, batch_id, group_by)):
            if on_passed_over and uploaded.passed_over.count:
                on_passed_over(uploaded.passed_over)
            yield from uploaded.files

    def upload_folder(
        self, batch_id: str, folder: Path | str, *, group_by: GroupBy | str | None = None
    ) -> Iterator[Upload]:
        """Send the images of a folder and those below it, under their paths relative to it.

        Linked folders are followed once. What cannot be read is an outcome with its error. `group_by` as in
        `upload_files`.
        """
        folder = Path(folder)
        return self.upload_found(batch_id, find([folder]), group_by=group_by, top=name_of(folder))

    def upload_found(self, batch_id: str, found: Found, **how: Any) -> Iterator[Upload]:
        """Send what `find` has found, as `upload_files` does; what it could not read has an outcome, too."""
        unreadable = (refused(error.name, error) for error in found.unreadable)
        return chain(unreadable, self.upload_files(batch_id, found.files, **how))

    def close_batch(self, batch_id: str) -> Batch:
        """Say that no more files come."""
        return Batch.model_validate(self._json("POST", f"/api/batches/{batch_id}/close"))

    def cancel_batch(self, batch_id: str) -> Batch:
        """Cancel what has no answer yet, and take no more files."""
        return Batch.model_validate(self._json("POST", f"/api/batches/{batch_id}/cancel"))

    def retry_batch(self, batch_id: str) -> Retried:
        """Run the failed jobs again, but for those whose file was refused, or whose answer was cut."""
        return Retried.model_validate(self._json("POST", f"/api/batches/{batch_id}/retry"))

    def rename_batch(self, batch_id: str, name: str) -> Batch:
        """Give a batch another name."""
        return Batch.model_validate(self._json("PATCH", f"/api/batches/{batch_id}", json={"name": name}))

    def share_batch(self, batch_id: str, *, days: int = 7, note: str = "") -> str:
        """The address of a page where anybody can read this batch, and nothing else, for so many days.

        It is told this once; `note` is what it is for, which its readers do not see.
        """
        asked = {"days": days} | ({"note": note} if note else {})
        made = self._json("POST", f"/api/batches/{batch_id}/share", json=asked)
        return _page_address(self.server, made["url"])

    def shares(self, batch_id: str) -> list[Share]:
        """The links to a batch, the latest first, also those that are over."""
        listed = self._json("GET", f"/api/batches/{batch_id}/shares")
        return [Share.model_validate(share) for share in listed["shares"]]

    def revoke_share(self, batch_id: str, share_id: str) -> None:
        """Make a link to a batch open nothing any more."""
        self._transport.send("DELETE", f"/api/batches/{batch_id}/shares/{share_id}")

    def revoke_shares(self, batch_id: str) -> int:
        """The same for all links to a batch; gives how many worked until now."""
        return int(self._json("DELETE", f"/api/batches/{batch_id}/shares")["revoked"])

    def delete_batch(self, batch_id: str) -> None:
        """Delete a batch with its answers, and the images that no other job uses."""
        self._transport.send("DELETE", f"/api/batches/{batch_id}")

    def batch(self, batch_id: str) -> Batch:
        """The batch as it is now."""
        return Batch.model_validate(self._json("GET", f"/api/batches/{batch_id}"))

    def watch(self, batch_id: str) -> Iterator[Batch]:
        """The batch again and again until it is done, as often as the server likes to be asked."""
        batch, tag = None, ""
        while batch is None or not batch.is_done:
            headers = {"If-None-Match": tag} if tag else {}
            response = self._transport.send("GET", f"/api/batches/{batch_id}", headers=headers)
            if batch is None or response.status_code != httpx.codes.NOT_MODIFIED:
                batch, tag = Batch.model_validate(response.json()), response.headers.get("ETag", "")
            yield batch
            if not batch.is_done:
                self._transport.sleep(_look_s(response))

    def wait(self, batch_id: str) -> Batch:
        """Wait until every job of a closed batch is finished."""
        *_, last = self.watch(batch_id)
        return last

    # Results

    def results(self, batch_id: str, *, state: str | None = None) -> Iterator[Job]:
        """All jobs of a batch in the order they came, or those in one state; fetched a page at a time."""
        params: dict[str, Any] = {"limit": _PAGE} | ({} if state is None else {"state": state})
        while True:
            page = self._json("GET", f"/api/batches/{batch_id}/results", params=params)
            yield from (Job.model_validate(job) for job in page["jobs"])
            cursor = page.get("next_cursor")
            if cursor is None:
                return
            params["cursor"] = cursor

    def results_csv(self, batch_id: str, target: Path | str) -> None:
        """Write all results as CSV into `target`, which is replaced only when all has come."""
        self._transport.download(f"/api/batches/{batch_id}/results.csv", target)

    def results_jsonl(self, batch_id: str, target: Path | str, *, lines: bool = False) -> None:
        """Write all results into `target`, one JSON object a line.

        With `lines`, each says where every line of its text stands.
        """
        query = "?lines=true" if lines else ""
        self._transport.download(f"/api/batches/{batch_id}/results.jsonl{query}", target)

    def results_xlsx(self, batch_id: str, target: Path | str) -> None:
        """Write all results as a workbook into `target`."""
        self._transport.download(f"/api/batches/{batch_id}/results.xlsx", target)

    def results_parquet(self, batch_id: str, target: Path | str) -> None:
        """Write all results as Parquet into `target`: typed columns, one for each field."""
        self._transport.download(f"/api/batches/{batch_id}/results.parquet", target)

    # Single jobs

    def analyze(
        self,
        image: Image | Sequence[Image],
        question: str = "",
        *,
        model: str | None = None,
        page: int | None = None,
        wait_s: int = 25,
        **wishes: Unpack[Wishes],
    ) -> Job:
        """Ask about one image, or about several together, in their order.

        After `wait_s` seconds (at most 55) the job comes back unfinished.

        `page` is the page of its file that is meant; else all are, where the model reads all, or the first.
        """
        said = asked(question, model, wishes, page=page, wait=wait_s)
        job = self._ask_about(image, "/analyze", said)
        return self.job(job.id) if wishes.get("logprobs") and job.is_finished else job

    def create_job(
        self,
        image: Image | Sequence[Image],
        question: str = "",
        *,
        model: str | None = None,
        page: int | None = None,
        **wishes: Unpack[Wishes],
    ) -> Job:
        """Ask without waiting; all else as in `analyze`."""
        return self._ask_about(image, "/api/jobs", asked(question, model, wishes, page=page))

    def job(self, job_id: str, *, lines: bool = False) -> Job:
        """The job as it is now; with `lines`, where each line of its text stands."""
        params = {"lines": "true"} if lines else {}
        return Job.model_validate(self._json("GET", f"/api/jobs/{job_id}", params=params))

    def texts(self, job_id: str, *, image: int = 1) -> dict[int, str]:
        """The text that the pages of a job's PDF hold, by their numbers, as far as they were drawn."""
        said = self._json("GET", f"/api/jobs/{job_id}/text", params={"number": image})
        return {page["page"]: page["text"] for page in said["pages"]}

    def cancel_job(self, job_id: str) -> Job:
        """Cancel a job that has no answer yet."""
        return Job.model_validate(self._json("DELETE", f"/api/jobs/{job_id}"))

    # The service

    def models(self) -> list[Model]:
        """The models that can be asked; the server's default comes first."""
        return [Model.model_validate(model) for model in self._json("GET", "/api/models")["models"]]

    def status(self) -> dict[str, Any]:
        """Queue depths, the oldest wait and the workers, as the server tells them."""
        return dict(self._json("GET", "/api/status"))

    def usage(
        self, first: date | str | None = None, last: date | str | None = None, owner: str | None = None
    ) -> dict[str, Any]:
        """What was taken from one day to another (UTC), by day and owner, as the server tells it."""
        asked = {"from": first, "to": last, "owner": owner}
        given = {name: _written(value) for name, value in asked.items() if value is not None}
        return dict(self._json("GET", "/api/usage", params=given))

    def _ask_about(self, image: Image | Sequence[Image], path: str, fields: Mapping[str, Any]) -> Job:
        body = form_of_question(with_own_names([sendable(one) for one in listed(image)]), fields)
        return Job.model_validate(self._transport.send("POST", path, body=body).json())

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self._transport.send(method, path, **options).json()

    def _most_images(self) -> int:
        """How many images one job may be about; raises ClientError for a server that is too old to say it."""
        limits = self._json("GET", "/api/limits")
        if "max_images_per_job" not in limits:
            message = f"The server at {self.server} takes no jobs about several images. Update it."
            raise ClientError("not_supported", message)
        return int(limits["max_images_per_job"])

    def _send_files(self, batch_id: str, group_by: GroupBy | None, files: Sequence[Sendable]) -> Uploaded:
        body = form_of_files(files, group_by)
        reply = self._transport.send("POST", f"/api/batches/{batch_id}/files", body=body)
        return Uploaded.model_validate(reply.json())


def server_of_environment() -> str:
    """EVA01_SERVER, else this machine."""
    return os.environ.get("EVA01_SERVER") or DEFAULT_SERVER


def _page_address(server: str, url: str) -> str:
    """Where a page is; `url` begins with the server's own path only where a proxy has told it of that."""
    below = urlsplit(server).path.rstrip("/")
    return urljoin(server, url) if below and url.startswith(f"{below}/") else f"{server.rstrip('/')}{url}"


def _written(value: date | str) -> str:
    return value if isinstance(value, str) else value.isoformat()


def _look_s(response: httpx.Response) -> float:
    asked_s = retry_after_s(response)
    return _LOOK_S if asked_s is None else min(max(asked_s, _SHORTEST_LOOK_S), _LONGEST_LOOK_S)
