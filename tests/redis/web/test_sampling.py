"""Drawn answers and stop texts, over HTTP: asked for, refused, shown."""

import json
from typing import Any

import pytest

from jobs.contract.asking.sampling import LEAST_SEED, MOST_SEED
from jobs.contract.models import Options
from tests.asking import IMAGE, ask, ask_both, id_of, new_batch, send
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis

ALL = {"temperature": 0.5, "top_p": 0.9, "seed": LEAST_SEED, "stop": ["\n", "。"]}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ALL, Options(temperature=0.5, top_p=0.9, seed=LEAST_SEED, stop=("\n", "。"))),
        ({"temperature": 2, "seed": MOST_SEED}, Options(temperature=2, seed=MOST_SEED)),
        ({"temperature": 0, "top_p": 1}, Options(temperature=0, top_p=1)),
        ({"top_p": 1}, Options()),
        ({"stop": " END"}, Options(stop=(" END",))),
        ({"seed": 0}, Options(seed=0)),
        (dict.fromkeys(ALL), Options()),
    ],
)
def test_batches_questions_and_further_ones_ask_for_them(http, services, asked, expected):
    address = new_batch(http, **asked)
    assert services.store.get_batch(id_of(address)).options == expected
    shown = http.get(address).json
    assert {name: shown[name] for name in ALL} == expected.model_dump(mode="json", include=set(ALL))
    (sent,) = send(http, address, {"a.png": IMAGE})
    assert services.store.get_job(sent["job_id"]).options == expected
    form: dict[str, Any] = {name: json.dumps(value) for name, value in asked.items() if value is not None}
    single = ask(http, **form).json["id"]
    assert services.store.get_job(single).options == expected
    again = http.post(f"/api/jobs/{single}/ask", json={"question": "And?", "model": "nano", **asked})
    assert services.store.get_job(again.json["id"]).options == expected


FIELDS = {"fields": ["total:number"]}


@pytest.mark.parametrize(
    ("asked", "expected", "says"),
    [
        ({"temperature": 2.1}, (400, "invalid_field"), "temperature"),
        ({"temperature": -1}, (400, "invalid_field"), "temperature"),
        ({"temperature": True}, (400, "invalid_field"), "temperature"),
        ({"temperature": 1, "top_p": 0}, (400, "invalid_field"), "top_p"),
        ({"temperature": 1, "top_p": 1.01}, (400, "invalid_field"), "top_p"),
        ({"top_p": 0.5}, (400, "invalid_field"), "Send temperature as well"),
        ({"seed": MOST_SEED + 1}, (400, "invalid_field"), "seed"),
        ({"seed": 1.5}, (400, "invalid_field"), "seed"),
        ({"stop": []}, (400, "invalid_field"), "stop"),
        ({"stop": ""}, (400, "invalid_field"), "stop"),
        ({"stop": ["a", ""]}, (400, "invalid_field"), "stop"),
        ({"stop": ["a"] * 5}, (400, "invalid_field"), "has 5 texts, and may have 4 at most"),
        ({"stop": "a" * 257}, (400, "invalid_field"), "stop"),
        ({"stop": 7}, (400, "invalid_field"), "stop"),
        ({"stop": "a", **FIELDS}, (400, "invalid_field"), "`stop` would cut"),
        ({"stop": "a", "model": "ocr"}, (422, "no_sampling"), "leave out stop"),
        ({"temperature": 0, "seed": 1, "model": "ocr"}, (422, "no_sampling"), "leave out seed, temperature"),
        ({"max_new_tokens": 9, "model": "ocr"}, (422, "no_token_limit"), "leave out max_new_tokens"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_its_name_and_nothing_is_made(
    http, redis_client, asked, expected, says
):
    for refused in ask_both(http, **asked):
        assert code_of(refused) == expected
        assert says in refused.json["detail"]
    assert [*redis_client.scan_iter("eva01:batch:*"), *redis_client.scan_iter("eva01:job:*")] == []


def test_drawn_answers_may_have_fields(http, services):
    made = services.store.get_batch(id_of(new_batch(http, temperature=1, **FIELDS))).options
    assert made.response_format
    assert made.is_drawn


def test_models_say_whether_they_can(http):
    models = http.get("/api/models").json["models"]
    told = {model["name"]: (model["has_sampling"], model["has_token_limit"]) for model in models}
    assert told == {"nano": (True, True), "ocr": (False, False)}
