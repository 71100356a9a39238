"""Requests to /analyze, a number of them at a time."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from eva01.client.models import Job
from eva01.client.transport import retry_after_s
from scripts.stressing.outcome import Outcome

#: The longest that /analyze waits for an answer, in seconds; then it says where to ask for it.
_LONGEST_WAIT_S = 55.0
#: Pause before asking again, when the server names none, in seconds.
_PAUSE_S = 1.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Question:
    """One image and what is asked of it."""

    name: str
    #: Gives the image's bytes; called when it is sent, so that thousands need no memory.
    image: Callable[[], bytes]
    fields: dict[str, str]


class Analyze:
    """Asks `concurrency` questions at a time.

    A question that has no answer after `patience_s` has failed. One that is turned away with 429 is sent
    again when the server says so; any other error is a failure without a retry, so that none is hidden.
    """

    def __init__(
        self, server: str, concurrency: int, patience_s: float, auth: httpx.Auth | None = None
    ) -> None:
        self._server = server if "://" in server else f"http://{server}"
        self._auth = auth
        self._concurrency = concurrency
        self._patience_s = patience_s
        self._wait_s = min(_LONGEST_WAIT_S, patience_s)
        self._started_s = time.monotonic()

    def ask(self, questions: Iterator[Question]) -> Iterator[Outcome]:
        """Yields the outcome of each question as soon as it is known."""
        self._started_s = time.monotonic()
        http = httpx.Client(
            base_url=self._server,
            timeout=self._wait_s + 30,
            limits=httpx.Limits(max_connections=self._concurrency),
            auth=self._auth,
            # A proxy cannot reach this machine's own loopback.
            trust_env=urlsplit(self._server).hostname not in _LOOPBACK,
        )
        with http, ThreadPoolExecutor(self._concurrency) as pool:
            waiting = [pool.submit(self._ask, http, question) for question in questions]
            for done in as_completed(waiting):
                yield done.result()

    def _ask(self, http: httpx.Client, question: Question) -> Outcome:
        files = {"file": (question.name, question.image())}
        fields = {**question.fields, "wait": f"{self._wait_s:g}"}
        began_s = time.monotonic()
        refusals, failure = 0, "no answer in time"
        try:
            response = http.post("/analyze", data=fields, files=files)
            while time.monotonic() - began_s < self._patience_s:
                if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    refusals += 1
                    _pause(response)
                    response = http.post("/analyze", data=fields, files=files)
                elif _is_unfinished(response):
                    _pause(response)
                    response = http.get(f"/api/jobs/{response.json()['id']}")
                else:
                    failure = _failure(response)
                    break
        except (httpx.TransportError, ValueError, KeyError) as error:
            failure = f"{type(error).__name__}: {error}"
        return Outcome(began_s - self._started_s, time.monotonic() - began_s, failure, refusals)


def _is_unfinished(response: httpx.Response) -> bool:
    return response.is_success and response.json()["state"] in ("queued", "running")


def _pause(response: httpx.Response) -> None:
    asked_s = retry_after_s(response)
    time.sleep(_PAUSE_S if asked_s is None else asked_s)


def _failure(response: httpx.Response) -> str:
    """Why there is no answer, in a word; empty when there is one."""
    if response.status_code == httpx.codes.OK:
        job = Job.model_validate(response.json())
        return "" if job.state == "succeeded" else job.error.code if job.error else job.state
    is_problem = response.headers.get("Content-Type", "").startswith("application/problem+json")
    return f"{response.status_code} {response.json()['code'] if is_problem else response.reason_phrase}"
