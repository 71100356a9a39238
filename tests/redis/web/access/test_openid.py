"""Signing in at a real OpenID Connect provider, a process of its own: through web's real app."""

import io
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.contract.access.owners import Quotas
from jobs.contract.access.sessions import Session
from tests.files.hostile import encoded
from tests.redis.web.access.test_access import made, of
from tests.redis.web.access.test_sign_in import sign_in
from tests.servers.provider import OpenIdProvider

PAINTER = {"email": "anna@painters.example", "email_verified": True, "groups": ["painters", "others"]}


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    started = OpenIdProvider.start(tmp_path_factory.mktemp("provider"))
    yield started
    started.end()


@pytest.fixture
def http(make_app, provider):
    """A browser of an app that knows the provider."""
    return make_app(provider.web_settings()).test_client()


def signed_in(http, provider, sub, path="/history", **claims):
    """What comes of a whole sign-in; `claims` are what the provider says of the person."""
    provider.know(sub, **claims)
    there = http.get("/sign-in/openid", query_string={"next": path})
    return http.get(provider.sign_in(there.location, sub))


def code_of(http) -> str:
    return http.get("/api/batches").get_json()["code"]


def owner_of(http) -> str:
    """Who is signed in."""
    return "".join(re.findall(r'data-testid="owner">([^<]*)<', http.get("/account").text))


def test_a_provider_makes_a_login_needed(http):
    assert code_of(http) == "not_signed_in"
    assert "/sign-in/openid" in http.get("/sign-in").text


def test_without_a_provider_there_is_no_way_to_one(make_app):
    http = make_app().test_client()
    assert http.get("/sign-in/openid").status_code == 404
    assert http.get("/sign-in/openid/callback?code=x&state=y").status_code == 404


def test_somebody_signs_in_and_goes_on_where_they_wanted_to(http, provider):
    back = signed_in(http, provider, "1", "/history?search=cats", **PAINTER)
    assert (back.status_code, back.location) == (303, "/history?search=cats")
    account = http.get("/account").text
    assert "anna@painters.example" in account
    assert "painters" in account
    assert http.post("/api/batches", json={"model": "ocr"}).status_code == 201
    assert http.get("/admin/keys").status_code == 403


def test_the_provider_is_asked_with_a_challenge_a_state_and_a_nonce(http):
    """None of the three is ever the same twice, and the secret is not among them."""
    asked = [parse_qs(urlsplit(http.get("/sign-in/openid").location).query) for _ in range(2)]
    for query in asked:
        assert (query["response_type"], query["code_challenge_method"]) == (["code"], ["S256"])
        assert query["redirect_uri"] == ["http://localhost/sign-in/openid/callback"]
        assert "secret" not in str(query)
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name][0]) >= 43
        assert asked[0][name] != asked[1][name]


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["printers"], "admin"), (["painters"], "user"), (["painters", "visitors"], "read-only")],
)
def test_groups_say_the_role(http, provider, groups, role):
    signed_in(http, provider, "2", **{**PAINTER, "groups": groups})
    assert f'data-role="{role}"' in http.get("/account").text
    assert http.get("/admin/keys").status_code == (200 if role == "admin" else 403)


@pytest.mark.parametrize("group", ["painters", "printers"])
def test_who_signs_in_there_has_the_quotas_of_the_settings_whatever_their_role(
    make_app, provider, services, group
):
    quotas = Quotas(images_per_day=1, requests_per_s=1000)
    http = make_app(provider.web_settings(oidc_quotas=quotas)).test_client()
    signed_in(http, provider, "2", **{**PAINTER, "groups": ["painters", group]})
    assert http.get("/api/me").get_json()["quotas"]["images_per_day"] == 1
    picture = {"file": (io.BytesIO(encoded()), "a.png"), "model": "ocr"}
    assert http.post("/api/jobs", data=picture).status_code == 202
    picture = {"file": (io.BytesIO(encoded()), "b.png"), "model": "ocr"}
    refused = http.post("/api/jobs", data=picture)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "quota_exceeded")
    assert refused.headers["RateLimit"].startswith('"images_per_day";r=0;')
    free = of(made(services, "anna@painters.example"))
    picture = {"file": (io.BytesIO(encoded()), "b.png"), "model": "ocr"}
    assert http.post("/api/jobs", data=picture, headers=free).status_code == 202, "a key has its own"


def test_people_of_a_team_share_what_is_the_teams(http, provider, services):
    team, stranger = made(services, "painters"), made(services, "others")
    theirs = http.post("/api/batches", json={"model": "ocr"}, headers=of(team)).get_json()["id"]
    others = http.post("/api/batches", json={"model": "ocr"}, headers=of(stranger)).get_json()["id"]
    signed_in(http, provider, "3", **PAINTER)
    assert http.get(f"/api/batches/{theirs}").status_code == 200
    assert http.get(f"/api/batches/{others}").status_code == 404, "that group is no team"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"groups": ["strangers"]},
        {"groups": "painter"},
        {"groups": ["@example.org"]},
        {"email": "mallory@example.org"},
        {"email": "mallory@example.org", "email_verified": False},
        {"email": "mallory@not-example.org", "email_verified": True},
        {"email": "mallory@example.org.evil.example", "email_verified": True},
    ],
)
def test_nobody_else_comes_in(http, provider, claims):
    refused = signed_in(http, provider, "mallory", **claims)
    assert refused.status_code == 403
    assert "may not use this server" in refused.text
    assert code_of(http) == "not_signed_in"


def test_a_domain_lets_in_whose_address_is_verified(http, provider):
    assert signed_in(http, provider, "4", email="Ben@Example.org", email_verified=True).status_code == 303
    assert owner_of(http) == "Ben@Example.org"


def test_an_address_that_is_not_verified_is_nobodys(http, provider):
    signed_in(http, provider, "sub-5", email="anna@painters.example", groups=["painters"])
    assert owner_of(http) == "sub-5"


@pytest.mark.parametrize("name", ["painters", "ops"])
def test_nobody_becomes_a_team_or_the_admins_by_a_name(make_app, provider, name):
    settings = provider.web_settings(
        oidc_owner_claim="account", oidc_team_groups=("painters",), admin_owner="ops"
    )
    http = make_app(settings).test_client()
    refused = signed_in(http, provider, "8", account=name, groups=["painters"])
    assert refused.status_code == 403
    assert "the name of a team, or of the admins" in refused.text
    assert code_of(http) == "not_signed_in"


@pytest.mark.parametrize("name", ["anna maria", "ä", "a/b", "-x", "", "x" * 101])
def test_who_cannot_be_an_owner_is_refused_and_never_cut(make_app, provider, name):
    http = make_app(provider.web_settings(oidc_owner_claim="account")).test_client()
    refused = signed_in(http, provider, "6", account=name, groups=["painters"])
    assert refused.status_code == 403
    assert "EVA01_OIDC_OWNER_CLAIM" in refused.text
    assert code_of(http) == "not_signed_in"


def test_claims_may_lie_in_objects(make_app, provider):
    settings = provider.web_settings(oidc_groups_claim="realm_access.roles", oidc_owner_claim="account.name")
    http = make_app(settings).test_client()
    claims = {"realm_access": {"roles": ["printers"]}, "account": {"name": "anna"}}
    assert signed_in(http, provider, "7", **claims).status_code == 303
    assert owner_of(http) == "anna"


def test_a_refusal_there_is_said_here(http, provider):
    there = http.get("/sign-in/openid").location
    response = http.get(provider.sign_in(there, "1", action="deny"))
    assert response.status_code == 401
    assert "the provider says &#39;access_denied&#39;" in response.text


def test_an_answer_counts_in_the_browser_that_asked_and_once(http, provider):
    """Else somebody could sign others in as themselves, or use what was seen in an address."""
    provider.know("1", **PAINTER)
    answer = provider.sign_in(http.get("/sign-in/openid").location, "1")
    other = http.application.test_client()
    assert other.get(answer).status_code == 401
    other.get("/sign-in/openid")
    assert other.get(answer).status_code == 401
    assert code_of(other) == "not_signed_in"
    assert http.get(answer).status_code == 303
    assert http.get(answer).status_code == 401


@pytest.mark.parametrize("changed", ["state", "code", "iss"])
def test_an_answer_that_was_changed_is_refused(http, provider, changed):
    provider.know("1", **PAINTER)
    answer = provider.sign_in(http.get("/sign-in/openid").location, "1")
    query = {**{name: value[0] for name, value in parse_qs(urlsplit(answer).query).items()}, changed: "x"}
    assert http.get("/sign-in/openid/callback", query_string=query).status_code == 401
    assert code_of(http) == "not_signed_in"


def test_a_code_of_another_sign_in_is_refused(http, provider):
    """Its nonce is that of the other one."""
    provider.know("1", **PAINTER)
    first = parse_qs(urlsplit(provider.sign_in(http.get("/sign-in/openid").location, "1")).query)
    second = parse_qs(urlsplit(http.get("/sign-in/openid").location).query)
    mixed = {"code": first["code"][0], "state": second["state"][0]}
    assert http.get("/sign-in/openid/callback", query_string=mixed).status_code == 401
    assert code_of(http) == "not_signed_in"


def test_who_comes_back_with_nothing_too_often_is_held_up_by_address(make_app, provider):
    settings = provider.web_settings().model_copy(update={"wrong_keys_per_min": 3})
    http = make_app(settings).test_client()
    provider.know("1", **PAINTER)
    came = [http.get("/sign-in/openid/callback?code=x&state=y") for _ in range(4)]
    assert [one.status_code for one in came] == [401, 401, 401, 429]
    assert 0 < int(came[-1].headers["Retry-After"]) <= 60
    right = provider.sign_in(http.get("/sign-in/openid").location, "1")
    assert http.get(right).status_code == 429, "nobody asks the provider whether this one is right"
    assert http.get(right, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 303


def test_an_earlier_session_ends_with_a_new_one(http, provider):
    signed_in(http, provider, "1", **PAINTER)
    before = http.get_cookie("eva01_session").value
    signed_in(http, provider, "1", **PAINTER)
    assert http.get_cookie("eva01_session").value != before
    http.set_cookie("eva01_session", before)
    assert code_of(http) == "session_is_over"


def test_no_token_of_the_provider_is_kept(http, provider, redis_client):
    signed_in(http, provider, "1", **PAINTER)
    (key,) = redis_client.scan_iter("eva01:session:*")
    assert json.loads(redis_client.get(key)).keys() == Session.model_fields.keys()


def test_a_provider_that_is_away_leaves_the_keys(make_app, provider, services):
    http = make_app(provider.web_settings(oidc_issuer="http://localhost:1")).test_client()
    away = http.get("/sign-in/openid")
    assert away.status_code == 503
    assert "does not answer" in away.text
    assert sign_in(http, made(services, "anna").text).status_code == 303
