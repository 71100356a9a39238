"""What pages are called, by their numbers and whatever comes into their way: over HTTP, on a real server."""

import hashlib
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.upkeep.restore import Restore
from tests.asking import new_batch, send
from tests.files import hostile, tiffs
from tests.redis.web.intake.test_multipage import rows, told

pytestmark = pytest.mark.redis
FAX, OTHER_FAX = tiffs.fax(3), tiffs.fax(2)
PICTURES = [hostile.encoded(size=(8, width)) for width in (3, 4)]
SHA = hashlib.sha256(FAX).hexdigest()
NAMES = ["a/scan.tif", "a/scan.tif#2", "a/scan.tif#3"]


@pytest.fixture
def batch(http) -> str:
    """Of a model that looks at one image."""
    return new_batch(http)


@pytest.fixture
def reading(http) -> str:
    """Of a model that reads all pages of a file."""
    return new_batch(http, model="ocr")


def know_pages(http, batch: str, file: str, *pages: int) -> list[dict]:
    """Ask about single pages of FAX, each by the file's path, or by its own where that has a `{}`."""
    asked = [{"file": file.format(page), "sha256": SHA, "page": page} for page in pages]
    answer = http.post(f"{batch}/known", json={"files": asked})
    assert answer.status_code == 200, answer.text
    return answer.json["files"]


@pytest.mark.parametrize("order", [*itertools.permutations((1, 2, 3)), (3, 1), (2,)])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("model", ["nano", "ocr"])
def test_a_page_is_called_by_its_number_in_whatever_order_pages_come(http, reading, order, at_once, model):
    send(http, reading, {"scan.tif": FAX})
    at = new_batch(http, model=model)
    for is_new in (True, False):
        groups = [order] if at_once else [(page,) for page in order]
        known = [one for some in groups for one in know_pages(http, at, "a/scan.tif", *some)]
        assert told(known) == [(NAMES[page - 1], "accepted", page, is_new) for page in order]
        assert not any(one["sent_as"] for one in known)
    by_name = [know_pages(http, at, NAMES[page - 1], page)[0] for page in order]
    assert told(by_name) == [(NAMES[page - 1], "accepted", page, False) for page in order]
    if model == "nano":
        whole = send(http, at, {"a/scan.tif": FAX})
        assert told(whole) == [
            (name, "accepted", page, page not in order) for page, name in enumerate(NAMES, 1)
        ]
        assert sorted(rows(http, at)) == [(name, page) for page, name in enumerate(NAMES, 1)]


def test_the_whole_file_is_called_by_its_path_also_after_a_later_page(http, reading):
    send(http, reading, {"scan.tif": FAX})
    at = new_batch(http, model="ocr")
    know_pages(http, at, "a/scan.tif", 3)
    for is_new in (True, False):
        assert told(send(http, at, {"a/scan.tif": FAX})) == [("a/scan.tif", "accepted", None, is_new)]
    assert told(know_pages(http, at, "a/scan.tif", 2)) == [("a/scan.tif#2", "accepted", 2, True)]
    assert len(rows(http, at)) == 3


def test_a_later_page_keeps_the_name_of_its_file(http, batch, reading):
    send(http, reading, {"scan.tif": FAX})
    know_pages(http, batch, "a/scan.tif", 3)
    (other,) = send(http, batch, {"a/scan.tif": hostile.encoded()})
    assert (other["file"], other["sent_as"]) == ("a/scan (2).tif", "a/scan.tif")
    assert told(know_pages(http, batch, "a/scan.tif", 1)) == [("a/scan.tif", "accepted", 1, True)]


@pytest.mark.parametrize("order", [(1, 3), (3, 1)])
def test_pages_of_another_file_of_the_path_share_a_number(http, batch, reading, order):
    send(http, reading, {"scan.tif": FAX})
    send(http, batch, {"a/scan.tif": tiffs.fax(2)})
    renamed = {1: "a/scan (2).tif", 2: "a/scan (2).tif#2", 3: "a/scan (2).tif#3"}
    for number in order:
        (known,) = know_pages(http, batch, "a/scan.tif", number)
        assert (known["file"], known["sent_as"], known["is_new"]) == (renamed[number], "a/scan.tif", True)
    whole = send(http, batch, {"a/scan.tif": FAX})
    assert [one["file"] for one in whole] == [*renamed.values()]


@pytest.mark.parametrize("number", [2, 3])
def test_a_file_beside_one_that_is_called_as_its_page_is_numbered_once(
    http, batch, services, redis_client, number
):
    send(http, batch, {f"s.tif#{number}": hostile.encoded()})
    for is_new in (True, False):
        assert told(send(http, batch, {"s.tif": FAX})) == [
            ("s (2).tif", "accepted", 1, is_new),
            ("s (2).tif#2", "accepted", 2, is_new),
            ("s (2).tif#3", "accepted", 3, is_new),
        ]
    before = rows(http, batch)
    redis_client.flushall()
    *_, _ = Restore(services.store, services.journal).run()
    assert rows(http, batch) == before
    assert not any(one["is_new"] for one in send(http, batch, {"s.tif": FAX}))


def test_a_file_that_is_called_as_a_page_that_may_come_gets_a_number(http, batch, reading):
    send(http, reading, {"scan.tif": FAX})
    know_pages(http, batch, "s.tif", 1)
    (literal,) = send(http, batch, {"s.tif#3": hostile.encoded()})
    assert (literal["file"], literal["sent_as"]) == ("s (2).tif#3", "s.tif#3")
    (beyond,) = send(http, batch, {"s.tif#4": hostile.encoded()})
    assert (beyond["file"], beyond["sent_as"]) == ("s.tif#4", None)
    assert [one["file"] for one in send(http, batch, {"s.tif": FAX})] == ["s.tif", "s.tif#2", "s.tif#3"]
    assert len(rows(http, batch)) == 5


def test_a_known_page_of_a_file_that_was_refused_takes_no_name_of_another(http, batch, reading, make_app):
    send(http, reading, {"scan.tif": FAX})
    strict = make_app(max_pages=2).test_client()
    send(strict, batch, {"s.tif": FAX, "s.tif#3": hostile.encoded()})
    know_pages(http, batch, "s.tif", 3)
    send(http, batch, {"s.tif": FAX})
    called = [file for file, _ in rows(http, batch)]
    assert len({*called}) == len(called) == 4, called


# Any files and pages, in any order

#: A path, a content, and the page that is asked about by its hash; None for the file itself.
Sent = tuple[str, bytes, int | None]
SENT = st.one_of(
    st.tuples(st.just("s.tif"), st.just(FAX), st.sampled_from((None, 1, 2, 3))),
    st.tuples(st.just("s.tif"), st.just(OTHER_FAX), st.sampled_from((None, 1, 2))),
    st.tuples(
        st.sampled_from(("s.tif", "s.tif#2", "s.tif#3", "s (2).tif", "s (2).tif#2")),
        st.sampled_from(PICTURES),
        st.none(),
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SENT, min_size=1, max_size=8))
def test_every_page_has_exactly_one_row_and_pages_of_a_file_are_called_alike(http, requests: Sequence[Sent]):
    send(http, new_batch(http, model="ocr"), {"a.tif": FAX, "b.tif": OTHER_FAX})
    batch = new_batch(http)
    seen: dict[tuple, str] = {}
    bases: dict[tuple, str] = {}

    def check_all() -> None:
        for path, content, page in requests:
            if page is None:
                outcomes = send(http, batch, {path: content})
            else:
                asked = {"file": path, "sha256": hashlib.sha256(content).hexdigest(), "page": page}
                outcomes = http.post(f"{batch}/known", json={"files": [asked]}).json["files"]
            for one in outcomes:
                assert one["state"] == "accepted"
                assert seen.setdefault((path, content, one["page"]), one["job_id"]) == one["job_id"]
                suffix = f"#{one['page']}" if (one["page"] or 1) > 1 else ""
                assert one["file"].endswith(suffix)
                base = one["file"].removesuffix(suffix)
                assert bases.setdefault((path, content), base) == base
                assert path in (base, one["sent_as"])

    check_all()
    before = rows(http, batch)
    assert len(before) == len({name for name, _ in before}) == len({*seen.values()}) == len(seen)
    check_all()
    assert rows(http, batch) == before
