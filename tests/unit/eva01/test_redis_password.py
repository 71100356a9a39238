"""The password of our own Redis, in files that only their owner reads."""

import os
import stat

import pytest

from eva01.cli.errors import CommandError
from eva01.launcher import redis_server
from eva01.launcher.lock import only_one
from eva01.launcher.redis_password import password_file, write_settings
from jobs.contract.settings import Settings


def rights(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_once_and_kept(tmp_path):
    settings = write_settings(tmp_path)
    password = password_file(tmp_path).read_text()
    assert len(password) == 43
    assert settings.read_text() == f"requirepass {password}\n"
    assert rights(settings) == rights(password_file(tmp_path)) == 0o600
    settings.unlink()
    write_settings(tmp_path)
    assert password_file(tmp_path).read_text() == password
    assert {path.name for path in tmp_path.iterdir()} == {"password", "password.conf"}


def test_one_that_others_could_read_is_closed_to_them(tmp_path):
    password_file(tmp_path).write_text("A-password-of-ours\n")
    password_file(tmp_path).chmod(0o644)
    assert write_settings(tmp_path).read_text() == "requirepass A-password-of-ours\n"
    assert rights(password_file(tmp_path)) == 0o600


@pytest.mark.parametrize("text", ["", "short", "of sixteen letters\nsave 1 1", 'seventeen"letters', "ÿ" * 20])
def test_one_that_cannot_be_used_is_refused_and_not_shown(tmp_path, text):
    password_file(tmp_path).write_text(text)
    with pytest.raises(CommandError, match="Remove it, and a new one is made") as caught:
        write_settings(tmp_path)
    assert not text or text not in caught.value.message


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("A-password-of-theirs")
    password_file(tmp_path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="cannot be read"):
        write_settings(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path):
    password_file(tmp_path).write_text("A-password-of-theirs")
    os.chown(password_file(tmp_path), 12345, -1)
    with pytest.raises(CommandError, match="is not ours"):
        write_settings(tmp_path)


def test_neither_the_command_nor_the_address_holds_it(tmp_path):
    program = redis_server.program(tmp_path, tmp_path / "redis.log", 1234)
    password = password_file(tmp_path / "redis").read_text()
    shown = " ".join([*program.command, *program.env.values(), program.about])
    assert password not in shown
    assert redis_server.url(tmp_path, 1234) in program.about


def test_the_server_of_a_running_up_is_found_by_its_data_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    settings = Settings(data=tmp_path)
    redis_server.program(tmp_path, tmp_path / "redis.log", 1234)
    assert redis_server.in_use(settings) == "redis://127.0.0.1:6379/0", "it does not run any more"
    with only_one(tmp_path):
        assert redis_server.in_use(settings) == redis_server.url(tmp_path, 1234)
        given = Settings(data=tmp_path, redis_url="redis://127.0.0.1:9/0")
        assert redis_server.in_use(given) == "redis://127.0.0.1:9/0"
