"""create_app: builds the WSGI app from its parts, and does nothing else."""

from typing import Any

from flask_openapi3 import APIBlueprint, Info, OpenAPI
from flask_openapi3.models import PathItem

from jobs.contract.settings import Limits, Settings, WebSettings
from jobs.contract.version import own_version
from web.access.audit import register_audit
from web.access.caller import MADE_FOR_FIELD, identity
from web.access.gate import register_access
from web.access.rules import RULES, Rule
from web.api.audit import audit
from web.api.batches import batches
from web.api.docs import SECURITY_SCHEMES, names_in, register_docs
from web.api.job import job_calls
from web.api.keys import SHOWN_ONCE, keys, me
from web.api.progress import progress
from web.api.questions import questions
from web.api.results import results
from web.api.schemas.base import PROBLEMS, Problem
from web.api.shared_batch import shared_batch
from web.api.sharing import sharing
from web.api.status import status
from web.api.usage import usage
from web.fetch.fetcher import Fetcher
from web.http.hosts import Hosts, register_hosts
from web.http.idempotency import Keeping, register_idempotency
from web.http.json import StrictJson
from web.http.origins import register_origins
from web.http.problems import refuse_fields, register_problems
from web.http.proxies import register_proxies
from web.http.query import register_query
from web.http.request_log import register_request_log
from web.http.request_metrics import register_metrics
from web.http.security import register_security
from web.http.waiting import register_waiting
from web.intake.fingerprint import fingerprint
from web.intake.spool import register_spool
from web.openai.bulk.batches import batches as openai_batches
from web.openai.bulk.files import files as openai_files
from web.openai.calls import openai
from web.openai.document import described
from web.openai.envelope import register_envelope
from web.pages.views import pages
from web.services import Services

#: Calls whose responses are not kept under an Idempotency-Key: those with a secret, and those that anybody
#: may make, who would push out what others need.
_NOT_KEPT = SHOWN_ONCE | {endpoint for endpoint, rule in RULES.items() if rule is Rule.OPEN}
#: Forms that a browser sends twice when somebody clicks twice.
_FORMS = ("pages.create_batch",)
#: Seconds that a request takes at most besides what it waits for.
_WORK_S = 120


def create_app(
    settings: Settings | None = None,
    limits: Limits | None = None,
    web: WebSettings | None = None,
    fetcher: Fetcher | None = None,
) -> OpenAPI:
    """The WSGI app; what is not given is read from the environment.

    Raises BadSetting.
    """
    services = Services.open(
        settings or Settings.read(), limits or Limits.read(), web or WebSettings.read(), fetcher
    )
    app = OpenAPI(
        "web",
        info=Info(title="EVA-01", version=own_version(), description="Ask questions of images, in bulk."),
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=refuse_fields,
        security_schemes=SECURITY_SCHEMES,
        doc_ui=False,
        static_folder="pages/static",
    )
    app.json = StrictJson(app)
    services.attach(app)
    register_spool(app, services.limits)
    register_request_log(app)
    register_problems(app)
    register_metrics(app)
    register_envelope(app)
    register_hosts(app, Hosts(services.web.host, services.web.hosts))
    register_origins(app)
    register_access(app)
    register_query(app, lambda: names_in(_document(app)), (MADE_FOR_FIELD,))
    register_waiting(app)
    register_security(app)
    register_proxies(app, services.web.proxies)
    register_idempotency(app, _keeping(services), identity, fingerprint)
    for api in (
        *(questions, job_calls, batches, progress, results, sharing, shared_batch),
        *(status, keys, me, audit, usage),
    ):
        _register(app, api)
    for calls in (openai, openai_files, openai_batches):
        app.register_blueprint(calls)
    app.register_blueprint(pages)
    register_docs(app, lambda: _document(app))
    register_audit(app)
    return app


def _document(app: OpenAPI) -> dict[str, Any]:
    """What is made from the handlers, and the calls of OpenAI's API."""
    made, more = app.api_doc, described(PROBLEMS)
    components = made["components"]
    schemas = components["schemas"] | more["schemas"]
    return {**made, "paths": made["paths"] | more["paths"], "components": components | {"schemas": schemas}}


def _keeping(services: Services) -> Keeping:
    web = services.web
    return Keeping(
        memory=services.responses,
        most_s=int(max(web.fetch_request_s, web.chat_wait_s)) + _WORK_S,
        seconds=int(web.idempotency_hours * 3600) or 1,
        bytes=web.idempotency_bytes,
        never=_NOT_KEPT,
        forms=_FORMS,
    )


def _register(app: OpenAPI, api: APIBlueprint) -> None:
    """Register `api`; where an address is another blueprint's too, the document keeps the calls of both."""
    others = {path: app.paths[path] for path in api.paths if path in app.paths}
    app.register_api(api)
    for path, item in others.items():
        app.paths[path] = PathItem(**(_given(item) | _given(api.paths[path])))


def _given(item: PathItem) -> dict[str, Any]:
    return {method: operation for method, operation in item if operation is not None}
