"""Fields over HTTP: asked for, refused, answered, exported, shared, and kept whatever happens to Redis."""

import csv
import hashlib
import io
import json
from datetime import datetime
from typing import Any

import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from jobs.contract.models import JobError, JobState, Result, Usage
from jobs.upkeep.adopt import Adoption
from jobs.upkeep.restore import Restore
from tests.asking import IMAGE, ask, ask_both, id_of, new_batch, post_files, send
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis

FIELDS = ["total:number:what has to be paid", "kind:小票|发票!", "day:date", "items:text[]"]
SAID = {"total": 12.5, "kind": "小票", "day": "2024-02-29", "items": ["a", "b, c"]}
ANSWER = Result(
    answer=json.dumps(SAID), confidence=0.75, field_confidence={"total": 0.5, "kind": 1.0, "day": 0.25}
)
SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"const": None}}, "required": ["b"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "a_receipt", "schema": SCHEMA, "strict": True}}


@pytest.fixture
def batch(http) -> str:
    return new_batch(http, name="receipts", fields=FIELDS)


@pytest.fixture
def answered(http, services, batch) -> str:
    """The batch with an answer and a refused file."""
    first, _ = send(http, batch, {"a.png": IMAGE, "b.txt": b"no image"})
    services.store.finish(first["job_id"], ANSWER)
    services.journal.note_result(services.store.get_job(first["job_id"]))
    return batch


def schema_of(shown: dict[str, Any]) -> dict[str, Any]:
    return shown["response_format"]["json_schema"]["schema"]


# Asked


def test_a_batch_says_what_its_answers_have_in_the_order_in_which_it_was_asked(http, batch):
    shown = http.get(batch).json
    assert shown["response_format"]["type"] == "json_schema"
    properties = schema_of(shown)["properties"]
    assert [*properties] == ["total", "kind", "day", "items"]
    assert properties["total"]["description"] == "what has to be paid"
    assert (properties["kind"]["enum"], properties["day"]["type"]) == (["小票", "发票"], ["string", "null"])
    assert http.get("/api/batches").json["batches"][0]["response_format"] == shown["response_format"]


def test_fields_may_be_objects_and_a_format_as_openai_has_it(http, services):
    objects = [{"name": "total", "type": "number", "hint": "what has to be paid"}, "kind:小票|发票!"]
    shown = http.get(new_batch(http, fields=objects)).json
    assert [*schema_of(shown)["properties"]] == ["total", "kind"]
    assert http.get(new_batch(http, response_format=FORMAT)).json["response_format"] == FORMAT
    any_object = {"type": "json_object"}
    assert http.get(new_batch(http, response_format=any_object)).json["response_format"] == any_object
    text = new_batch(http, response_format={"type": "text"})
    assert http.get(text).json["response_format"] is None
    assert services.store.get_batch(id_of(text)).options.response_format is None


@pytest.mark.parametrize("address", ["/api/jobs", "/analyze"])
def test_a_single_question_asks_for_them_in_its_form(http, services, address):
    more: dict[str, Any] = {"wait": "0"} if "analyze" in address else {}
    made = ask(http, address, fields=json.dumps(FIELDS), **more)
    assert made.status_code == 202, made.text
    wanted = services.store.get_job(made.json["id"]).options.response_format
    assert [*wanted.schema_of_answer["properties"]] == ["total", "kind", "day", "items"]
    made = ask(http, response_format=json.dumps(FORMAT))
    assert services.store.get_job(made.json["id"]).options.response_format.public() == FORMAT


def test_a_further_question_asks_for_fields_of_its_own_or_none(http, services, answered):
    job = f"/api/jobs/{http.get(f'{answered}/results').json['jobs'][0]['id']}"
    again = http.post(f"{job}/ask", json={"question": "And?", "fields": ["paid:boolean"]})
    wanted = services.store.get_job(again.json["id"]).options.response_format
    assert [*wanted.schema_of_answer["properties"]] == ["paid"]
    plain = http.post(f"{job}/ask", json={"question": "And?"})
    assert services.store.get_job(plain.json["id"]).options.response_format is None


def test_where_no_script_runs_a_form_says_a_field_a_line_or_a_schema(http, services):
    files = {"a.png": IMAGE}
    sent = post_files(
        http, "/batches", files, question="?", model="nano", fields="total:number\r\n\r\nkind:a|b\r\n"
    )
    assert sent.status_code == 303, sent.text
    shown = http.get(f"/api{sent.headers['Location']}").json
    assert [*schema_of(shown)["properties"]] == ["total", "kind"]
    sent = post_files(http, "/batches", files, question="?", model="nano", schema=json.dumps(SCHEMA))
    assert schema_of(http.get(f"/api{sent.headers['Location']}").json) == SCHEMA
    for fields in (
        {"fields": "total:numbr"},
        {"fields": "count:integer|null"},
        {"schema": "{"},
        {"schema": "[]"},
        {"fields": "a", "schema": "{}"},
    ):
        refused = post_files(http, "/batches", files, question="?", model="nano", **fields)
        assert refused.status_code == 400, fields
    assert services.store.redis.zcard("eva01:batches") == 2


@pytest.mark.parametrize(
    "wrap",
    [
        lambda named: {"type": "json_schema", "json_schema": named},
        lambda named: {"type": "json_schema", **named},
        lambda named: named,
    ],
)
def test_a_schema_may_be_pasted_as_openai_wraps_it_up(http, wrap):
    pasted = wrap({"name": "a_receipt", "schema": SCHEMA, "strict": True})
    wanted = {"type": "json_schema", "json_schema": {"name": "mine", "schema": pasted}}
    assert http.get(new_batch(http, response_format=wanted)).json["response_format"] == FORMAT
    form = {"question": "?", "model": "nano", "schema": json.dumps(pasted)}
    sent = post_files(http, "/batches", {"a.png": IMAGE}, **form)
    assert http.get(f"/api{sent.headers['Location']}").json["response_format"] == FORMAT


def test_fields_of_a_form_may_be_said_in_short_a_line_each(http, services):
    for said, fields in (("count:integer", ["count"]), ("total:number\nkind:a|b!\n", ["total", "kind"])):
        made = ask(http, fields=said)
        assert made.status_code == 202, made.text
        wanted = services.store.get_job(made.json["id"]).options.response_format
        assert [*wanted.schema_of_answer["properties"]] == fields


# Refused


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (
            {"fields": "total\ncount:integre"},
            "`fields.1` is 'count:integre': 'integre' is no type. Those there are: text, number, integer,",
        ),
        ({"fields": "k:x|x"}, "`fields.0`: 'k' has 'x' twice among its choices."),
        (
            {"fields": "count:integer|null"},
            "`fields.0` is 'count:integer|null': one of these very words would",
        ),
        (
            {"fields": "a\n背景：text"},
            "`fields.1` is '背景：text': its name would be '背景：text'. Write `背景:text`.",
        ),
        ({"fields": '["total"'}, "`fields` is '[\"total\"': it is no JSON, Expecting ',' delimiter"),
        ({"stop": "end"}, "`stop` is 'end': it is no JSON, Expecting value"),
        (
            {"response_format": '{"type": "text", "type": "json_object"}'},
            "it has `type` twice in one object",
        ),
        ({"temperature": "hot"}, "`temperature` is 'hot': should be a number"),
        ({"response_format": '{"type": "json_schema"}'}, "`json_schema` is missing, which the type"),
        (
            {"response_format": '{"type": "text", "json_schema": {"schema": {}}}'},
            "`json_schema` belongs to the type `json_schema`",
        ),
    ],
)
def test_what_is_wrong_is_said_in_our_words_alone(http, form, says):
    refused = ask(http, **form)
    assert code_of(refused) == (400, "invalid_field")
    assert says in refused.json["detail"]
    assert "Value error" not in refused.json["detail"]


@pytest.mark.parametrize(
    ("asked", "expected", "says"),
    [
        ({"fields": ["total:numbr"]}, (400, "invalid_field"), "'numbr' is no type"),
        ({"fields": ["total", "total"]}, (400, "invalid_field"), "two fields called 'total'"),
        ({"fields": []}, (400, "invalid_field"), "`fields`"),
        ({"fields": "total"}, (400, "invalid_field"), "`fields`"),
        ({"fields": [{"name": "a", "tipe": "text"}]}, (400, "invalid_field"), "tipe"),
        ({"fields": ["a"], "response_format": FORMAT}, (400, "invalid_field"), "Send one of them"),
        ({"fields": ["a"], "response_format": {"type": "text"}}, (400, "invalid_field"), "Send one of them"),
        ({"fields": [f"f{n}" for n in range(201)]}, (413, "schema_too_large"), "EVA01_MAX_FIELDS"),
        ({"fields": ["a"], "model": "ocr"}, (422, "no_fields"), "ocr cannot answer with fields"),
        ({"response_format": FORMAT, "model": "ocr"}, (422, "no_fields"), "ocr"),
        ({"response_format": {"type": "json"}}, (400, "invalid_field"), "'json_schema'"),
        ({"response_format": {"type": "json_schema"}}, (400, "invalid_field"), "json_schema"),
        (
            {"response_format": {"type": "text", "json_schema": {"schema": {}}}},
            (400, "invalid_field"),
            "json_schema",
        ),
        ({"response_format": {**FORMAT, "strikt": True}}, (400, "invalid_field"), "strikt"),
        ({"schema": {"type": "strin"}}, (400, "bad_schema"), "strin"),
        ({"schema": {"not": {}}}, (422, "unsupported_schema"), "`not`"),
        ({"schema": {"type": "object", "schema": {}}}, (422, "unsupported_schema"), "`schema`"),
        ({"schema": {"type": "json_schema"}}, (400, "bad_schema"), "json_schema"),
        ({"schema": {"description": "x" * 65_536}}, (413, "schema_too_large"), "EVA01_MAX_SCHEMA_BYTES"),
        (
            {"schema": {"properties": {f"f{n}": {} for n in range(201)}}},
            *((413, "schema_too_large"), "EVA01_MAX_FIELDS"),
        ),
        ({"schema": {"const": json.loads("[" * 150 + "]" * 150)}}, (400, "bad_schema"), "values deep"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_its_name_and_nothing_is_made(
    http, redis_client, asked, expected, says
):
    if "schema" in asked:
        asked = {"response_format": {"type": "json_schema", "json_schema": {"schema": asked["schema"]}}}
    for refused in ask_both(http, **asked):
        assert code_of(refused) == expected
        assert says in refused.json["detail"]
    assert [*redis_client.scan_iter("eva01:batch:*"), *redis_client.scan_iter("eva01:job:*")] == []


@pytest.mark.parametrize(
    "text", ["{", "[NaN]", "[" * 100_000, '["\\ud800"]', f"[{'0,' * 100_001}0]", '"a"', "7"]
)
def test_what_is_no_json_in_a_form_is_refused(http, text):
    assert code_of(ask(http, fields=text)) == (400, "invalid_field")
    assert code_of(ask(http, response_format=text)) == (400, "invalid_field")


def test_limits_are_settings_and_told(http, make_app):
    told = http.get("/api/limits").json
    assert (told["max_schema_bytes"], told["max_fields"]) == (65_536, 200)
    small = make_app(max_fields=1, max_schema_bytes=300).test_client()
    assert code_of(small.post("/api/batches", json={"question": "?", "fields": ["a", "b"]})) == (
        *(413, "schema_too_large"),
    )
    long = {"question": "?", "fields": ["a::" + "x" * 300]}
    assert code_of(small.post("/api/batches", json=long)) == (413, "schema_too_large")


def test_models_say_whether_they_can(http):
    assert {model["name"]: model["has_fields"] for model in http.get("/api/models").json["models"]} == {
        "nano": True,
        "ocr": False,
    }


# Answered


def test_an_answer_is_data_with_how_sure_it_is(http, answered):
    done, refused = http.get(f"{answered}/results").json["jobs"]
    assert (done["data"], done["confidence"]) == (SAID, 0.75)
    assert done["field_confidence"] == ANSWER.field_confidence
    assert (refused["data"], refused["confidence"], refused["field_confidence"]) == (None, None, None)
    assert http.get(f"/api/jobs/{done['id']}").json == done
    assert done in http.get(f"{answered}/results?order=changed").json["jobs"]
    lines = [json.loads(line) for line in http.get(f"{answered}/results.jsonl").text.splitlines()]
    assert lines == [done, refused]


def test_an_answer_that_is_no_json_after_all_is_shown_as_it_is(http, services, batch):
    (sent,) = send(http, batch, {"a.png": IMAGE})
    services.store.finish(sent["job_id"], Result(answer="[" * 100_000))
    shown = http.get(f"/api/jobs/{sent['job_id']}").json
    assert (shown["data"], shown["answer"]) == (None, "[" * 100_000)
    for kind in ("csv", "jsonl", "xlsx", "parquet"):
        assert http.get(f"{batch}/results.{kind}", buffered=True).status_code == 200


def test_every_table_has_a_typed_column_for_each_field(http, answered, tmp_path):
    row, refused = csv.DictReader(io.StringIO(http.get(f"{answered}/results.csv").text, newline=""))
    assert [*row][8:14] == ["total", "kind", "day", "items", "least_sure", "least_sure_confidence"]
    assert [*row.values()][8:14] == ["12.5", "小票", "2024-02-29", 'a, "b, c"', "day", "0.25"]
    assert (row["confidence"], refused["total"], refused["error_code"]) == ("0.75", "", "not_an_image")

    exported = http.get(f"{answered}/results.xlsx", buffered=True)
    header, first, _ = load_workbook(io.BytesIO(exported.data)).active.iter_rows(values_only=True)
    cells = dict(zip(header, first, strict=True))
    assert (cells["total"], cells["day"], cells["kind"]) == (12.5, datetime(2024, 2, 29), "小票")

    exported = http.get(f"{answered}/results.parquet", buffered=True)
    assert exported.mimetype == "application/vnd.apache.parquet"
    assert "receipts.parquet" in exported.headers["Content-Disposition"]
    assert int(exported.headers["Content-Length"]) == len(exported.data)
    table = parquet.read_table(io.BytesIO(exported.data))
    done, failed = table.to_pylist()
    assert (done["items"], done["field_confidence"]["day"]) == (["a", "b, c"], 0.25)
    assert (failed["items"], failed["error_code"]) == (None, "not_an_image")
    only = http.get(f"{answered}/results.parquet?state=failed", buffered=True).data
    assert parquet.read_table(io.BytesIO(only))["file"].to_pylist() == ["b.txt"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_parquet_that_cannot_be_written_is_no_fault_of_ours(http, batch, tmp_path):
    (tmp_path / "tmp").rmdir()
    (tmp_path / "tmp").write_text("a file where the folder should be")
    assert code_of(http.get(f"{batch}/results.parquet")) == (507, "no_room")


def test_readers_of_a_link_see_fields_and_answers_and_get_the_tables(http, answered):
    link = "/api" + http.post(f"{answered}/share", json={}).json["url"]
    assert schema_of(http.get(link).json) == schema_of(http.get(answered).json)
    (done, _) = http.get(f"{link}/results").json["jobs"]
    assert (done["data"], done["image"]) == (SAID, None)
    shared = http.get(f"{link}/results.parquet", buffered=True).data
    table = parquet.read_table(io.BytesIO(shared))
    assert (table["total"].to_pylist(), table["id"].to_pylist()[0]) == ([12.5, None], done["id"])
    assert id_of(answered).encode() not in shared


# Kept


def seen(http, batch: str) -> tuple[Any, Any]:
    fleeting = {"rate_per_s": None, "time_left_s": None}
    return http.get(batch).json | fleeting, http.get(f"{batch}/results").json["jobs"]


def test_all_of_it_comes_back_when_redis_is_wiped(http, services, answered, redis_client):
    send(http, answered, {"c.png": IMAGE})
    before = seen(http, answered)
    redis_client.flushall()
    assert [*Restore(services.store, services.journal).run()][-1].batches == 1
    assert seen(http, answered) == before
    assert before[1][0]["data"] == SAID
    waiting = services.store.take("nano", "ticket").job
    assert waiting.options.response_format.public() == before[0]["response_format"]
    assert [row["data"] for row in services.store.rows(id_of(answered))] == [SAID, None, None]


def test_all_of_it_is_there_when_it_becomes_an_owners(http, services, answered):
    before = seen(http, answered)
    *_, done = Adoption(services, "anna").run()
    assert done.batches == 1
    batch = services.store.get_batch(id_of(answered))
    assert (batch.owner, batch.public()["response_format"]) == ("anna", before[0]["response_format"])
    assert [job.public() for job in services.store.results(batch.id)] == before[1]


def test_what_failed_by_being_cut_says_so_wherever_it_is_read(http, services, batch, redis_client):
    (sent,) = send(http, batch, {"a.png": IMAGE})
    error = JobError(code="incomplete_answer", message='The answer was cut: {"total": 12.')
    usage = Usage(visual_tokens=9, output_tokens=7)
    services.store.finish(sent["job_id"], Result(error=error, finish_reason="length", usage=usage))
    services.journal.note_result(services.store.get_job(sent["job_id"]))
    http.post(f"{batch}/close")
    redis_client.flushall()
    assert [*Restore(services.store, services.journal).run()][-1].batches == 1

    (listed,) = http.get(f"{batch}/results").json["jobs"]
    shown = http.get(f"/api/jobs/{sent['job_id']}").json
    (line,) = (json.loads(line) for line in http.get(f"{batch}/results.jsonl").text.splitlines())
    for job in (listed, shown, line):
        assert (job["state"], job["answer"], job["finish_reason"]) == ("failed", None, "length")
        assert (job["usage"]["visual_tokens"], job["usage"]["output_tokens"]) == (9, 7)
    (row,) = csv.DictReader(io.StringIO(http.get(f"{batch}/results.csv").text))
    assert [row[name] for name in ("error_code", "finish_reason", "visual_tokens", "output_tokens")] == [
        *("incomplete_answer", "length", "9", "7"),
    ]
    assert http.get(batch).json["cut_short"] == 1
    assert "Answers that are cut short: 1." in http.get(batch.removeprefix("/api")).text


def test_what_is_retried_or_known_is_asked_for_the_same_fields(http, services, batch):
    (sent,) = send(http, batch, {"a.png": IMAGE})
    cut = JobError(code="incomplete_answer", message='The answer was cut: {"total": 12.')
    services.store.finish(sent["job_id"], Result(error=cut, confidence=0.5, field_confidence={"total": 0.5}))
    assert http.get(f"{batch}/results").json["jobs"][0]["error"]["code"] == "incomplete_answer"
    assert http.post(f"{batch}/retry").json["retried"] == 1
    job = services.store.take("nano", "ticket").job
    assert (job.state, job.confidence, job.field_confidence) == (JobState.RUNNING, None, None)
    assert job.options == services.store.get_batch(id_of(batch)).options
    known = {"file": "again.png", "sha256": hashlib.sha256(IMAGE).hexdigest()}
    (taken,) = http.post(f"{batch}/known", json={"files": [known]}).json["files"]
    assert services.store.get_job(taken["job_id"]).options == job.options
