"""OpenAI's own client of a web, and workers that answer what it asks."""

import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest
from openai import OpenAI

from jobs.contract import names
from jobs.contract.models import Job, Result
from tests.processes import wait_until
from tests.redis.web.openai.speaker import Speaker, Step
from web.services import Services


@pytest.fixture
def http(make_http):
    return make_http(limits={"max_requests": 100, "max_request_files": 3, "max_requests_bytes": 100_000})


@pytest.fixture
def make_client(http) -> Iterator[Callable[[str], OpenAI]]:
    """Makes clients with a key."""
    transport = httpx2.WSGITransport(app=http.application)
    with httpx2.Client(transport=transport) as connection:
        yield lambda key: OpenAI(
            base_url="http://localhost/v1", api_key=key, http_client=connection, max_retries=0
        )


@pytest.fixture
def client(make_client) -> OpenAI:
    return make_client("any")


@pytest.fixture
def worker(services: Services, redis_client) -> Iterator[Callable[..., list[Job]]]:
    """Answers the next jobs with results, one each, in a thread; gives the jobs, once they are answered."""
    threads: list[threading.Thread] = []

    def answer(*results: Result) -> list[Job]:
        jobs: list[Job] = []

        def work() -> None:
            waiting = names.interactive_queue("nano")
            for result in results:
                wait_until(lambda: redis_client.llen(waiting), "a question waits", every_s=0.005)
                redis_client.lpop(waiting)
                taken = services.store.take("nano", "ticket")
                assert taken is not None
                jobs.append(taken.job)
                services.store.finish(taken.job.id, result)

        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()
        return jobs

    yield answer
    for thread in threads:
        thread.join(30)


@pytest.fixture
def speaker(services: Services) -> Iterator[Callable[..., Speaker]]:
    """A worker that answers the next question step by step."""
    speakers: list[Speaker] = []

    def speak(*steps: Step) -> Speaker:
        speakers.append(Speaker(services, steps))
        return speakers[-1]

    yield speak
    for one in speakers:
        one.join()
