"""Who may reach web: only this machine, unless everybody has to say who they are, or on purpose."""

import pytest

from jobs.contract.access.owners import new_key
from jobs.contract.hosts import is_loopback
from jobs.contract.settings import BadSetting, WebSettings
from jobs.flow.expose import check_exposure, needs_login
from jobs.storage.access.keys import Keys
from jobs.storage.files.blobs import BlobStore

ADMIN_KEY = "k" * 32
HERE = ("127.0.0.1", "127.8.0.1", "::1", "[::1]", "::ffff:127.0.0.1", "localhost", "LOCALHOST")
OTHERS = ("0.0.0.0", "::", "10.0.0.7", "photos.example.org", "localhost.example.org", "")


@pytest.fixture
def keys() -> Keys:
    """A store without keys, and without Redis."""
    return Keys(None, BlobStore("memory://"))


def said(keys: Keys, **settings: object) -> str:
    return "\n".join(check_exposure(WebSettings.model_validate(settings), keys))


@pytest.mark.parametrize("host", HERE)
def test_on_this_machine_nobody_needs_a_key(keys, host):
    assert is_loopback(host)
    assert said(keys, host=host) == ""
    assert not needs_login(WebSettings(host=host))


@pytest.mark.parametrize("host", OTHERS)
def test_where_others_reach_it_and_there_is_no_key_it_does_not_start(keys, host):
    with pytest.raises(BadSetting, match="eva01 keys add --owner NAME --role admin"):
        said(keys, host=host)
    assert needs_login(WebSettings(host=host))


def test_on_purpose_it_starts_and_says_so(keys):
    assert "everybody may see and do everything" in said(keys, host="0.0.0.0", insecure=True)
    assert not needs_login(WebSettings(host="0.0.0.0", insecure=True))


def test_with_a_key_it_starts(keys):
    assert said(keys, host="0.0.0.0", admin_key=ADMIN_KEY) == ""
    keys.add(new_key("anna", role="admin").key)
    assert said(keys, host="0.0.0.0") == ""


def test_behind_a_proxy_without_a_key_it_says_what_that_means(keys):
    assert "EVA01_PROXIES=1: there is no key" in said(keys, proxies=1)
    assert said(keys, proxies=1, admin_key=ADMIN_KEY) == ""


def test_while_the_blob_store_says_nothing_it_starts_and_asks_for_a_key(tmp_path):
    away = BlobStore((tmp_path / "blobs").as_uri(), patience_s=0)
    (tmp_path / "blobs").rmdir()
    (tmp_path / "blobs").write_bytes(b"no folder")
    settings = WebSettings(host="0.0.0.0")
    assert [*check_exposure(settings, Keys(None, away))] == []
    assert needs_login(settings)
