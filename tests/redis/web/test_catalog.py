"""Models that people have listed: offered by web, with their own words, questions, fields and price."""

from io import BytesIO

import pytest

from jobs.contract import names
from jobs.contract.asking.fields import AnswerField, format_of
from jobs.contract.catalog import NANO
from jobs.contract.models import WorkerInfo, WorkerState, utc_now
from jobs.contract.settings import WebSettings
from tests.asking import IMAGE, ask, new_batch
from tests.chats import about_it
from tests.redis.web.test_jobs import code_of
from web.services import services_of

pytestmark = pytest.mark.redis

FILE = """\
models:
  - name: receipts
    source: Qwen/Qwen2.5-VL-7B-Instruct
    description: {en: Reads receipts., zh: 读取收据。}
    presets: [{label: {en: Total, zh: 总额}, question: {en: What was paid?, zh: 付了多少？}}]
    prompt: "You read receipts. {question}"
    fields: ["total:number!:what was paid", "kind:cash|card"]
    price: 0.40 EUR
  - name: nano
    source: openai:tiny
"""
FIELDS = (
    AnswerField(name="total", type="number", is_required=True, hint="what was paid"),
    AnswerField(name="kind", type="choice", choices=("cash", "card")),
)


@pytest.fixture
def listed(make_app, tmp_path, monkeypatch):
    """A client of a server with that file, where `ocr` is the default."""
    path = tmp_path / "models.yaml"
    path.write_text(FILE, encoding="utf-8")
    monkeypatch.setenv("EVA01_CATALOG", str(path))
    return make_app(WebSettings(models=("ocr",), chat_wait_s=0.01)).test_client()


def models(http) -> dict[str, dict]:
    return {model["name"]: model for model in http.get("/api/models").json["models"]}


def test_they_are_offered_behind_those_of_the_settings_with_all_that_is_said_of_them(listed):
    told = models(listed)
    assert [(name, model["is_default"]) for name, model in told.items()] == [
        ("ocr", True),
        ("receipts", False),
        ("nano", False),
    ]
    receipts = told["receipts"]
    assert receipts["description"] == "Reads receipts."
    assert receipts["descriptions"] == {"en": "Reads receipts.", "zh": "读取收据。"}
    assert receipts["presets"] == [
        {"label": {"en": "Total", "zh": "总额"}, "question": {"en": "What was paid?", "zh": "付了多少？"}}
    ]
    assert receipts["fields"] == ["total:number!:what was paid", "kind:cash|card"]
    assert receipts["price"] == {"amount": 0.4, "currency": "EUR"}
    assert "prompt" not in receipts
    made = [
        listed.post("/api/batches", json={"question": "?", "model": name}).json
        for name in ("receipts", "ocr")
    ]
    assert [batch["price"] for batch in made] == [receipts["price"], None]
    assert (told["ocr"]["descriptions"], told["ocr"]["fields"], told["ocr"]["price"]) == (None, [], None)


def test_the_first_is_the_default_where_the_settings_name_none(listed, make_app):
    assert [*models(make_app(WebSettings()).test_client())] == ["receipts", "nano"]


def test_what_is_listed_goes_before_what_a_worker_says(listed):
    info = WorkerInfo(
        id="one", model="nano", state=WorkerState.READY, slots=1, device="cpu", started_at=utc_now()
    )
    services_of(listed.application).fleet.beat(info, NANO, 60)
    assert (models(listed)["nano"]["engine"], models(listed)["nano"]["workers"]) == ("openai", 1)


def test_a_web_without_the_file_shows_what_a_worker_says_of_its_model(listed, http):
    services = services_of(listed.application)
    info = WorkerInfo(
        id="one", model="receipts", state=WorkerState.READY, slots=1, device="cpu", started_at=utc_now()
    )
    services.fleet.beat(info, services.catalog.cards["receipts"], 60)
    told, listing = models(http)["receipts"], models(listed)["receipts"]
    assert told == listing
    assert http.get(new_batch(http, model="receipts")).json["response_format"] == format_of(FIELDS).public()


def test_its_fields_hold_where_nobody_says_what_an_answer_has_to_be(listed):
    def wanted(**more) -> dict | None:
        return listed.get(new_batch(listed, model="receipts", **more)).json["response_format"]

    assert wanted() == format_of(FIELDS).public()
    assert wanted(fields=["shop"]) == format_of([AnswerField(name="shop")]).public()
    assert wanted(response_format={"type": "text"}) is None
    assert wanted(response_format={"type": "json_object"}) == {"type": "json_object"}
    stopped = listed.post("/api/batches", json={"question": "?", "model": "receipts", "stop": "x"})
    assert code_of(stopped) == (400, "invalid_field")
    assert "of the type `text`" in stopped.text


def test_so_they_do_for_single_questions_and_chats_and_a_record_keeps_what_was_asked(listed):
    store = services_of(listed.application).store
    job = store.get_job(ask(listed, question="How much?", model="receipts").json["id"])
    assert (job.question, job.options.response_format) == ("How much?", format_of(FIELDS))
    again = listed.post(f"/api/jobs/{job.id}/ask", json={"question": "And?"}).json
    assert again["question"] == "And?"
    assert store.get_job(again["id"]).options.response_format == format_of(FIELDS)
    late = listed.post("/v1/chat/completions", json={"model": "receipts", "messages": about_it()})
    assert late.json["error"]["code"] == "answer_too_late"
    latest = max(map(str, store.redis.zrange(names.SINGLE_JOBS, 0, -1)))
    assert store.get_job(latest).question == "What is this?"
    assert store.get_job(latest).options.response_format == format_of(FIELDS)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Reads receipts.", "0.40", "1,000", "total, kind")),
        ("zh", ("读取收据。", "0.40", "1,000", "total, kind")),
    ],
)
def test_the_form_without_scripts_says_it_in_the_visitors_language(listed, language, said):
    page = listed.get("/", headers={"Accept-Language": language}).text
    card = page[page.index('value="receipts"') :].split("</label>")[0]
    assert [word for word in said if word not in card] == []
    assert f'lang="{language}"' in card


def test_the_form_without_scripts_asks_for_its_fields(listed):
    form = {"files": (BytesIO(IMAGE), "a.png"), "question": "q", "model": "receipts"}
    made = listed.post("/batches", data=form)
    batch = listed.get("/api" + made.headers["Location"]).json
    assert batch["response_format"] == format_of(FIELDS).public()
