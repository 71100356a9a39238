"""Usage by day and owner: the API, the table, the page; through web's real app."""

import csv
import io
from datetime import timedelta

import pytest

from jobs.contract.models import Job, Result, Usage
from tests.redis.jobs.owned.test_ledger import TODAY, id_of
from tests.redis.web.access.test_access import code_of, made, of


@pytest.fixture
def keys(services):
    """Keys of two owners, one with a team, and an admin's; and what their owners have taken of late."""
    for owner, days, device_s in (("anna", 0, 1.5), ("anna", 2, 0.25), ("ben", 0, 4), ("ben", 100, 8)):
        asked = {"question": "q", "model": "ocr", "images": ("ab" * 32,), "owner": owner}
        job = Job.model_validate({"id": id_of(TODAY - timedelta(days)), "file": "a.png", **asked})
        services.store.create_job(job)
        usage = Usage(output_tokens=7, device_s=device_s)
        services.store.finish(job.id, Result(answer="x", usage=usage))
    asked = {"id": id_of(TODAY), "question": "q", "model": "ocr", "images": ("ab" * 32,), "owner": "anna"}
    services.store.create_job(Job.model_validate({"file": "b.png", **asked}))
    return {
        "anna": made(services, "anna", quotas={"images_per_day": 9}),
        "carl": made(services, "carl", teams=("anna",)),
        "root": made(services, "root", role="admin"),
    }


def told(http, key, **query: str):
    response = http.get("/api/usage", query_string={"to": TODAY} | query, headers=of(key))
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def test_everybody_sees_what_their_owners_took_by_day_and_in_all(http, keys):
    usage = told(http, keys["anna"])
    assert [(row["day"], row["owner"], row["taken"]) for row in usage["days"]] == [
        (TODAY.isoformat(), "anna", 2),
        ((TODAY - timedelta(2)).isoformat(), "anna", 1),
    ]
    (owner,) = usage["owners"]
    assert owner == {
        "owner": "anna",
        "open_jobs": 1,
        "taken": 3,
        "succeeded": 2,
        "failed": 0,
        "cancelled": 0,
        "open": 1,
        "output_tokens": 14,
        "device_s": 1.75,
    }
    assert usage["sum"] == {name: owner[name] for name in usage["sum"]}
    assert usage["quotas"]["images_per_day"] == 9
    assert {row["owner"] for row in told(http, keys["carl"])["days"]} == {"anna"}


def test_anothers_usage_is_as_if_there_were_none(http, keys):
    for key, owner in ((keys["anna"], "ben"), (keys["anna"], "nobody"), (keys["root"], "nobody")):
        usage = told(http, key, owner=owner)
        assert (usage["days"], usage["owners"], usage["sum"]["taken"]) == ([], [], 0)


def test_admins_see_the_usage_of_all(http, keys):
    assert {row["owner"] for row in told(http, keys["root"])["owners"]} == {"anna", "ben"}
    long = told(http, keys["root"], **{"from": (TODAY - timedelta(120)).isoformat()}, owner="ben")
    assert [row["taken"] for row in long["days"]] == [1, 1]
    assert long["sum"]["device_s"] == 12


def test_the_table_has_the_same_rows(http, keys):
    response = http.get(f"/api/usage.csv?to={TODAY}", headers=of(keys["root"]))
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert [(row["owner"], row["taken"], row["device_s"]) for row in rows] == [
        ("anna", "2", "1.5"),
        ("ben", "1", "4.0"),
        ("anna", "1", "0.25"),
    ]


def test_what_is_too_much_for_one_answer_goes_on_with_the_next(make_app, keys):
    http = make_app(max_looked_at=1).test_client()
    first = told(http, keys["root"])
    assert {row["day"] for row in first["days"]} == {TODAY.isoformat()}
    rest = told(http, keys["root"], to=first["next_to"])
    assert [row["owner"] for row in rest["days"]] == ["anna"]
    assert rest["next_to"] is None


@pytest.mark.parametrize("query", ["from=x", "to=2026-02-30", "from=2027-01-02&to=2027-01-01", "owner=%00"])
def test_days_that_are_none_are_refused(http, keys, query):
    assert code_of(http.get(f"/api/usage?{query}", headers=of(keys["anna"]))) == (400, "invalid_field")
    assert http.get(f"/usage?{query}", headers=of(keys["anna"])).status_code == 400


def test_the_page_has_the_same_in_both_languages_without_scripts(http, keys):
    headers = of(keys["root"])
    html = http.get(f"/usage?to={TODAY}", headers=headers).get_data(as_text=True)
    assert all(word in html for word in ("Seconds of the device", "anna", "ben", TODAY.isoformat()))
    chinese = http.get(f"/usage?to={TODAY}", headers={**headers, "Accept-Language": "zh"}).get_data(
        as_text=True
    )
    assert "设备秒数" in chinese
    none = http.get("/usage?from=&to=2001-01-01&owner=", headers=headers).get_data(as_text=True)
    assert "Nothing was taken in this time." in none
    assert 'href="/usage"' in html


def test_without_a_login_there_is_no_usage_and_no_way_to_it(http):
    assert http.get("/api/usage").get_json()["days"] == []
    assert 'href="/usage"' not in http.get("/").get_data(as_text=True)
