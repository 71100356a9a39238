"""`eva01 up FOLDER` where keys are needed: what is wrong with its key is said before anything is started."""

from datetime import timedelta

import pytest

from eva01.cli.errors import CommandError
from eva01.launcher.own_key import check_own_key
from jobs.contract.access.owners import new_key
from jobs.contract.models import utc_now
from jobs.contract.settings import WebSettings
from jobs.storage.access.keys import Keys
from jobs.storage.files.blobs import BlobStore

NEW = new_key("anna", role="admin")


@pytest.fixture
def keys(tmp_path, monkeypatch) -> Keys:
    for name in ("EVA01_KEY", "EVA01_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    return Keys(None, BlobStore((tmp_path / "blobs").as_uri(), patience_s=0))


def test_where_there_is_no_key_none_is_needed(keys):
    check_own_key(WebSettings(), keys)


def test_a_key_that_may_send_is_let_through(keys, monkeypatch, tmp_path):
    keys.add(NEW.key)
    monkeypatch.setenv("EVA01_KEY", NEW.text)
    check_own_key(WebSettings(), keys)
    monkeypatch.setenv("EVA01_KEY", "k" * 32)
    check_own_key(WebSettings(admin_key="k" * 32), keys)
    monkeypatch.delenv("EVA01_KEY")
    (tmp_path / "key").write_text(f"{NEW.text}\n")
    monkeypatch.setenv("EVA01_KEY_FILE", str(tmp_path / "key"))
    check_own_key(WebSettings(), keys)


OVER = new_key("anna", expires_at=utc_now() - timedelta(hours=1))
READER = new_key("anna", role="read-only")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_signed_in"),
        (f"{NEW.text[:-1]}-", "unknown_key"),
        ("eva01_nobodys", "unknown_key"),
        (OVER.text, "key_is_over"),
        (READER.text, "not_allowed"),
    ],
    ids=["none", "changed", "cut", "over", "reader"],
)
def test_any_other_is_said_with_the_remedy_and_never_shown(keys, monkeypatch, text, code):
    for new in (NEW, OVER, READER):
        keys.add(new.key)
    monkeypatch.setenv("EVA01_KEY", text)
    with pytest.raises(CommandError) as refused:
        check_own_key(WebSettings(), keys)
    assert refused.value.code == code
    assert "Set EVA01_KEY" in refused.value.message
    assert "Nothing is started." in refused.value.message
    assert not text or text not in refused.value.message


def test_a_setting_that_asks_for_keys_is_enough(keys):
    for web in (WebSettings(admin_key="k" * 32), WebSettings(host="0.0.0.0")):
        with pytest.raises(CommandError, match="with a key alone"):
            check_own_key(web, keys)
