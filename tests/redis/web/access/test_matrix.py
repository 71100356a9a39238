"""Every call of web's URL map, made by every kind of caller: who gets in, who is refused, and how."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug import Response
from werkzeug.routing import Rule as UrlRule

from jobs.contract.access.owners import Role, new_key
from jobs.contract.models import utc_now
from jobs.contract.settings import WebSettings
from tests.files.hostile import encoded
from web.access.rules import RULES, Rule
from web.services import Services, services_of

#: Codes by which the gate refuses.
UNKNOWN = frozenset({"not_signed_in", "unknown_key", "key_is_over"})
REFUSED = UNKNOWN | {"not_allowed", "batch_not_found", "job_not_found"}
#: What a page that is refused has as its status.
PAGES = {401: "not_signed_in", 403: "not_allowed", 404: "batch_not_found"}
CALLERS = ("anonymous", "owner", "another", "team", "read-only", "admin", "revoked", "expired", "link")


@dataclass
class House:
    """A server with a key for each kind of caller, and things that are anna's."""

    client: FlaskClient
    services: Services
    texts: dict[str, str]

    def things(self) -> dict[str, str]:
        """What the addresses name: a batch of anna's with a job, a link to it, a file of requests."""
        owner = self.headers("owner")
        batch_id = self.client.post("/api/batches", json={"model": "ocr"}, headers=owner).get_json()["id"]
        sent = {"files": (io.BytesIO(encoded()), "a.png")}
        taken = self.client.post(f"/api/batches/{batch_id}/files", data=sent, headers=owner).get_json()
        (file,) = taken["files"]
        shared = self.client.post(f"/api/batches/{batch_id}/share", json={"days": 1}, headers=owner)
        token = shared.get_json()["url"].rsplit("/", 1)[-1]
        form = {"purpose": "batch", "file": (io.BytesIO(b"{}"), "a.jsonl")}
        file_id = self.client.post("/v1/files", data=form, headers=owner).get_json()["id"]
        ids = {"batch_id": batch_id, "job_id": file["job_id"], "file_id": file_id.removeprefix("file-")}
        return {**ids, "token": token, "which": "output"}

    def headers(self, caller: str, token: str = "") -> dict[str, str]:
        """Those of a kind of caller; one that has a link shows its token as if it were a key."""
        text = token if caller == "link" else self.texts.get(caller)
        return {"Authorization": f"Bearer {text}"} if text else {}

    def call(self, rule: UrlRule, method: str, caller: str, query: str = "") -> tuple[int, str]:
        """The status and code of a call that says nothing but its address, and `query` behind its `?`."""
        things = self.things()
        given = {name: things.get(name, "x") for name in rule.arguments}
        _, address = rule.build(given) or ("", "")
        headers = self.headers(caller, things["token"])
        with self.client.open(f"{address}?{query}", method=method, headers=headers) as response:
            said = response.get_json() if response.is_json else {}
            code = _code_of(said) if isinstance(said, dict) else ""
            if rule.endpoint.startswith("pages."):
                code = _code_of_page(response, rule)
            return response.status_code, code


def _code_of(said: dict[str, Any]) -> str:
    """The code of a problem, or of an error as OpenAI's clients read it."""
    inner = said.get("error")
    code = str((inner if isinstance(inner, dict) else said).get("code", ""))
    return {"invalid_api_key": "unknown_key"}.get(code, code)


def _code_of_page(response: Response, rule: UrlRule) -> str:
    """A page that is refused leads to the sign-in, or says so by its status alone."""
    if response.status_code == 404 and "batch_id" not in rule.arguments:
        return ""
    leads_to_sign_in = response.status_code == 303 and "/sign-in" in response.headers["Location"]
    return "not_signed_in" if leads_to_sign_in else PAGES.get(response.status_code, "")


@pytest.fixture
def house(make_app: Callable[..., Flask]) -> House:
    # Whoever tries so many keys that are none would be held up.
    app = make_app(WebSettings(models=("nano", "ocr"), wrong_keys_per_min=100_000))
    services, texts = services_of(app), {}
    kinds: dict[str, dict[str, Any]] = {
        "owner": {"owner": "anna"},
        "another": {"owner": "ben"},
        "team": {"owner": "carl", "teams": ("anna",)},
        "read-only": {"owner": "anna", "role": Role.READ_ONLY},
        "admin": {"owner": "dora", "role": Role.ADMIN},
        "revoked": {"owner": "anna", "role": Role.ADMIN, "revoked_at": utc_now()},
        "expired": {"owner": "anna", "role": Role.ADMIN, "expires_at": utc_now() - timedelta(seconds=1)},
    }
    for caller, fields in kinds.items():
        new = new_key(**fields)
        services.keys.add(new.key)
        texts[caller] = new.text
    return House(app.test_client(), services, texts)


def calls(app: Flask) -> list[tuple[UrlRule, str]]:
    """Every address of the URL map with each of its methods."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def wanted(rule: Rule, caller: str, arguments: set[str]) -> frozenset[str] | None:
    """The codes with one of which a call has to be refused; None when the gate lets it through."""
    if rule in (Rule.OPEN, Rule.LINK):
        return None
    if caller in ("anonymous", "revoked", "expired", "link"):
        return UNKNOWN
    if rule in (Rule.ADMIN, Rule.KNOWN_ADMIN) and caller != "admin":
        return frozenset({"not_allowed"})
    if rule is Rule.WRITE and caller == "read-only":
        return frozenset({"not_allowed"})
    if caller in ("another", "admin") and arguments & {"batch_id", "job_id"}:
        return frozenset({"batch_not_found" if "batch_id" in arguments else "job_not_found"})
    return None


def test_every_endpoint_has_its_rule_and_every_rule_its_endpoint(house):
    endpoints = {rule.endpoint for rule in house.client.application.url_map.iter_rules()}
    assert endpoints == set(RULES)


@pytest.mark.parametrize("caller", CALLERS)
def test_every_call_lets_in_whom_its_rule_says(house, caller):
    wrong = []
    for rule, method in calls(house.client.application):
        status, code = house.call(rule, method, caller)
        needed = RULES[rule.endpoint]
        codes = wanted(needed, caller, rule.arguments)
        is_right = code in codes if codes else needed is Rule.OPEN or (code not in REFUSED and status != 403)
        if not is_right or status >= 500:
            wrong.append((method, rule.rule, status, code))
    assert wrong == []


@pytest.mark.parametrize("query", ["max_tokens=2", "dry_run"])
def test_every_call_refuses_a_name_behind_the_question_mark_that_it_does_not_take(house, query):
    wrong, seen = [], 0
    for rule, method in calls(house.client.application):
        if not rule.rule.startswith(("/api/", "/v1/", "/analyze")):
            continue
        seen += 1
        caller = "admin" if RULES[rule.endpoint] in (Rule.ADMIN, Rule.KNOWN_ADMIN) else "owner"
        said = house.call(rule, method, caller, query)
        if said != (400, "invalid_field"):
            wrong.append((method, rule.rule, *said))
    assert wrong == []
    assert seen > 60
