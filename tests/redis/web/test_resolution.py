"""How many pixels of an image are seen, over HTTP: offered, asked for, refused at the door, kept."""

from typing import Any

import pytest

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.catalog import NANO, OCR, ModelCard
from jobs.contract.models import Result, Usage, WorkerInfo, WorkerState, utc_now
from jobs.storage.fleet import Fleet
from jobs.upkeep.restore import Restore
from tests.asking import IMAGE, ask, id_of, new_batch, post_files, send
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis

RANGE = PixelRange(least=3136, default=19_600, most=78_400)


def beat(fleet: Fleet, card: ModelCard, pixels: PixelRange | None) -> None:
    """A worker of `card` is ready, and takes those."""
    info = WorkerInfo(
        id=f"{card.name} {pixels and pixels.most}",
        model=card.name,
        state=WorkerState.READY,
        slots=8,
        device="cpu",
        started_at=utc_now(),
        max_pixels=pixels,
    )
    fleet.beat(info, card.model_copy(update={"max_pixels": pixels}), 500)


@pytest.fixture
def services(http):
    return http.application.extensions["eva01"]


@pytest.fixture
def served(http, services):
    """A client of a server whose `nano` lets one choose."""
    beat(services.fleet, NANO, RANGE)
    beat(services.fleet, OCR, None)
    return http


def test_the_models_say_what_may_be_asked_for(served):
    offered = {model["name"]: model["max_pixels"] for model in served.get("/api/models").json["models"]}
    assert offered == {"nano": {"least": 3136, "default": 19_600, "most": 78_400}, "ocr": None}


def test_a_batch_says_what_was_asked_for_and_its_jobs_ask_for_it_also_after_a_restore(served, services):
    batch = new_batch(served, max_pixels=78_400)
    shown = served.get(batch).json
    assert shown["max_pixels"] == 78_400
    assert served.get("/api/batches").json["batches"][0]["max_pixels"] == 78_400
    assert served.get(new_batch(served)).json["max_pixels"] is None
    (one,) = send(served, batch, {"a.png": IMAGE})
    services.store.redis.flushall()
    assert [*Restore(services.store, services.journal).run()]
    assert services.store.get_job(one["job_id"]).options.max_pixels == 78_400
    assert served.get(batch).json["max_pixels"] == 78_400


@pytest.mark.parametrize("address", ["/api/jobs", "/analyze"])
def test_a_single_question_and_a_further_one_ask_for_their_own(served, services, address):
    more: dict[str, Any] = {"wait": "0"} if address == "/analyze" else {}
    made = ask(served, address, max_pixels="3136", **more)
    assert made.status_code == 202, made.text
    assert services.store.get_job(made.json["id"]).options.max_pixels == 3136
    again = served.post(f"/api/jobs/{made.json['id']}/ask", json={"question": "?", "max_pixels": 50_000})
    assert services.store.get_job(again.json["id"]).options.max_pixels == 50_000
    usual = served.post(f"/api/jobs/{made.json['id']}/ask", json={"question": "?"})
    assert services.store.get_job(usual.json["id"]).options.max_pixels is None


def test_where_no_script_runs_a_form_says_it_too(served):
    form: dict[str, Any] = {"question": "?", "model": "nano"}
    sent = post_files(served, "/batches", {"a.png": IMAGE}, **form, max_pixels=" 50000 ")
    assert served.get(f"/api{sent.headers['Location']}").json["max_pixels"] == 50_000
    sent = post_files(served, "/batches", {"a.png": IMAGE}, **form, max_pixels="")
    assert served.get(f"/api{sent.headers['Location']}").json["max_pixels"] is None
    for pixels, status in (("many", 400), ("0", 400), ("78401", 422)):
        refused = post_files(served, "/batches", {"a.png": IMAGE}, **form, max_pixels=pixels)
        assert refused.status_code == status
        assert f'value="{pixels}"' in refused.text, "what was typed is there still"


@pytest.mark.parametrize(
    ("asked", "expected", "says"),
    [
        ({"max_pixels": 3135}, (422, "resolution_out_of_range"), "nano takes 3,136 to 78,400 here"),
        ({"max_pixels": 78_401}, (422, "resolution_out_of_range"), "max_pixels is 78,401"),
        ({"max_pixels": 10**17}, (422, "resolution_out_of_range"), "EVA01_MOST_PIXELS"),
        ({"max_pixels": 19_600, "model": "ocr"}, (422, "resolution_fixed"), "pixels of an image ocr sees"),
        ({"max_pixels": 0}, (400, "invalid_field"), "max_pixels"),
        ({"max_pixels": "2M"}, (400, "invalid_field"), "max_pixels"),
        ({"max_pixels": 4000.5}, (400, "invalid_field"), "max_pixels"),
    ],
)
def test_what_the_model_does_not_read_at_is_refused_before_anything_is_sent(served, asked, expected, says):
    body = {"question": "?", "model": "nano"} | asked
    refused = served.post("/api/batches", json=body)
    assert code_of(refused) == expected
    assert says in refused.json["detail"]
    form: dict[str, Any] = {name: str(value) for name, value in body.items()}
    assert code_of(ask(served, **form)) == expected
    assert not served.get("/api/batches").json["batches"]


def test_before_any_worker_has_come_up_nothing_but_the_usual_can_be_asked_for(http):
    refused = http.post("/api/batches", json={"question": "?", "model": "nano", "max_pixels": 19_600})
    assert code_of(refused) == (422, "resolution_fixed")
    assert "no worker of it has come up yet" in refused.json["detail"]


def test_a_result_says_at_how_many_pixels_it_was_read_also_in_exports(served, services):
    batch = new_batch(served, max_pixels=78_400)
    (one,) = send(served, batch, {"a.png": IMAGE})
    usage = Usage(visual_tokens=99, read_pixels=99 * 784)
    services.store.finish(one["job_id"], Result(answer="7", usage=usage))
    services.journal.note_result(services.store.get_job(one["job_id"]))
    assert served.get(f"/api/jobs/{one['job_id']}").json["usage"]["read_pixels"] == 77_616
    head, row = served.get(f"/api/batches/{id_of(batch)}/results.csv").text.splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["read_pixels"] == "77616"
