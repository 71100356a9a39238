"""The environment is read into settings, or refused with one clear line."""

import re
import traceback
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from jobs.contract.access.owners import Quotas
from jobs.contract.settings import BadSetting, Limits, Settings, UpSettings, WebSettings, WorkerSettings

ALL = (Settings, Limits, UpSettings, WebSettings, WorkerSettings)


def variables(settings: type[BaseSettings]) -> list[str]:
    """The environment variable of each field."""
    named = {"redis_url": "REDIS_URL", "model_name": "MODEL_NAME", "max_pixels": "MAX_PIXELS"}
    return [named.get(field, f"EVA01_{field.upper()}") for field in settings.model_fields]


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    for settings in ALL:
        for variable in variables(settings):
            monkeypatch.delenv(variable, raising=False)


def test_the_three_classic_variables_keep_their_names(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "rediss://example:6380/2")
    monkeypatch.setenv("MODEL_NAME", "Qwen/Qwen2.5-VL-3B-Instruct")
    monkeypatch.setenv("MAX_PIXELS", "501760")
    assert Settings.read().redis_url == "rediss://example:6380/2"
    worker = WorkerSettings.read()
    assert (worker.model_name, worker.max_pixels) == ("Qwen/Qwen2.5-VL-3B-Instruct", 501760)


def test_models_are_split_at_commas(monkeypatch):
    monkeypatch.setenv("EVA01_MODELS", "nano, ocr ,")
    assert WebSettings.read().models == ("nano", "ocr")


def test_an_empty_variable_means_the_default(monkeypatch):
    monkeypatch.setenv("EVA01_PORT", "")
    assert WebSettings.read().port == 8000


def test_the_blob_store_is_a_folder_of_the_data_folder_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("EVA01_DATA", str(tmp_path / "my data"))
    assert Settings.read().blobs_url == f"file://{tmp_path}/my%20data/blobs"
    monkeypatch.setenv("EVA01_BLOBS", "s3://bucket/eva01")
    assert Settings.read().blobs_url == "s3://bucket/eva01"


@pytest.mark.parametrize(
    ("settings", "variable", "value"),
    [
        (WebSettings, "EVA01_PORT", "eighty"),
        (WebSettings, "EVA01_PORT", "65536"),
        (Settings, "EVA01_LEASE_S", "0"),
        (WorkerSettings, "MAX_PIXELS", "10"),
        (WorkerSettings, "EVA01_DEVICE", "tpu"),
        (Limits, "EVA01_MAX_IMAGE_BYTES", "-1"),
    ],
)
def test_a_bad_value_names_the_variable_and_the_value(monkeypatch, settings, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting, match=f"^{variable}='{re.escape(value)}': .+") as caught:
        settings.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [("images=5", "'images' is no quota"), ("open_jobs=-1", "open_jobs: "), ("open_jobs", "open_jobs: ")],
)
def test_a_bad_quota_is_named(monkeypatch, value, said):
    monkeypatch.setenv("EVA01_OIDC_QUOTAS", f"requests_per_s=0.5, {value}")
    with pytest.raises(BadSetting, match=f"^EVA01_OIDC_QUOTAS='requests_per_s=0.5, {value}': .*{said}"):
        WebSettings.read()


def test_quotas_are_read_from_one_line(monkeypatch):
    monkeypatch.setenv("EVA01_OIDC_QUOTAS", "requests_per_s=0.5, images_per_day = 5000,")
    assert WebSettings.read().oidc_quotas == Quotas(requests_per_s=0.5, images_per_day=5000)


def test_secrets_are_not_part_of_what_settings_show(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:marked@one:1/0?sentinel_password=marked")
    monkeypatch.setenv("EVA01_BLOBS", "s3://me:marked@bucket")
    monkeypatch.setenv("EVA01_ADMIN_KEY", "marked" * 6)
    shown = f"{Settings.read()!r} {Settings.read()} {WebSettings.read()!r} {WebSettings.read()}"
    assert "marked" not in shown
    assert "marked" not in str(WebSettings.read().model_dump())
    assert WebSettings.read().admin_key.get_secret_value() == "marked" * 6


def test_a_secret_that_cannot_be_used_is_not_shown(monkeypatch):
    monkeypatch.setenv("EVA01_ADMIN_KEY", "marked")
    with pytest.raises(BadSetting, match=r"^EVA01_ADMIN_KEY=\*\*\*: .*32 characters") as caught:
        WebSettings.read()
    assert "marked" not in "".join(traceback.format_exception(caught.value))


def test_settings_cannot_be_changed_once_read():
    with pytest.raises(ValueError, match="frozen"):
        Limits.read().max_zip_entries = 1  # type: ignore[misc]  # mypy says the same


@pytest.mark.parametrize("settings", ALL)
def test_every_variable_has_its_line_in_the_configuration_page_with_its_default(settings):
    page = Path("docs/configuration.md").read_text(encoding="utf-8")
    for variable in variables(settings):
        assert f"| `{variable}` |" in page, f"docs/configuration.md does not list {variable}"
