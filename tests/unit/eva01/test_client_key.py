"""The client's key: where it is found, to whom it is sent, and what is said when it does not do."""

import json
import sys
import warnings

import pytest

from eva01.cli.main import main
from eva01.client.client import Client
from eva01.client.errors import ClientError, ServerAway
from eva01.client.key import KeyInClear
from tests.unit.scripted_server import BATCH_ID, Reply, Server

KEY = "eva01_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
BATCH: Reply = ({"id": BATCH_ID}, 200, {})


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    """None of ours."""
    for name in ("EVA01_KEY", "EVA01_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_goes_with_every_call_and_none_where_there_is_none(server: Server, tmp_path):
    image = tmp_path / "a.png"
    image.write_bytes(b"pixels")
    for key in (KEY, ""):
        server.replies = [BATCH]
        with Client(server.url, key=key) as client:
            client.batch(BATCH_ID)
            list(client.upload_files(BATCH_ID, [image]))
            client.results_csv(BATCH_ID, tmp_path / "out.csv")
    assert server.keys == [f"Bearer {KEY}"] * 3 + [None] * 3


def test_a_key_is_found_in_the_environment_or_in_a_file(server: Server, tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setenv("EVA01_KEY_FILE", str(file))
    server.replies = [BATCH, BATCH, BATCH]
    with Client(server.url) as client:
        client.batch(BATCH_ID)
    monkeypatch.setenv("EVA01_KEY", "of-the-variable")
    with Client(server.url) as client:
        client.batch(BATCH_ID)
    with Client(server.url, key="of-the-argument") as client:
        client.batch(BATCH_ID)
    assert server.keys == [f"Bearer {key}" for key in (KEY, "of-the-variable", "of-the-argument")]


def test_a_file_without_a_key_is_said_before_anything_is_sent(server: Server, tmp_path, monkeypatch):
    (tmp_path / "empty").write_text(" \n")
    for name in ("empty", "nowhere"):
        monkeypatch.setenv("EVA01_KEY_FILE", str(tmp_path / name))
        with pytest.raises(ClientError) as refused:
            Client(server.url)
        assert refused.value.code == "no_key_file"
        assert name in refused.value.message


@pytest.mark.parametrize("key", ["two words", "a\r\nb", "clé", "x" * 201, "\x00"])
def test_a_key_that_no_header_may_hold_is_refused_and_not_said(server: Server, key):
    with pytest.raises(ClientError) as refused:
        Client(server.url, key=key)
    assert refused.value.code == "bad_key"
    assert key not in refused.value.message


@pytest.mark.parametrize(
    ("status", "key", "said"),
    [
        (401, "", "Set EVA01_KEY"),
        (401, KEY, "Look at EVA01_KEY"),
        (403, KEY, "Ask an admin"),
    ],
)
def test_who_is_refused_is_told_what_to_do(server: Server, status, key, said):
    server.replies = [({"code": "refused", "detail": "No."}, status, {})]
    with Client(server.url, key=key) as client, pytest.raises(ClientError) as refused:
        client.batch(BATCH_ID)
    assert (refused.value.code, refused.value.status) == ("refused", status)
    assert refused.value.message.startswith("No. ")
    assert said in refused.value.message
    assert KEY not in refused.value.message


def test_who_has_no_key_is_told_how_to_give_one_and_nothing_of_headers(server, monkeypatch, capsys):
    said = "Nobody may ask here without a key. Send it as `Authorization: Bearer …`."
    server.replies = [({"code": "not_signed_in", "detail": said}, 401, {})]
    assert eva01(monkeypatch, "status", "--server", server.url) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"eva01: {server.url} is only for those who have a key. Set EVA01_KEY")
    assert all(way in line for way in ("EVA01_KEY_FILE", "--key", "eva01 keys add"))
    assert "Bearer" not in line


def test_who_has_to_wait_too_long_is_told_how_long(server: Server):
    server.replies = [({"code": "quota", "detail": "All is used."}, 429, {"Retry-After": "9000"})]
    with Client(server.url, patience_s=5) as client, pytest.raises(ServerAway) as refused:
        client.batch(BATCH_ID)
    assert refused.value.message == "All is used. Try again in 2 h."


def test_a_redirect_is_not_followed_so_no_other_server_gets_the_key(server: Server, tmp_path):
    other = Server()
    try:
        for call in (
            lambda client: client.batch(BATCH_ID),
            lambda client: client.results_csv(BATCH_ID, tmp_path / "out.csv"),
        ):
            server.replies = [("", 307, {"Location": f"{other.url}/elsewhere"})]
            with Client(server.url, key=KEY) as client, pytest.raises(ClientError) as refused:
                call(client)
            assert f"{other.url}/elsewhere" in refused.value.message
        assert other.keys == []
    finally:
        other.end()
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("server", "is_warned"),
    [
        ("http://photos.example.org", True),
        ("photos.example.org", True),
        ("HTTP://10.0.0.7:8000", True),
        ("https://photos.example.org", False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
    ],
)
def test_a_key_that_others_could_read_on_its_way_warns(server, is_warned):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        Client(server, key=KEY)
        Client(server)
    assert [one.category for one in warned] == [KeyInClear] * is_warned
    assert KEY not in "".join(str(one.message) for one in warned)


def test_a_key_wins_over_a_password_in_the_address(server: Server):
    server.replies = [BATCH]
    with Client(server.url.replace("://", "://me:password@"), key=KEY) as client:
        client.batch(BATCH_ID)
    assert server.keys == [f"Bearer {KEY}"]


def eva01(monkeypatch, *arguments: str) -> int:
    """The command's exit code."""
    monkeypatch.setattr(sys, "argv", ["eva01", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_the_command_sends_the_key_of_its_option_and_says_it_nowhere(server, tmp_path, monkeypatch, capsys):
    file = tmp_path / "key"
    file.write_text(KEY)
    server.replies = [BATCH, ({"code": "key_is_over", "detail": "It is over."}, 401, {})]
    asked = ("status", BATCH_ID, "--server", server.url)
    assert eva01(monkeypatch, *asked, "--key-file", str(file), "--json") == 0
    shown, _ = capsys.readouterr()
    assert json.loads(shown)["id"] == BATCH_ID
    assert eva01(monkeypatch, *asked, "--key", KEY) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert server.keys == [f"Bearer {KEY}"] * 2
    assert KEY not in shown + err


def test_the_command_takes_one_key_only(monkeypatch, capsys):
    assert eva01(monkeypatch, "models", "--key", KEY, "--key-file", "key") == 2
    assert "give one of them" in capsys.readouterr().err


def test_the_command_warns_in_one_line(server, monkeypatch, capsys):
    monkeypatch.setenv("EVA01_KEY", KEY)
    server.replies = [BATCH]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        asked = ("status", BATCH_ID, "--server", server.url.replace("127.0.0.1", "0.0.0.0"))
        assert eva01(monkeypatch, *asked) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("eva01: The key is sent to 0.0.0.0 in clear")
