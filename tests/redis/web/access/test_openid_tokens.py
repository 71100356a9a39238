"""What a provider says of somebody is believed only when all of it is as it has to be."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey

from jobs.contract.codes import Code
from jobs.contract.errors import NotSignedIn, Unavailable
from jobs.contract.settings import BadSetting, WebSettings
from tests.processes import wait_until
from tests.servers.serving import Serving
from web.access.openid import Flow, Provider

HERE = "http://here.example/callback"
FLOW = Flow(next="/")
#: What comes back with the browser.
SAID = {"code": "c", "state": FLOW.state}


@dataclass
class Signer:
    """A provider that says what a test wants it to say, signed with a key that it shows or not."""

    url: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "first"}))
    shown: list[ECKey] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    #: The forms that its token endpoint was sent, and how often each path was asked.
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)
    token: str | None = None
    #: While it is not set, the token endpoint hangs.
    may_answer: threading.Event = field(default_factory=threading.Event)
    is_broken: bool = False

    def answer(self, path: str) -> dict[str, Any]:
        self.visits.append(path)
        if path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            found: dict[str, Any] = {name: self.url + place for name, place in places.items()}
            found |= {"issuer": self.url, "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"]}
            if self.userinfo is not None:
                found["userinfo_endpoint"] = f"{self.url}/userinfo"
            return found | self.described
        if path == "/keys":
            return {"keys": [key.as_dict(private=False) for key in self.shown or [self.key]]}
        if path == "/userinfo":
            return self.userinfo or {}
        return {"access_token": "a", "token_type": "Bearer", "id_token": self.token or self.signed()}

    def signed(self) -> str:
        now = int(time.time())
        usual = {
            "iss": self.url,
            "sub": "1",
            "aud": "eva01",
            "iat": now,
            "exp": now + 60,
            "nonce": FLOW.nonce,
        }
        said = {name: value for name, value in (usual | self.claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, said, self.key)


@pytest.fixture
def signer() -> Iterator[Signer]:
    made = Signer()
    made.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(made.answer(self.path)).encode()
            self.send_response(500 if made.is_broken else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            made.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            made.may_answer.wait(60)
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    with Serving(server):
        yield made


@pytest.fixture
def provider(signer: Signer) -> Provider:
    return Provider(WebSettings(oidc_issuer=signer.url, oidc_client_id="eva01", oidc_allowed=("*",)))


def test_what_is_signed_and_whole_is_believed(provider, signer):
    signer.claims = {"email": "anna@example.org"}
    assert provider.end(FLOW, HERE, SAID)["email"] == "anna@example.org"


def test_the_verifier_is_sent_and_fits_its_challenge(provider, signer):
    begun = parse_qs(provider.begin(FLOW, HERE).split("?")[1])
    provider.end(FLOW, HERE, SAID)
    (sent,) = signer.asked
    assert begun["code_challenge"] == [create_s256_code_challenge(sent["code_verifier"][0])]
    assert (sent["code"], sent["redirect_uri"]) == (["c"], [HERE])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": ["eva01", "another client"]},
        {"azp": "another client"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": int(time.time()) - 120},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"at_hash": "of another token"},
    ],
)
def test_no_claim_may_be_other_than_it_has_to_be(provider, signer, claims):
    signer.claims = claims
    with pytest.raises(NotSignedIn, match="cannot be believed") as caught:
        provider.end(FLOW, HERE, SAID)
    assert caught.value.code is Code.SIGN_IN_FAILED


def test_a_clock_may_be_a_little_off(provider, signer):
    signer.claims = {"exp": int(time.time()) - 30, "iat": int(time.time()) + 30}
    assert provider.end(FLOW, HERE, SAID)["sub"] == "1"


def test_nobody_elses_signature_is_believed(provider, signer):
    signer.shown = [ECKey.generate_key("P-256", {"kid": "first"})]
    with pytest.raises(NotSignedIn):
        provider.end(FLOW, HERE, SAID)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_what_anybody_can_sign_is_not_believed(provider, signer, alg):
    """Neither nothing at all, nor a secret that everybody can see: the provider's public key."""
    _, claims, _ = signer.signed().split(".")
    head = b64(json.dumps({"alg": alg, "kid": signer.key.kid}).encode())
    made = hmac.digest(signer.key.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    signer.token = f"{head}.{claims}.{b64(made) if alg == 'HS256' else ''}"
    with pytest.raises(NotSignedIn):
        provider.end(FLOW, HERE, SAID)


def test_a_new_key_is_looked_for(provider, signer, monkeypatch):
    monkeypatch.setattr("web.access.openid._NEW_KEY_S", 0)
    provider.end(FLOW, HERE, SAID)
    signer.key = ECKey.generate_key("P-256", {"kid": "second"})
    assert provider.end(FLOW, HERE, SAID)["sub"] == "1"


def test_what_the_provider_says_of_itself_is_asked_once(provider, signer):
    for _ in range(3):
        provider.end(FLOW, HERE, SAID)
    assert signer.visits.count("/.well-known/openid-configuration") == 1
    assert signer.visits.count("/keys") == 1


def test_what_the_token_lacks_comes_from_userinfo_of_the_same_person(provider, signer):
    signer.claims, signer.userinfo = (
        {"email": "a@example.org"},
        {"sub": "1", "email": "b@x.org", "groups": ["g"]},
    )
    claims = provider.end(FLOW, HERE, SAID)
    assert (claims["email"], claims["groups"]) == ("a@example.org", ["g"])
    signer.userinfo = {"sub": "2", "groups": ["g"]}
    with pytest.raises(NotSignedIn, match="two different things"):
        provider.end(FLOW, HERE, SAID)


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"jwks_uri": "ftp://x"},
    ],
)
def test_a_provider_that_is_not_what_it_should_be_is_as_if_away(provider, signer, described):
    signer.described = described
    with pytest.raises(Unavailable) as caught:
        provider.end(FLOW, HERE, SAID)
    assert caught.value.code is Code.PROVIDER_UNAVAILABLE


def test_a_provider_that_hangs_holds_few_threads(signer):
    settings = WebSettings(oidc_issuer=signer.url, oidc_client_id="eva01", oidc_allowed=("*",), web_threads=8)
    provider = Provider(settings)
    provider.begin(FLOW, HERE)
    signer.may_answer.clear()
    with ThreadPoolExecutor() as threads:
        held = [threads.submit(provider.end, FLOW, HERE, SAID) for _ in range(2)]
        wait_until(lambda: len(signer.asked) == 2, "both hold a thread")
        with pytest.raises(Unavailable):
            provider.end(FLOW, HERE, SAID)
        signer.may_answer.set()
        assert [one.result()["sub"] for one in held] == ["1", "1"]
    assert provider.end(FLOW, HERE, SAID)["sub"] == "1"


def test_a_provider_that_is_away_is_not_asked_again_at_once(signer, monkeypatch):
    monkeypatch.setattr("web.access.openid._AGAIN_S", 3600)
    settings = WebSettings(oidc_issuer=f"{signer.url}/nowhere", oidc_client_id="eva01", oidc_allowed=("*",))
    provider = Provider(settings)
    signer.is_broken = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            provider.begin(FLOW, HERE)
    assert len(signer.visits) == 1


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"ISSUER": "http://login.example.org", "CLIENT_ID": "x", "ALLOWED": "*"},
            "EVA01_OIDC_ISSUER=.*https",
        ),
        ({"ISSUER": "https://login.example.org", "CLIENT_ID": "x"}, "EVA01_OIDC_ALLOWED=.*@example.org"),
        ({"ISSUER": "https://login.example.org", "ALLOWED": "*"}, "needs EVA01_OIDC_CLIENT_ID"),
        ({"TEAM_GROUPS": "/painters"}, "EVA01_OIDC_TEAM_GROUPS=.*'/painters'"),
    ],
)
def test_settings_that_would_let_in_others_stop_the_start(monkeypatch, variables, said):
    for name, value in variables.items():
        monkeypatch.setenv(f"EVA01_OIDC_{name}", value)
    with pytest.raises(BadSetting, match=said):
        WebSettings.read()


def test_the_secret_is_not_shown(monkeypatch):
    monkeypatch.setenv("EVA01_OIDC_CLIENT_SECRET", "marked")
    assert "marked" not in f"{WebSettings.read()!r} {WebSettings.read().model_dump()}"
