"""One server: how it is reached, and how a request to it goes."""

import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from jobs.contract.settings import WorkerSettings
from worker.engines.company import Company
from worker.engines.remote.errors import Lost, Refused, Unreachable, error_of, failure_of_size
from worker.engines.remote.said import Said

#: Seconds for which an unused connection is kept: servers close theirs after five or more, and one that
#: closes as we send looks as if it were lost.
_KEPT_S = 2.0
#: Bytes of an error that are read.
_ERROR_BYTES = 64 * 1024


@dataclass(eq=False)
class Server:
    """A server at `url`, which ends before `/chat/completions`; used in one thread."""

    url: str
    settings: WorkerSettings
    #: Requests that it has of us, and what they may be with.
    in_flight: int = 0
    company: Company | None = None
    #: Until when it has put us off, by the monotonic clock.
    rests_until_s: float = 0.0
    #: Why nothing is asked there; empty when all is well.
    trouble: str = ""
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = _client(self.url, self.settings)

    @property
    def name(self) -> str:
        """How the log calls it."""
        return httpx.URL(self.url).netloc.decode()

    @property
    def rest_s(self) -> float:
        """Seconds for which it has put us off from now on."""
        return max(0.0, self.rests_until_s - time.monotonic())

    def admits(self, company: Company) -> bool:
        """True when a job of `company` may be there with what it has of us."""
        return not self.in_flight or (self.company is not None and self.company.admits(company))

    def enter(self, company: Company) -> None:
        """Count a request of `company` as its own."""
        self.in_flight, self.company = self.in_flight + 1, company

    async def models(self) -> list[dict[str, Any]]:
        """What it lists; raises ServerError."""
        try:
            response = await self.client.get("/models", timeout=self.settings.openai_connect_s)
        except httpx.HTTPError as error:
            raise Unreachable(_words(error)) from error
        if response.status_code != 200:
            raise error_of(response.status_code, response.content, response.headers)
        with suppress(ValueError, AttributeError, TypeError):
            return [one for one in response.json()["data"] if isinstance(one, dict)]
        raise Unreachable("what it lists at /models is no list of models")

    async def say(self, content: bytes, said: Said) -> None:
        """Ask, and take what it says into `said`; raises ServerError."""
        try:
            async with self.client.stream("POST", "/chat/completions", content=content) as response:
                if response.status_code != 200:
                    body = b"".join([part async for part in _bounded(response, _ERROR_BYTES)])
                    raise error_of(response.status_code, body, response.headers)
                await self._take(response, said)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(_words(error)) from error
        except httpx.HTTPError as error:
            raise Lost(_words(error)) from error

    async def _take(self, response: httpx.Response, said: Said) -> None:
        most = self.settings.openai_max_bytes
        if "event-stream" not in response.headers.get("content-type", ""):
            said.take_whole(b"".join([part async for part in _bounded(response, most, is_too_much=True)]))
            return
        rest = b""
        async for part in _bounded(response, most, is_too_much=True):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                said.take_line(line.decode(errors="replace"))
            if said.is_done:
                return
        said.take_line(rest.decode(errors="replace"))
        said.end()


async def _bounded(response: httpx.Response, most: int, *, is_too_much: bool = False) -> AsyncIterator[bytes]:
    """The bytes of a response, `most` at most; raises Refused for more where that `is_too_much`."""
    count = 0
    async for part in response.aiter_bytes():
        count += len(part)
        if count > most:
            if is_too_much:
                raise Refused("too much", failure_of_size(most))
            return
        yield part


def _client(url: str, settings: WorkerSettings) -> httpx.AsyncClient:
    key = settings.openai_key.get_secret_value()
    return httpx.AsyncClient(
        base_url=url,
        headers={"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {}),
        # How long an answer may take is a job's limit; whether the server is still there, TCP's probes tell.
        timeout=httpx.Timeout(None, connect=settings.openai_connect_s),
        transport=httpx.AsyncHTTPTransport(
            proxy=_proxy_for(httpx.URL(url)),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=_KEPT_S
            ),
            socket_options=_probes(),
        ),
        # Redirects may lead anywhere, and the images with them.
        follow_redirects=False,
        trust_env=False,
    )


def _proxy_for(url: httpx.URL) -> str | None:
    """The proxy that the environment names for an address: a transport of our own does not look there."""
    proxies = getproxies()
    return None if proxy_bypass(url.host) else proxies.get(url.scheme) or proxies.get("all")


def _probes() -> list[tuple[int, int, int]]:
    """A machine that is gone without a word is noticed within half a minute."""
    wanted = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 30_000}
    known = [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in wanted.items()
        if hasattr(socket, name)
    ]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *known]


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
