"""/openapi.json, made from the handlers, and /docs, which shows it in a bundled Swagger UI."""

from importlib.resources import files
from typing import Any

from flask import Blueprint, Flask, Response, json, jsonify, request, url_for
from markupsafe import escape

#: The files of Swagger UI, as the package brings them.
_SWAGGER = files("flask_openapi3_swagger") / "templates" / "swagger"
#: What goes with a request in the document; where nobody has to be known, nothing need go with it.
SECURITY_SCHEMES = {"key": {"type": "http", "scheme": "bearer", "description": "A key of EVA-01."}}
_SECURITY: list[dict[str, list[str]]] = [{"key": []}, {}]
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


def _here(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what goes with a call, and the path that its calls are below, where there is one."""
    below = {"servers": [{"url": request.script_root}]} if request.script_root else {}
    return {**document, "security": _SECURITY, **below}


def _start() -> Response:
    address = json.dumps(url_for("docs.openapi"))
    return Response(_START.format(address=address), mimetype="text/javascript")


def _page() -> Response:
    response = Response(_PAGE.format(base=escape(request.script_root)), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response
