"""`eva01 keys` on a real Redis and blob store: what it prints, what it leaves, and when it fails."""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eva01.cli.errors import CommandError
from eva01.launcher.commands.keys import keys as command
from jobs.storage.access.keys import Keys
from jobs.storage.files.blobs import BlobStore

pytestmark = pytest.mark.redis

Run = Callable[..., Result]
NO_REDIS = "redis://127.0.0.1:9/0"
KEY = re.compile(r"eva01_[A-Za-z0-9_-]{43}\n")


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    """The command makes all private that its process writes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def keys(redis_client, tmp_path) -> Keys:
    """What a server has that uses the same stores."""
    return Keys(redis_client, BlobStore((tmp_path / "blobs").as_uri(), patience_s=0))


@pytest.fixture
def run(redis_client, redis_url, tmp_path: Path, monkeypatch) -> Run:
    """Run a command of `eva01 keys`; what its process would say of an error is in `exception`."""
    monkeypatch.setenv("EVA01_DATA", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", redis_url)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(command, arguments)

    return run


def prefix_in(result: Result) -> str:
    return result.stdout[:14]


def test_a_key_alone_is_on_stdout_and_opens_what_was_said(run, keys):
    made = run("add", "--owner", "anna", "--role", "admin", "--team", "lab", "--note", "mine", "--days", "2")
    assert KEY.fullmatch(made.stdout)
    assert "It is not shown again." in made.stderr
    assert "from now on every call needs a key" in made.stderr
    assert made.stdout.strip() not in made.stderr
    key = keys.find(made.stdout.strip())
    assert (key.owner, key.role, key.teams, key.note) == ("anna", "admin", ("lab",), "mine")
    assert timedelta(days=1.9) < key.expires_at - datetime.now(UTC) < timedelta(days=2)


def test_the_first_key_has_to_be_an_admins(run, keys):
    refused = run("add", "--owner", "ben")
    assert isinstance(refused.exception, CommandError)
    assert "role admin first" in refused.exception.message
    assert keys.all() == []


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
def test_a_whole_key_is_no_name_of_one_and_is_written_nowhere(run, keys, tmp_path, verb):
    made = run("add", "--owner", "anna", "--role", "admin").stdout.strip()
    refused = run(verb, made)
    assert isinstance(refused.exception, CommandError)
    assert "first 14 letters" in refused.exception.message
    assert keys.find(made).revoked_at is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and made.encode() in path.read_bytes()]


def test_a_first_key_may_be_a_users_where_the_settings_have_an_admins(run, monkeypatch):
    monkeypatch.setenv("EVA01_ADMIN_KEY", "k" * 32)
    assert KEY.fullmatch(run("add", "--owner", "ben").stdout)


def test_the_list_says_what_is_known_and_nothing_that_opens_anything(run):
    made = run("add", "--owner", "anna", "--role", "admin", "--note", "a\x1b[31m b")
    run("add", "--owner", "ben", "--images-per-day", "500", "--until", "2999-12-31")
    run("revoke", prefix_in(made))
    shown = run("list").stdout
    assert all(word in shown for word in (prefix_in(made), "anna", "revoked", "ben", "valid", "2999-12-3"))
    assert "\x1b[31m" not in shown
    listed = json.loads(run("list", "--json").stdout)
    assert [key["state"] for key in listed] == ["revoked", "valid"]
    assert listed[1]["quotas"]["images_per_day"] == 500
    assert not any("digest" in key for key in listed)
    assert made.stdout.strip() not in shown


def test_the_list_is_whole_in_80_columns_with_quotas_and_times_in_utc(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    first = run("add", "--owner", "anna@photos.example.org", "--role", "admin")
    run("add", "--owner", "ben", "--until", "2999-12-31", "--images-per-day", "5000", "--requests-per-s", "2")
    run("add", "--owner", "dashboard", "--role", "read-only", "--team", "ben", "--note", "on the wall")
    run("revoke", prefix_in(first))
    shown = run("list").stdout
    assert max(map(len, shown.splitlines())) <= 80
    words = [prefix_in(first), "anna@photos.example.org", "revoked", "until 2999-12-31", "UTC", "read-only"]
    words += ["until revoked", "teams ben", "2 requests/s", "5,000 images/day", "on the wall"]
    assert [word for word in words if word not in shown] == []


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("2999-12-31", "2999-12-31T23:59:59.999999+00:00"),
        ("2999-12-31T18:00", "2999-12-31T18:00:00+00:00"),
        ("2999-12-31T18:00:00+08:00", "2999-12-31T10:00:00+00:00"),
        ("2999-12-31T18:00Z", "2999-12-31T18:00:00+00:00"),
    ],
)
def test_a_day_is_meant_to_its_end_and_a_time_in_utc_wherever_the_command_runs(
    run, keys, monkeypatch, until, end
):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        made = run("add", "--owner", "anna", "--role", "admin", "--until", until)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert keys.find(made.stdout.strip()).expires_at == datetime.fromisoformat(end)
    assert f"valid until {datetime.fromisoformat(end):%Y-%m-%d %H:%M} UTC" in made.stderr


def test_a_key_is_ended_and_another_takes_its_place(run, keys):
    old = run("add", "--owner", "anna", "--role", "admin")
    new = run("rotate", prefix_in(old), "--grace", "2")
    assert KEY.fullmatch(new.stdout)
    assert timedelta(hours=1.9) < keys.find(old.stdout.strip()).expires_at - datetime.now(UTC)
    assert run("revoke", prefix_in(old)).exit_code == 0
    assert keys.find(old.stdout.strip()).revoked_at is not None
    assert keys.find(new.stdout.strip()).role == "admin"
    assert isinstance(run("rotate", prefix_in(old)).exception, CommandError)


def test_without_redis_a_key_is_made_all_the_same(run, keys, monkeypatch):
    monkeypatch.setenv("REDIS_URL", NO_REDIS)
    made = run("add", "--owner", "anna", "--role", "admin")
    assert "Redis does not answer" in made.stderr
    assert keys.find(made.stdout.strip()) is not None


def test_without_redis_a_key_is_ended_with_an_error_since_a_server_may_go_on_taking_it(
    run, keys, monkeypatch
):
    made = run("add", "--owner", "anna", "--role", "admin")
    monkeypatch.setenv("REDIS_URL", NO_REDIS)
    rotated = run("rotate", prefix_in(made))
    assert isinstance(rotated.exception, CommandError)
    assert rotated.stdout == ""
    assert len(keys.all()) == 1
    ended = run("revoke", prefix_in(made))
    assert isinstance(ended.exception, CommandError)
    assert "may take it for up to a minute" in ended.exception.message
    keys.bring_back()
    assert keys.find(made.stdout.strip()).revoked_at is not None


@pytest.mark.parametrize(
    "wrong",
    [
        ("add",),
        ("add", "--owner", "a b"),
        ("add", "--owner", "a", "--role", "root"),
        ("add", "--owner", "a", "--days", "0"),
        ("add", "--owner", "a", "--days", "1", "--until", "2999-01-01"),
        ("add", "--owner", "a", "--until", "2000-01-01"),
        ("add", "--owner", "a", "--until", "31.12.2999"),
        ("add", "--owner", "a", "--requests-per-s", "0"),
        ("add", "--owner", "a", "--note", "x" * 201),
    ],
)
def test_what_makes_no_sense_is_wrong_use(run, keys, wrong):
    assert run(*wrong).exit_code == 2
    assert keys.all() == []


def test_a_whole_key_is_not_taken_for_its_beginning_nor_said_again(run, keys):
    made = run("add", "--owner", "anna", "--role", "admin")
    refused = run("revoke", made.stdout.strip())
    assert isinstance(refused.exception, CommandError)
    assert made.stdout.strip() not in refused.exception.message
    assert keys.find(made.stdout.strip()).revoked_at is None


def test_a_key_for_the_settings_is_kept_nowhere(run, keys):
    assert KEY.fullmatch(run("make").stdout)
    assert keys.all() == []


def test_a_program_that_runs_the_command_keeps_its_own_log(run):
    before = logging.getLogger().handlers[:], sys.excepthook
    run("add", "--owner", "anna", "--role", "admin")
    assert (logging.getLogger().handlers, sys.excepthook) == before


def test_what_is_kept_of_keys_is_its_owners_alone(run, tmp_path):
    run("add", "--owner", "anna", "--role", "admin")
    (kept,) = (tmp_path / "blobs" / "keys").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
