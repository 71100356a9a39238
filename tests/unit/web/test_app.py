"""The app without a server: settings that stop it from starting, and its replies when Redis is away."""

import pytest

from jobs.contract.models import Job, new_id
from jobs.contract.settings import BadSetting, Limits, Settings, WebSettings
from web.app import create_app


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"blobs": "ftp://x"}, "EVA01_BLOBS='ftp://x'"),
        ({"blobs": "file:///proc/nowhere"}, "EVA01_BLOBS='file:///proc/nowhere'"),
        ({"data": "/proc/nowhere"}, "EVA01_DATA='/proc/nowhere'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(fields, named, tmp_path):
    with pytest.raises(BadSetting, match=named):
        create_app(Settings(**{"data": tmp_path} | fields), Limits(), WebSettings())


def test_health_does_not_need_redis_and_readiness_does(app_without_redis):
    http = app_without_redis.test_client()
    assert http.get("/health").status_code == 200
    assert http.get("/ready").status_code == 503
    assert http.get("/ready").json["code"] == "redis_unavailable"


def test_a_job_that_cannot_be_written_fails_at_once(app_without_redis):
    job = Job(id=new_id(), file="a.png", question="q", model="nano")
    store = app_without_redis.extensions["eva01"].store
    app_without_redis.add_url_rule("/send", view_func=lambda: store.create_job(job) and "sent")
    away = app_without_redis.test_client().get("/send")
    assert (away.status_code, away.json["code"]) == (503, "redis_unavailable")
