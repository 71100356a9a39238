"""Whose lines become jobs when, and what becomes of those that cannot at the moment."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from threading import BoundedSemaphore

import pytest

from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.models import BatchState, JobState
from tests.redis.web.access.test_access import made as made_key
from tests.redis.web.openai.ordering import SAID, answer, begin, fill, line, told
from web.openai.bulk.filler import Filler
from web.services import Services

pytestmark = pytest.mark.redis

#: A hundred patterns and more that all have to hold: more than can be found out in a second.
COSTLY = {"allOf": [{"type": "string", "pattern": f"^.*{n}.*{n}.*$"} for n in range(200)]}


def held_to(schema: dict) -> dict:
    wanted = {"type": "object", "properties": {"a": schema}}
    return {"type": "json_schema", "json_schema": {"name": "a", "schema": wanted}}


def files(services: Services, *batches) -> list[list[str]]:
    """The names of the jobs of batches."""
    ids = [batch.id.removeprefix("batch_") for batch in batches]
    return [[job.file for job in services.store.results(one)] for one in ids]


class Died(BaseException):
    """Ends a filler at a line, as a crash does: nothing is put in order."""


def die_at(services: Services, line: int) -> None:
    """Have a filler die at a line of the only batch."""
    looks = iter([0.0] * line)

    def ticks() -> float:
        if (at := next(looks, None)) is None:
            raise Died
        return at

    with pytest.raises(Died):
        Filler(services, ticks=ticks).run_once()


class Places(BoundedSemaphore):
    """Places for schemas that count how often one was taken."""

    taken = 0

    def acquire(self, *args, **kwargs) -> bool:
        self.taken += 1
        return super().acquire(*args, **kwargs)


@pytest.fixture
def http(make_http):
    return make_http(limits={"request_cpu_s": 1}, schemas=1)


@pytest.fixture
def owners(make_client, services):
    """A client of anna's and one of ben's."""
    return [make_client(made_key(services, owner).text) for owner in ("anna", "ben")]


def test_owners_have_turns_whatever_the_number_of_their_batches(owners, services):
    anna, ben = owners
    batches = [begin(anna, line("a"), line("b")), begin(anna, line("c")), begin(ben, line("d"))]
    filler = Filler(services, lines_at_a_time=1)
    seen = []
    while filler.run_once():
        seen.append(files(services, *batches))
    assert seen[:3] == [[["a"], [], ["d"]], [["a", "b"], [], ["d"]], [["a", "b"], ["c"], ["d"]]]


def test_a_step_ends_when_its_time_is_over_and_loses_no_line(client, services):
    batch = begin(client, *map(line, "abcd"))
    ticks: Iterable[float] = count(0, 2.5)
    filler = Filler(services, ticks=iter(ticks).__next__)
    lengths = []
    while filler.run_once():
        lengths.append(len(files(services, batch)[0]))
    assert lengths == [1, 2, 3, 4]
    assert files(services, batch) == [[*"abcd"]]


def test_options_that_cost_too_much_are_looked_at_once(client, services):
    places = Places(1)
    batch = begin(client, *(line(name, response_format=held_to(COSTLY)) for name in "abc"), line("d"))
    fill(replace(services, schemas=places))
    refused = told(client, client.batches.retrieve(batch.id).error_file_id)
    codes = [(one["custom_id"], one["response"]["body"]["error"]["code"]) for one in refused]
    assert codes == [(name, "unsupported_schema") for name in "abc"]
    assert places.taken == 1


def test_where_no_schema_can_be_read_others_do_not_wait(owners, services):
    anna, ben = owners
    asked = held_to({"pattern": "^anna+$"})
    first = begin(anna, line("a"), line("b", response_format=asked), line("c"))
    others = [begin(anna, line("d")), begin(ben, line("e"))]
    with services.schemas:
        fill(services)
        assert files(services, first, *others) == [["a"], ["d"], ["e"]]
    fill(services)
    assert files(services, first) == [["a", "b", "c"]]
    assert anna.batches.retrieve(first.id).error_file_id is None


def test_who_has_as_many_open_jobs_as_they_may_is_waited_for(make_client, services, redis_client):
    client = make_client(made_key(services, "anna", quotas=Quotas(open_jobs=2)).text)
    batch = begin(client, *map(line, "abcde"))
    filler = Filler(services)
    for made, answered in (("ab", 2), ("abcd", 2), ("abcde", 1)):
        while filler.run_once():
            pass
        assert files(services, batch) == [[*made]]
        answer(services, redis_client, *[SAID] * answered)
    while filler.run_once():
        pass
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, shown.request_counts.model_dump()) == (
        "completed",
        {"total": 5, "completed": 5, "failed": 0},
    )
    jobs = services.store.results(batch.id.removeprefix("batch_"))
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}


def test_a_line_whose_images_cost_too_much_to_look_at_is_refused(client, services):
    batch = begin(client, line("a"), line("b"))
    limits = services.limits.model_copy(update={"request_cpu_s": 1e-9})
    fill(replace(services, limits=limits))
    refused = told(client, client.batches.retrieve(batch.id).error_file_id)
    codes = [(one["custom_id"], one["response"]["body"]["error"]["code"]) for one in refused]
    assert codes == [("a", "request_too_costly"), ("b", "request_too_costly")]


def test_a_line_at_which_fillers_die_is_refused_and_the_others_are_read(client, services, redis_client):
    batch = begin(client, *map(line, "abcd"))
    # Of the first nobody knows the line.
    for at in (3, 2, 3, 2):
        die_at(services, at)
    assert files(services, batch) == [[]]
    fill(services)
    assert files(services, batch) == [["a", "line-2", "c", "d"]]
    (refused,) = told(client, client.batches.retrieve(batch.id).error_file_id)
    error = refused["response"]["body"]["error"]
    assert (refused["custom_id"], error["code"]) == ("line-2", "poison")
    assert "2 times at line 2" in error["message"]
    assert redis_client.keys("*:reading") == []


def test_a_line_at_which_a_filler_died_once_is_read(client, services):
    batch = begin(client, *map(line, "ab"))
    die_at(services, 2)
    fill(services)
    assert files(services, batch) == [["a", "b"]]


@pytest.mark.parametrize("is_begun_anew", [False, True])
def test_the_rest_is_refused_once_the_key_is_revoked(make_client, services, is_begun_anew):
    mine, other = (made_key(services, "anna") for _ in range(2))
    batch = begin(make_client(mine.text), *map(line, "abcd"))
    filler = Filler(services, lines_at_a_time=2)
    filler.run_once()
    services.keys.revoke(mine.key.prefix)
    filler = Filler(services) if is_begun_anew else filler
    while filler.run_once():
        pass
    assert files(services, batch) == [["a", "b", "line-3"]]
    client = make_client(other.text)
    shown = client.batches.retrieve(batch.id)
    assert shown.request_counts.model_dump() == {"total": 4, "completed": 0, "failed": 2}
    (refused,) = told(client, shown.error_file_id)
    error = refused["response"]["body"]["error"]
    assert (refused["custom_id"], refused["response"]["status_code"]) == ("line-3", 401)
    assert error["code"] == "invalid_api_key"
    assert "revoked" in error["message"]
    assert "line 3 on is not read" in error["message"]
    assert services.store.get_batch(batch.id.removeprefix("batch_")).state is BatchState.CLOSED


def test_quotas_are_those_of_now(make_client, services):
    new = made_key(services, "anna")
    batch = begin(make_client(new.text), *map(line, "abc"))
    services.keys.add(new.key.model_copy(update={"quotas": Quotas(open_jobs=1)}))
    fill(services)
    assert files(services, batch) == [["a"]]


@pytest.mark.parametrize(
    ("asked_by", "code"),
    [
        ("key:eva01_12345678", "unknown_key"),
        ("key:configured", "unknown_key"),
        ("openid:anna", "session_is_over"),
        ("local", None),
        ("", None),
    ],
)
def test_who_is_no_longer_known_asks_no_more(client, services, asked_by, code):
    batch = begin(client, line("a"))
    (order,) = services.orders.of([batch.id.removeprefix("batch_")]).values()
    services.orders.note(order.model_copy(update={"asked_by": asked_by}))
    fill(services)
    (job,) = services.store.results(batch.id.removeprefix("batch_"))
    assert (job.error and job.error.code) == code


def test_people_of_a_provider_have_the_quotas_of_now(client, services):
    batch = begin(client, line("a"), line("b"))
    (order,) = services.orders.of([batch.id.removeprefix("batch_")]).values()
    services.orders.note(order.model_copy(update={"asked_by": "openid:anna"}))
    web = services.web.model_copy(update={"oidc_issuer": "https://idp.example", "oidc_quotas": Quotas()})
    fill(replace(services, web=web))
    assert files(services, batch) == [["a", "b"]]


def test_what_is_kept_of_a_batch_and_is_none_of_ours_holds_up_nobody(owners, services, redis_client):
    batches = [begin(owner, line("a")) for owner in owners]
    redis_client.lpush(names.batch_reading_key(batches[0].id.removeprefix("batch_")), "x")
    fill(services)
    assert files(services, *batches) == [["a"], ["a"]]


def test_long_names_of_lines_take_no_memory_while_others_are_read(client, services):
    # One character beyond U+FFFF makes four bytes of each.
    said = [line(f"{n:04}" + "x" * 1000 + "\U0001f600", n=2) for n in range(500)]
    begin(client, line("first"), *said)
    filler = Filler(services, lines_at_a_time=250)
    assert filler.run_once()
    tracemalloc.start()
    try:
        assert filler.run_once()
        assert tracemalloc.get_traced_memory()[0] < 250 * 2000
    finally:
        tracemalloc.stop()
