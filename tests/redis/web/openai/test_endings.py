"""Batches made of files: how they end early, in their time, or with all they gave; what is lost meanwhile."""

from datetime import timedelta
from typing import Any

import openai
import pytest

from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.models import JobState, utc_now
from jobs.upkeep.restore import Restore
from tests.redis.web.access.test_access import made as made_key
from tests.redis.web.openai.ordering import (
    OTHER,
    SAID,
    answer,
    begin,
    fill,
    line,
    told,
)
from web.openai.bulk.filler import Filler
from web.server import housekeeping_of

pytestmark = pytest.mark.redis


def test_a_batch_that_is_cancelled_has_what_was_answered_before(client, services, redis_client):
    batch = begin(client, line("a"), line("b"), line("c"))
    fill(services)
    answer(services, redis_client, SAID)
    batch = client.batches.cancel(batch.id)
    assert batch.status == "cancelled"
    assert batch.cancelled_at
    assert batch.request_counts.model_dump() == {"total": 3, "completed": 1, "failed": 0}
    assert [line["custom_id"] for line in told(client, batch.output_file_id)] == ["a"]
    assert [(line["custom_id"], line["error"]["code"]) for line in told(client, batch.error_file_id)] == [
        ("b", "batch_cancelled"),
        ("c", "batch_cancelled"),
    ]
    fill(services)
    assert services.orders.underway() == []


def test_a_batch_that_is_cancelled_while_its_lines_are_read_gets_no_more_of_them(client, services):
    batch = begin(client, line("a"), line("b"), line("c"))
    filler = Filler(services, lines_at_a_time=2)
    assert filler.run_once()
    client.batches.cancel(batch.id)
    assert not filler.run_once()
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, services.store.get_batch(batch.id.removeprefix("batch_")).total) == ("cancelled", 2)
    assert shown.request_counts.model_dump() == {"total": 3, "completed": 0, "failed": 0}
    lost = told(client, shown.error_file_id)
    assert [(line["custom_id"], line["error"]["code"]) for line in lost] == [
        (name, "batch_cancelled") for name in "abc"
    ]


def test_lines_that_were_never_read_are_told_of(client, services):
    batch = begin(client, line("a"), "{", "", line("b" * 2000), line("c"))
    client.batches.cancel(batch.id)
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, shown.request_counts.total, shown.output_file_id) == ("cancelled", 4, None)
    lost = [one["custom_id"] for one in told(client, shown.error_file_id)]
    assert (lost[:2], lost[2][:1000], lost[3]) == (["a", "line-2"], "b" * 1000, "c")
    client.files.delete(batch.input_file_id)
    (rest,) = told(client, shown.error_file_id)
    assert rest["error"]["code"] == "batch_cancelled"
    assert "4 lines were not read" in rest["error"]["message"]


def test_lines_that_were_not_read_in_time_have_expired(client, services):
    batch = begin(client, line("a"), line("b"))
    Filler(services, lines_at_a_time=1).run_once()
    (order,) = services.orders.of([batch.id.removeprefix("batch_")]).values()
    services.orders.note(order.model_copy(update={"expires_at": utc_now() - timedelta(seconds=1)}))
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, shown.request_counts.total) == ("expired", 2)
    lost = told(client, shown.error_file_id)
    assert [(one["custom_id"], one["error"]["code"]) for one in lost] == [
        ("a", "batch_expired"),
        ("b", "batch_expired"),
    ]


def test_what_has_no_answer_in_its_time_has_expired(client, services, redis_client):
    batch = begin(client, line("a"), line("b"))
    fill(services)
    answer(services, redis_client, SAID)
    (order,) = services.orders.of([batch.id.removeprefix("batch_")]).values()
    services.orders.note(order.model_copy(update={"expires_at": utc_now() - timedelta(seconds=1)}))
    fill(services)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "expired"
    assert batch.expired_at
    assert [line["custom_id"] for line in told(client, batch.output_file_id)] == ["a"]
    (late,) = told(client, batch.error_file_id)
    assert (late["custom_id"], late["response"], late["error"]["code"]) == ("b", None, "batch_expired")


def test_who_takes_over_goes_on_and_makes_no_line_twice(client, services):
    lines = [line("a"), "{", line("a"), line("b", n=2), line("c", OTHER), line("d")]
    batch = begin(client, *lines)
    Filler(services, lines_at_a_time=4).run_once()
    fill(services, lines_at_a_time=3)
    jobs = [*services.store.results(batch.id.removeprefix("batch_"))]
    assert [(job.file, job.sent_as, job.is_refused) for job in jobs] == [
        ("a", None, False),
        ("line-2", None, True),
        ("a (2)", "a", True),
        ("b", None, True),
        ("c", None, False),
        ("d", None, False),
    ]
    assert [line["custom_id"] for line in told(client, client.batches.retrieve(batch.id).error_file_id)] == [
        "line-2",
        "a",
        "b",
    ]


def test_a_redis_that_was_lost_loses_no_line(client, services, redis_client):
    batch = begin(client, line("a"), line("b"), line("c"), metadata={"of": "us"})
    Filler(services, lines_at_a_time=2).run_once()
    answer(services, redis_client, SAID)
    redis_client.flushdb()
    fill(services)
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(batch.id)
    *_, _ = Restore(services.store, services.journal).run()
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, shown.metadata) == ("in_progress", {"of": "us"})
    jobs = services.store.results(batch.id.removeprefix("batch_"))
    assert [(job.file, job.state) for job in jobs] == [
        ("a", JobState.SUCCEEDED),
        ("b", JobState.QUEUED),
        ("c", JobState.QUEUED),
    ]


def test_a_deleted_batch_is_seen_to_no_more_and_leaves_nothing(client, services, http):
    batch = begin(client, line("a"), line("b"))
    Filler(services, lines_at_a_time=1).run_once()
    assert http.delete(f"/api/batches/{batch.id.removeprefix('batch_')}").status_code == 204
    fill(services)
    assert services.orders.underway() == []
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(batch.id)


def test_answers_go_with_their_batch_when_they_were_asked_to(client, services, redis_client):
    day: dict[str, Any] = {"anchor": "created_at", "seconds": 24 * 3600}
    batch = begin(client, line("a"), "{", output_expires_after=day)
    batch_id = batch.id.removeprefix("batch_")
    fill(services)
    errors = client.batches.retrieve(batch.id).error_file_id
    assert client.files.retrieve(errors).expires_at is None, "it may grow"
    answer(services, redis_client, SAID)
    fill(services)
    output = client.batches.retrieve(batch.id).output_file_id
    for file in map(client.files.retrieve, (output, errors)):
        assert file.expires_at - file.created_at == 24 * 3600
    assert len(told(client, output)) == 1

    redis_client.zincrby(names.BATCHES, -24 * 3600 - 1, batch_id)
    for gone in (client.files.retrieve, client.files.content):
        with pytest.raises(openai.NotFoundError) as error:
            gone(output)
        assert error.value.code == "file_not_found"
    housekeeping_of(services).keep_house()
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(batch.id)


def test_a_file_that_is_gone_says_so_in_its_batch(client, services):
    batch = begin(client, line("a"))
    at = utc_now() + timedelta(days=1)
    services.sent_files.forget(sent_before=at, over_before=at, but=())
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert shown.status == "completed"
    assert [line["custom_id"] for line in told(client, shown.error_file_id)] == ["line-1"]


def test_what_comes_when_a_quota_is_used_up_is_an_error_of_its_own(make_client, services):
    client = make_client(made_key(services, "anna", quotas=Quotas(images_per_day=2)).text)
    batch = begin(client, line("a"), "{", line("b"), line("c"), line("d"))
    fill(services, lines_at_a_time=4)
    shown = client.batches.retrieve(batch.id)
    assert shown.request_counts.model_dump() == {"total": 5, "completed": 0, "failed": 3}
    failed = told(client, shown.error_file_id)
    assert [(line["custom_id"], line["response"]["body"]["error"]["code"]) for line in failed] == [
        ("line-2", "malformed_body"),
        ("c", "insufficient_quota"),
        ("d", "insufficient_quota"),
    ]
    assert [line["response"]["status_code"] for line in failed] == [400, 429, 429]


def test_answers_go_with_their_batch(client, services, redis_client):
    batch = begin(client, line("a"))
    fill(services)
    answer(services, redis_client, SAID)
    output = client.batches.retrieve(batch.id).output_file_id
    with pytest.raises(openai.BadRequestError):
        client.files.delete(output)
