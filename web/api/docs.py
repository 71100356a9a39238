"""/openapi.json, made from the handlers and the rules of who may call them, and /docs, Swagger UI."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from flask import Blueprint, Flask, Response, current_app, json, jsonify, request, url_for
from markupsafe import escape
from werkzeug.routing import Rule as UrlRule

from jobs.contract.errors import Unavailable
from web.access.login import login
from web.access.rules import RULES, Rule
from web.api.schemas.base import header
from web.http.query import Taken

#: The files of Swagger UI, as the package brings them.
_SWAGGER = files("flask_openapi3_swagger") / "templates" / "swagger"
#: What goes with a request in the document.
SECURITY_SCHEMES = {"key": {"type": "http", "scheme": "bearer", "description": "A key of EVA-01."}}
#: The same for a server where nobody has to say who they are: it need not.
_KNOWN: list[dict[str, list[str]]] = [{"key": []}]
_KNOWN_OR_NOT = [*_KNOWN, {}]
#: Statuses that calls of a rule never answer with.
_NEVER = {
    Rule.OPEN: {"401", "403", "410"},
    Rule.LINK: {"401", "403"},
    Rule.READ: {"403", "410"},
    Rule.WRITE: {"410"},
    Rule.ADMIN: {"410"},
    Rule.KNOWN_ADMIN: {"410"},
}
#: The header of all answers, but those of the loop itself that has the connections.
_REQUEST_ID = {"X-Request-Id": header("Names this request in the log.", is_always=False)}
#: Swagger UI draws with inline styles and images.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>EVA-01: the API</title>
<link rel="stylesheet" href="{base}/docs/files/css/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="{base}/docs/files/js/swagger-ui-bundle.js"></script>
<script src="{base}/docs/start.js"></script>
</html>
"""
_START = """SwaggerUIBundle({{
    url: {address}, dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null
}});
"""


def register_docs(app: Flask, document: Any) -> None:
    """Serve both; `document` returns the OpenAPI document."""
    docs = Blueprint("docs", __name__, static_folder=str(_SWAGGER), static_url_path="/docs/files")
    docs.add_url_rule("/openapi.json", "openapi", lambda: jsonify(_here(document())))
    docs.add_url_rule("/docs", "page", _page)
    docs.add_url_rule("/docs/start.js", "start", _start)
    app.register_blueprint(docs)


def names_in(document: dict[str, Any]) -> Taken:
    """What calls take behind the `?`: whatever the document names, and nothing else."""
    return {
        (method.upper(), path.replace("{", "<").replace("}", ">")): [
            one["name"] for one in call.get("parameters", ()) if one["in"] == "query"
        ]
        for path, calls in document["paths"].items()
        for method, call in calls.items()
    }


def _here(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is of this server: who has to be known, and the path that its calls are below."""
    rules = {(_address(rule), method): RULES[rule.endpoint] for rule, method in _calls()}
    paths = {
        path: {
            # Where the document writes an address otherwise than Flask, a call is named as its endpoint.
            method: _ruled(call, rules.get((path, method.upper())) or RULES[call["operationId"]])
            for method, call in calls.items()
        }
        for path, calls in document["paths"].items()
    }
    below = {"servers": [{"url": request.script_root}]} if request.script_root else {}
    security = _KNOWN if _is_login_needed() else _KNOWN_OR_NOT
    return {**document, "paths": paths, "security": security, **below}


def _is_login_needed() -> bool:
    try:
        return login().is_needed()
    except Unavailable:
        # Nobody can tell now; a key does no harm where none is needed.
        return True


def _calls() -> Iterator[tuple[UrlRule, str]]:
    for rule in current_app.url_map.iter_rules():
        yield from ((rule, method) for method in rule.methods or ())


def _address(rule: UrlRule) -> str:
    """An address as the document writes it."""
    return rule.rule.replace("<", "{").replace(">", "}")


def _ruled(call: dict[str, Any], rule: Rule) -> dict[str, Any]:
    """A call with who may make it, and without the statuses that its rule rules out."""
    responses = {
        status: said | {"headers": said.get("headers", {}) | _REQUEST_ID}
        for status, said in call["responses"].items()
        if status not in _NEVER[rule]
    }
    open_to_all: dict[str, Any] = {"security": []} if rule in (Rule.OPEN, Rule.LINK) else {}
    return {**call, "responses": responses, **open_to_all}


def _start() -> Response:
    address = json.dumps(url_for("docs.openapi"))
    return Response(_START.format(address=address), mimetype="text/javascript")


def _page() -> Response:
    response = Response(_PAGE.format(base=escape(request.script_root)), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response
