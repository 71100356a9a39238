"""Tickets that are let go of, or given back, just when the connection to Redis is lost."""

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from jobs.contract import names
from jobs.contract.settings import Settings
from tests.backend import MODEL, Backend
from tests.chaos.proxy import Proxy
from worker.broker.celery_app import create_celery
from worker.broker.in_hand import InHand
from worker.broker.unreadable import Unreadable
from worker.ops.metrics import ModelMetrics
from worker.ops.trouble import Trouble

pytestmark = pytest.mark.redis

#: Long enough for whatever happens to happen within it.
LEASE_S = 600.0


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    port = urlsplit(redis_url).port
    assert port
    made = Proxy(port)
    yield made
    made.end()


@pytest.fixture
def channel(proxy: Proxy, backend: Backend) -> Iterator[Any]:
    """A worker's, which reaches Redis through the proxy."""
    settings = Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0", lease_s=LEASE_S, redis_timeout_s=5)
    unreadable = Unreadable(MODEL, ModelMetrics(MODEL), most=10, most_bytes=1000)
    app = create_celery(settings, MODEL, Trouble(), unreadable, InHand())
    with app.connection_for_read() as connection, connection.channel() as channel:
        yield channel


def taken(channel: Any, backend: Backend) -> Any:
    """The ticket of a job, which is held now."""
    backend.add(None, b"an image")
    messages: list[Any] = []
    channel.basic_consume(names.interactive_queue(MODEL), False, messages.append, "a worker")
    channel.connection.client.drain_events(timeout=20)
    (message,) = messages
    assert held(backend) == channel.qos.held() == {message.delivery_tag}
    return message


def held(backend: Backend) -> set[str]:
    return cast(set[str], set(backend.client.hkeys(names.held_key(MODEL))))


def test_one_whose_job_is_done_is_let_go_of_when_redis_is_back(channel, proxy, backend):
    message = taken(channel, backend)
    proxy.refuse()
    message.ack()
    assert held(backend) == {message.delivery_tag}
    proxy.let_through()
    assert channel.qos.try_again()
    assert held(backend) == set()
    assert channel.qos.held() == set()
    assert not channel.qos.try_again(), "there is nothing more to do"


def test_one_that_is_given_back_is_left_to_its_lease_and_no_longer_renewed(channel, proxy, backend):
    message = taken(channel, backend)
    proxy.refuse()
    message.reject(requeue=True)
    proxy.let_through()
    assert held(backend) == {message.delivery_tag}
    assert channel.qos.held() == set(), "nobody renews it"
