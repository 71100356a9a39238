"""Addresses of images, read once; and which of them a list allows."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.settings import BadSetting, WebSettings
from web.fetch.allowed import Allowed
from web.fetch.url import LONGEST_URL, Url, name_of

#: Ways to write 127.0.0.1 and 169.254.169.254.
LOOPBACK = [
    *(
        "127.0.0.1",
        "127.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "0177.0.1",
        "0x7f.0x0.0x0.0x1",
        "127.0.0.1.",
    ),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "127。0。0。1"),
]
METADATA = ["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.43518", "[::ffff:a9fe:a9fe]"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_every_spelling_of_an_address_is_that_address(host):
    assert Url.read(f"https://{host}/a.png").host == "127.0.0.1"


@pytest.mark.parametrize("host", METADATA)
def test_every_spelling_of_the_metadata_service_is_its_address(host):
    assert Url.read(f"https://{host}/latest/").host == "169.254.169.254"


@pytest.mark.parametrize(
    ("text", "host", "port", "target"),
    [
        ("https://images.example.org", "images.example.org", 443, "/"),
        ("HTTPS://Images.Example.ORG./a.png?size=1#top", "images.example.org", 443, "/a.png?size=1"),
        ("https://images.example.org:8443/a b/ü.png", "images.example.org", 8443, "/a%20b/%C3%BC.png"),
        ("https://bücher.example/a", "xn--bcher-kva.example", 443, "/a"),
        ("https://BÜCHER.example/a", "xn--bcher-kva.example", 443, "/a"),
        (" https://[2606:2800:0220:1::0001]:443/a ", "2606:2800:220:1::1", 443, "/a"),
        ("https://images.example.org/a/../../b", "images.example.org", 443, "/b"),
    ],
)
def test_an_address_is_read_as_it_is_asked(text, host, port, target):
    assert Url.read(text) == Url(host, port, target)
    assert Url.read(str(Url.read(text))) == Url(host, port, target)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "images.example.org/a.png",
        "http://images.example.org/a.png",
        "ftp://images.example.org/a.png",
        "file:///etc/passwd",
        "gopher://images.example.org:443/_",
        "data:image/png;base64,iVBORw0KGgo=",
        "//images.example.org/a.png",
        "https:///a.png",
        "https:images.example.org/a.png",
        "https://user@images.example.org/a.png",
        "https://user:password@images.example.org/a.png",
        "https://images.example.org\\@169.254.169.254/",
        "https://images.example.org:443@169.254.169.254/",
        "https://images.example.org:x/a.png",
        "https://images.example.org /a.png",
        "https://images.example.org\r\nHost: else/a.png",
        "https://images.example.org/a\nb.png",
        "https://images.example.org%2f@else/a.png",
        "https://images.example.org%00.else/a.png",
        "https://[fe80::1%25eth0]/a.png",
        "https://[fe80::1%eth0]/a.png",
        "https://[::1/a.png",
        "https://1.2.3.4.5/a.png",
        "https://0177.0.0.1/a.png",
        "https://256.256.256.256/a.png",
        "https://0x/a.png",
        "https://example.123/a.png",
        "https://１２７.0.0.1\u200b/a.png",
        "https://images.example.org/" + "a" * LONGEST_URL,
        "https://images.example.org/" + "ü" * (LONGEST_URL // 6),
        "https://" + "a@" * (LONGEST_URL // 4) + "images.example.org/",
        "https://" + "a." * 127 + "a/a.png",
        "https://" + "ü." * 100 + "example/a.png",
    ],
)
def test_what_is_no_address_by_https_is_refused(text):
    with pytest.raises(BadInput) as caught:
        Url.read(text)
    assert caught.value.code is Code.BAD_URL


#: Pieces of addresses, sound ones and others.
PIECES = [
    *(
        "https://",
        "http:",
        "//",
        "@",
        ":",
        "/",
        "?",
        "#",
        "[",
        "]",
        "%",
        "%2e",
        "\\",
        "..",
        "-",
        "_",
        " ",
        "\0",
    ),
    *(
        "127.0.0.1",
        "0x7f",
        "::",
        "1",
        "0",
        "example",
        "xn--",
        "ü",
        "ß",
        "。",
        "١",
        "\u200d",
        "\ud800",
        "9" * 30,
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=10).map("".join)


@given(TEXTS, TEXTS)
def test_any_text_is_refused_or_read_as_an_address_that_is_read_as_itself(text, location):
    assert isinstance(name_of(text), str)
    with suppress(BadInput):
        read = Url.read(f"https://{text}")
        assert Url.read(str(read)) == read
        assert read.host.isascii()
        assert set(read.host + read.target).isdisjoint(" \r\n\0")
        read.join(location)


def test_a_refusal_repeats_no_password():
    for text in ("https://anna:secret@images.example.org/a.png", "https://anna:sec/ret@images.example.org/"):
        with pytest.raises(BadInput) as caught:
            Url.read(text)
        assert "sec" not in caught.value.message + name_of(text)


@pytest.mark.parametrize(
    ("location", "led"),
    [
        ("/b.png", "https://images.example.org:8443/b.png"),
        ("b.png?x=1", "https://images.example.org:8443/a/b.png?x=1"),
        ("//cdn.example.org/b.png", "https://cdn.example.org:443/b.png"),
        ("https://2130706433/", "https://127.0.0.1:443/"),
    ],
)
def test_a_redirect_leads_on_from_where_it_was_said(location, led):
    assert str(Url.read("https://images.example.org:8443/a/a.png").join(location)) == led


@pytest.mark.parametrize(
    "location", ["http://images.example.org/", "https://a@b.example/", "file:///", "https://[::"]
)
def test_a_redirect_to_what_is_no_address_by_https_is_refused(location):
    with pytest.raises(BadInput):
        Url.read("https://images.example.org/a/a.png").join(location)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://images.example.org/a/b.png?X-Amz-Signature=secret#top", "images.example.org/a/b.png"),
        ("https://images.example.org/", "images.example.org"),
        ("https://images.example.org/a%20b/%C3%BC.png", "images.example.org/a b/ü.png"),
        ("http://images.example.org/b.png?key=secret", "images.example.org/b.png"),
        ("data:image/png;base64,iVBORw0KGgo=", "image/png;base64,iVBORw0KGgo="),
        ("", ""),
    ],
)
def test_an_image_is_called_by_its_host_and_path_alone(text, name):
    assert name_of(text) == name


@pytest.mark.parametrize(
    ("pattern", "allowed", "not_allowed"),
    [
        (
            "images.example.org",
            ["https://images.example.org", "https://IMAGES.example.org.:443"],
            ["https://example.org", "https://a.images.example.org", "https://images.example.org:8443"],
        ),
        (
            "*.example.org",
            ["https://a.example.org", "https://b.a.example.org"],
            ["https://example.org", "https://badexample.org", "https://a.example.org.evil.example"],
        ),
        ("cdn.example.org:8443", ["https://cdn.example.org:8443"], ["https://cdn.example.org"]),
        ("xn--bcher-kva.example", ["https://bücher.example"], ["https://bucher.example"]),
        (
            "[2606:2800:0220:01::0001]",
            ["https://[2606:2800:220:1::1]"],
            ["https://[2606:2800:220:1::2]"],
        ),
        ("93.184.216.34", ["https://93.184.216.34", "https://0x5db8d822"], ["https://93.184.216.35"]),
        (
            "[2606:2800:220:1::1]:8443",
            ["https://[2606:2800:220:1::1]:8443"],
            ["https://[2606:2800:220:1::1]"],
        ),
        ("*", ["https://anything.example", "https://93.184.216.34"], ["https://anything.example:8443"]),
    ],
)
def test_a_list_allows_hosts_and_ports(pattern, allowed, not_allowed):
    listed = Allowed([pattern])
    assert all(listed.has(Url.read(text)) for text in allowed)
    assert not any(listed.has(Url.read(text)) for text in not_allowed)


@pytest.mark.parametrize(
    "value", ["https://images.example.org", "images.example.org/a", "bücher.example", "*.*", "**"]
)
def test_a_list_that_cannot_be_meant_stops_web(monkeypatch, value):
    monkeypatch.setenv("EVA01_FETCH_ALLOW", value)
    with pytest.raises(BadSetting, match="EVA01_FETCH_ALLOW"):
        WebSettings.read()


def test_a_list_is_read_at_its_commas(monkeypatch):
    monkeypatch.setenv("EVA01_FETCH_ALLOW", "images.example.org, *.example.com:8443,*")
    assert WebSettings.read().fetch_allow == ("images.example.org", "*.example.com:8443", "*")
