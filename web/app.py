"""create_app: puts the HTTP side together, and does nothing else."""

from typing import Any

from flask_openapi3 import APIBlueprint, Info, OpenAPI
from flask_openapi3.models import PathItem

from jobs.settings import Limits, Settings, WebSettings
from jobs.version import own_version
from web.batches import batches
from web.docs import register_docs
from web.idempotency import register_idempotency
from web.metrics import register_metrics
from web.one_job import one_job
from web.pages import pages
from web.problems import refuse_fields, register_problems
from web.progress import progress
from web.results import results
from web.schemas import Problem
from web.security import register_security
from web.services import Services
from web.shared import shared, sharing
from web.single import single
from web.spool import register_uploads
from web.status import status


def create_app(
    settings: Settings | None = None, limits: Limits | None = None, web: WebSettings | None = None
) -> OpenAPI:
    """The WSGI app; what is not given is read from the environment.

    Raises BadSetting.
    """
    services = Services.connect(
        settings or Settings.read(), limits or Limits.read(), web or WebSettings.read()
    )
    app = OpenAPI(
        "web",
        info=Info(title="EVA-01", version=own_version(), description="Ask questions of images, in bulk."),
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=refuse_fields,
        doc_ui=False,
    )
    app.json.sort_keys = False
    services.attach(app)
    register_uploads(app, services.limits)
    register_problems(app)
    register_metrics(app)
    register_security(app)
    register_idempotency(app)
    for api in (single, one_job, batches, progress, results, sharing, shared, status):
        _register(app, api)
    app.register_blueprint(pages)
    register_docs(app, lambda: app.api_doc)
    return app


def _register(app: OpenAPI, api: APIBlueprint) -> None:
    """Add the calls of `api`; the document keeps those that others have at the same addresses."""
    others = {path: app.paths[path] for path in api.paths if path in app.paths}
    app.register_api(api)
    for path, item in others.items():
        app.paths[path] = PathItem(**(_given(item) | _given(api.paths[path])))


def _given(item: PathItem) -> dict[str, Any]:
    return {method: operation for method, operation in item if operation is not None}
