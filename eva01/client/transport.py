"""One HTTP call, sent again until it succeeds, fails for good, or patience ends.

A POST carries an `Idempotency-Key`, the same each time it is sent, so sending it again is safe.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from eva01.client.errors import ClientError, ServerAway, Stopped
from eva01.client.key import LOOPBACK, Bearer
from eva01.client.multipart import Multipart
from eva01.client.tls import trusted_for

#: Statuses that mean "the same call may succeed later".
_LATER = frozenset({408, 429, 502, 503, 504})
#: The error code while the server still processes an earlier attempt of the same POST.
_IN_PROGRESS = "idempotency_in_progress"
#: The error code where no key was sent and one is needed.
_NOT_SIGNED_IN = "not_signed_in"
#: The pause in seconds before the next try when the server names none; then twice as long each time.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 8.0
#: Longest random addition to a pause, in seconds: clients told the same pause do not all retry at once.
_SPREAD_S = 0.25
#: Time limit for retries, in seconds, while the server has never answered: its address is probably wrong.
_FIRST_PATIENCE_S = 3.0
_Result = TypeVar("_Result")


class Transport:
    """Calls to one server, with a key unless it is empty.

    `timeout_s` bounds the wait for the next byte, `patience_s` all tries of one call together. Every method
    raises ClientError with the server's own code, ServerAway when patience ends, and Stopped.
    """

    def __init__(self, server: str, key: str = "", *, timeout_s: float, patience_s: float) -> None:
        self.server = server if "://" in server else f"http://{server}"
        self.auth = Bearer(key, self.server) if key else None
        self._patience_s = patience_s
        self._has_answered = False
        self._stop = threading.Event()
        self._http = httpx.Client(
            base_url=self.server,
            timeout=timeout_s,
            # A proxy cannot reach this machine's own loopback.
            trust_env=urlsplit(self.server).hostname not in LOOPBACK,
            verify=trusted_for(self.server),
            auth=self.auth,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def stop(self) -> None:
        """Make every call that is under way or still comes end with Stopped; safe from any thread."""
        self._stop.set()

    def sleep(self, pause_s: float) -> None:
        """Wait; raises Stopped when told to stop meanwhile."""
        if self._stop.wait(pause_s):
            raise Stopped

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: Multipart | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Make a call and give its response, whose status is below 300, or 304."""
        sent = self._with_key(method, {**(headers or {}), **(body.headers if body else {})})

        def attempt() -> httpx.Response:
            content = self._stoppable(body) if body else None
            response = self._http.request(
                method, path, json=json, content=content, params=params, headers=sent
            )
            return self._checked(response)

        return self._persist(attempt)

    def download(self, path: str, target: Path | str) -> None:
        """Stream a response into `target`, which is replaced only when all has come."""
        target = Path(target)
        partial = target.with_name(f".{target.name}.{os.getpid()}.part")

        def attempt() -> None:
            with self._http.stream("GET", path) as response:
                if response.status_code >= 300:
                    response.read()
                self._checked(response)
                with partial.open("wb") as file:
                    for piece in response.iter_bytes():
                        file.write(piece)

        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._persist(attempt)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _with_key(self, method: str, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "Idempotency-Key": uuid4().hex} if method == "POST" else headers

    def _stoppable(self, body: Multipart) -> Iterator[bytes]:
        for piece in body:
            if self._stop.is_set():
                raise Stopped
            yield piece

    def _persist(self, attempt: Callable[[], _Result]) -> _Result:
        began_at = time.monotonic()
        backoff_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._attempt(attempt)
            except ServerAway as away:
                asked_s = away.retry_after_s
                spread_s = random.uniform(0, _SPREAD_S)  # noqa: S311 (nothing to guess)
                pause_s = (backoff_s if asked_s is None else asked_s) + spread_s
                if time.monotonic() - began_at + pause_s > self._patience():
                    raise
            self.sleep(pause_s)
            backoff_s = min(2 * backoff_s, _LONGEST_PAUSE_S)

    def _attempt(self, attempt: Callable[[], _Result]) -> _Result:
        try:
            return attempt()
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            message = f"{self.server} is not an address such as http://127.0.0.1:8000: {error}"
            raise ClientError("bad_server", message) from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            message = (
                f"No answer from {self.server} ({reason}). Start it with `eva01 up`,"
                " or name another with --server or EVA01_SERVER."
            )
            raise ServerAway("no_connection", message) from error

    def _patience(self) -> float:
        return self._patience_s if self._has_answered else min(self._patience_s, _FIRST_PATIENCE_S)

    def _checked(self, response: httpx.Response) -> httpx.Response:
        self._has_answered = True
        if response.status_code < 300 or response.status_code == httpx.codes.NOT_MODIFIED:
            return response
        code, message = _problem(response)
        if code == _NOT_SIGNED_IN:
            # What the server says is for those who write requests.
            message = f"{self.server} is only for those who have a key."
        message = f"{message} {self._remedy(response)}".strip()
        if response.status_code not in _LATER and code != _IN_PROGRESS:
            raise ClientError(code, message, response.status_code)
        away = ServerAway(code, message, response.status_code)
        away.retry_after_s = retry_after_s(response)
        raise away

    def _remedy(self, response: httpx.Response) -> str:
        """What the caller can do about a response, where its own message does not know that."""
        match response.status_code:
            case httpx.codes.UNAUTHORIZED if not self.auth:
                return (
                    "Set EVA01_KEY to yours, or EVA01_KEY_FILE to a file with it; --key and --key-file do the"
                    " same for one command. Who has none asks an admin, or makes one on the server's machine:"
                    " eva01 keys add --owner NAME"
                )
            case httpx.codes.UNAUTHORIZED:
                return "Look at EVA01_KEY, EVA01_KEY_FILE, --key and --key-file: one of them has that key."
            case httpx.codes.FORBIDDEN if self.auth:
                return "Ask an admin for a key that may do this."
            case httpx.codes.TOO_MANY_REQUESTS if (wait_s := retry_after_s(response)) is not None:
                return f"Try again in {_in_words(wait_s)}."
            case status if status < 400:
                place = response.headers.get("Location", "where it leads")
                return f"It leads to {place}: name that as the server, if it is right."
        return ""


def _in_words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the server asks to wait, if it asks in seconds."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else None


def _problem(response: httpx.Response) -> tuple[str, str]:
    """The code and message of problem JSON, or what can be said without it."""
    try:
        problem = response.json()
        # Under /v1 an error is as OpenAI's clients read it.
        problem = problem.get("error") or problem
        message = problem.get("message") or problem.get("detail") or problem.get("title")
        return str(problem["code"]), str(message)
    except (ValueError, KeyError, AttributeError):
        return f"http_{response.status_code}", (
            f"{response.request.url} answered {response.status_code} {response.reason_phrase}."
        )
