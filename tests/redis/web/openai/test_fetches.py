"""Images at addresses in lines of a file: fetched as for a chat, while others have their turns."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from openai import OpenAI
from prometheus_client import REGISTRY

from jobs.contract.access.owners import Quotas
from jobs.contract.models import Job, JobState
from tests.asking import IMAGE
from tests.backend import sha256_of
from tests.processes import wait_until
from tests.redis.web.access.test_access import made as made_key
from tests.redis.web.openai.ordering import OTHER, SAID, answer, begin, fill, line, told
from tests.servers.internet import Page, Visit
from web.openai.bulk.filler import Filler
from web.services import Services

pytestmark = pytest.mark.redis

ADDRESS = "https://images.example.org/"


@pytest.fixture
def make_filler(services: Services) -> Iterator[Callable[..., Filler]]:
    """Makes fillers, which leave nothing open."""
    made: list[Filler] = []

    def make(**how: object) -> Filler:
        made.append(Filler(services, **how))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for filler in made:
        filler.close()


@pytest.fixture
def filler(make_filler) -> Filler:
    return make_filler()


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """Lets pages end that were told to wait for it."""
    made = threading.Event()
    yield made
    made.set()


def give(body: bytes) -> Page:
    return lambda visit: visit.give(body)


def late(end: threading.Event, body: bytes = IMAGE) -> Page:
    """A page that comes at last."""

    def page(visit: Visit) -> None:
        end.wait(60)
        with suppress(OSError):
            visit.give(body)

    return page


def jobs_of(services: Services, batch) -> list[Job]:
    return [*services.store.results(batch.id.removeprefix("batch_"))]


def fill_all(services: Services, filler: Filler, *batches) -> None:
    """Fill until all lines of batches are read, as the thread does: whenever something has come."""
    ids = [batch.id.removeprefix("batch_") for batch in batches]

    def is_filled() -> bool:
        filler.run_once()
        return all(order.is_filled for order in services.orders.of(ids).values())

    wait_until(is_filled, "all lines are read", every_s=0.005)


def errors_of(client: OpenAI, batch) -> list[tuple[str, str]]:
    file_id = client.batches.retrieve(batch.id).error_file_id
    assert file_id
    lines = told(client, file_id)
    return [(line["custom_id"], line["response"]["body"]["error"]["code"]) for line in lines]


def test_images_at_addresses_are_answered_in_the_order_of_the_lines(
    client, services, redis_client, filler, internet
):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    internet.pages["images.example.org/b.png"] = give(OTHER)
    lines = [
        line("sent"),
        line("there", f"{ADDRESS}a.png"),
        line("both", f"{ADDRESS}b.png", IMAGE),
        line("last"),
    ]
    batch = begin(client, *lines)
    fill_all(services, filler, batch)
    jobs = jobs_of(services, batch)
    assert [job.file for job in jobs] == ["sent", "there", "both", "last"]
    assert jobs[1].images == jobs[0].images == jobs[3].images
    assert jobs[2].images == (sha256_of(OTHER), *jobs[0].images)
    answer(services, redis_client, SAID, SAID, SAID, SAID)
    fill_all(services, filler, batch)
    assert [one["custom_id"] for one in told(client, client.batches.retrieve(batch.id).output_file_id)] == [
        job.file for job in jobs
    ]
    assert [*services.spool_folder.iterdir()] == []


def test_an_address_from_which_none_comes_is_a_line_of_the_error_file_with_its_reason(
    client, services, filler, internet
):
    internet.names["inside.example.org"] = ["10.0.0.7"]
    internet.names["cdn.example.org"] = ["127.0.0.1"]
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    internet.pages["images.example.org/words"] = give(b"<html>")
    internet.pages["images.example.org/away"] = lambda visit: visit.lead_on("https://cdn.example.org/a.png")
    addresses = {
        "plain": "http://images.example.org/a.png",
        "inside": "https://inside.example.org/a.png",
        "leads inside": f"{ADDRESS}away",
        "port": "https://images.example.org:8443/a.png",
        "missing": f"{ADDRESS}missing",
        "words": f"{ADDRESS}words",
    }
    lines = [line(name, address) for name, address in addresses.items()]
    batch = begin(
        client, line("a"), *lines, line("two", IMAGE, f"{ADDRESS}missing"), line("b", f"{ADDRESS}a.png")
    )
    fill_all(services, filler, batch)
    assert errors_of(client, batch) == [
        ("plain", "bad_url"),
        ("inside", "no_public_address"),
        ("leads inside", "no_public_address"),
        ("port", "url_not_allowed"),
        ("missing", "fetch_failed"),
        ("words", "not_an_image"),
        ("two", "fetch_failed"),
    ]
    assert [job.file for job in jobs_of(services, batch) if job.state is JobState.QUEUED] == ["a", "b"]
    (two,) = [job for job in jobs_of(services, batch) if job.file == "two"]
    assert two.error
    assert two.error.message.startswith("Image 2 of 2, images.example.org/missing: ")


def test_where_nothing_is_fetched_the_line_says_so(client, services, internet):
    batch = begin(client, line("a"), line("b", f"{ADDRESS}a.png"))
    fill(replace(services, fetcher=internet.fetcher()))
    assert errors_of(client, batch) == [("b", "fetch_is_off")]
    assert internet.looked_up == []


def test_a_line_that_is_refused_for_something_else_is_not_fetched_for(client, services, filler, internet):
    there = f"{ADDRESS}a.png"
    batch = begin(client, line("a"), line("a", there), line("b", there, n=2), line("c", there, model="ocr"))
    fill_all(services, filler, batch)
    assert [code for _, code in errors_of(client, batch)] == ["invalid_field"] * 3
    assert internet.looked_up == []


def test_a_host_that_is_slow_holds_up_no_other_batch(make_client, services, filler, internet, end):
    internet.pages["images.example.org/late.png"] = late(end)
    anna, ben = (make_client(made_key(services, owner).text) for owner in ("anna", "ben"))
    slow = begin(anna, line("a"), line("late", f"{ADDRESS}late.png"), line("b"))
    others = [begin(anna, *map(line, "cd")), begin(ben, *map(line, "ef"))]
    fill_all(services, filler, *others)
    assert [job.file for job in jobs_of(services, slow)] == ["a"]
    assert not filler.run_once(), "there is nothing to do until it has come"
    services.ordered.clear()
    end.set()
    assert services.ordered.wait(60), "whoever sees to it is told"
    fill_all(services, filler, slow)
    assert [job.file for job in jobs_of(services, slow)] == ["a", "late", "b"]


def test_images_of_lines_behind_are_fetched_meanwhile_as_far_as_there_are_places(
    client, services, filler, internet, end
):
    pages = [f"{number}.png" for number in range(20)]
    for page in pages:
        internet.pages[f"images.example.org/{page}"] = late(end)
    batch = begin(client, *(line(page, f"{ADDRESS}{page}") for page in pages))
    filler.run_once()
    places = services.web.fetch_at_a_time // 2
    wait_until(lambda: len(internet.visits) == places, "an owner's places are taken", every_s=0.005)
    filler.run_once()
    assert REGISTRY.get_sample_value("eva01_fetch_turns", {"state": "waiting"}) == 0
    end.set()
    fill_all(services, filler, batch)
    assert [job.file for job in jobs_of(services, batch)] == pages
    assert len(internet.visits) == len(pages), "each was fetched once"


def test_who_takes_over_fetches_nothing_again_for_a_line_that_is_a_job(
    client, services, make_filler, internet
):
    for name in "ab":
        internet.pages[f"images.example.org/{name}.png"] = give(IMAGE)
    lines = [line(name, f"{ADDRESS}{name}.png") for name in "abc"]
    batch = begin(client, *lines, line("d"), line("e"))
    first = make_filler(lines_at_a_time=4)
    wait_until(
        lambda: first.run_once() or len(jobs_of(services, batch)) >= 4, "lines are jobs", every_s=0.005
    )
    made = [job.id for job in jobs_of(services, batch)][:4]
    visits = len(internet.visits)
    for name in "abc":
        internet.pages[f"images.example.org/{name}.png"] = give(OTHER)
    fill_all(services, make_filler(), batch)
    jobs = jobs_of(services, batch)
    assert [job.file for job in jobs] == [*"abcde"]
    assert [job.id for job in jobs][:4] == made
    assert len(internet.visits) == visits


def test_while_an_owner_may_have_no_more_jobs_nothing_is_kept_for_them(
    make_client, services, redis_client, filler, internet
):
    internet.pages["images.example.org/b.png"] = give(IMAGE)
    client = make_client(made_key(services, "anna", quotas=Quotas(open_jobs=1)).text)
    batch = begin(client, line("a"), line("b", f"{ADDRESS}b.png"))
    services.ordered.clear()
    filler.run_once()
    assert services.ordered.wait(60), "it has come"
    filler.run_once()
    assert [job.file for job in jobs_of(services, batch)] == ["a"]
    answer(services, redis_client, SAID)
    wait_until(lambda: filler.run_once() or jobs_of(services, batch)[1:], "b is a job", every_s=0.005)
    assert [job.file for job in jobs_of(services, batch)] == ["a", "b"]
    assert len(internet.visits) == 2


def test_a_batch_that_is_cancelled_lets_go_of_what_is_fetched(client, services, filler, internet, end):
    internet.pages["images.example.org/late.png"] = late(end)
    batch = begin(client, *(line(name, f"{ADDRESS}late.png") for name in "abc"))
    filler.run_once()
    wait_until(lambda: internet.visits, "it is being fetched", every_s=0.005)
    client.batches.cancel(batch.id)
    filler.run_once()
    end.set()
    turns = {"state": "running"}
    wait_until(lambda: not REGISTRY.get_sample_value("eva01_fetch_turns", turns), "nothing is fetched")
    assert client.batches.retrieve(batch.id).status == "cancelled"
    assert jobs_of(services, batch) == []


def test_what_a_server_that_stops_has_not_fetched_is_fetched_by_the_next(
    client, services, make_filler, internet, end
):
    internet.pages["images.example.org/late.png"] = late(end)
    batch = begin(client, line("a", f"{ADDRESS}late.png"))
    stopping = replace(services, stopping=threading.Event())
    first = Filler(stopping)
    first.run_once()
    stopping.stopping.set()
    end.set()
    turns = {"state": "running"}
    wait_until(lambda: not REGISTRY.get_sample_value("eva01_fetch_turns", turns), "nothing is fetched")
    first.run_once()
    first.close()
    assert jobs_of(services, batch) == []
    fill_all(services, make_filler(), batch)
    assert [job.state for job in jobs_of(services, batch)] == [JobState.QUEUED]
