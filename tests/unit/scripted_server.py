"""A real HTTP server on Werkzeug that sends the replies of a test's list, and records requests."""

from typing import Any

import flask
from werkzeug.serving import make_server

from tests.servers.serving import Serving

BATCH_ID = "a" * 32
JOB_ID = "b" * 32
#: The body, the status and the headers.
Reply = tuple[dict[str, Any] | str, int, dict[str, str]]


class Server:
    """Records what it was sent, and answers with what the test has put into `replies`, then 200."""

    def __init__(self) -> None:
        self.app = flask.Flask("server")
        self.replies: list[Reply] = []
        #: What stood behind the `?` of each request.
        self.queries: list[str] = []
        self.requests: list[tuple[str, str, str | None]] = []
        #: The `Authorization` of each.
        self.keys: list[str | None] = []
        #: What was sent as JSON with each; None where nothing was.
        self.bodies: list[Any] = []
        self.files: list[dict[str, bytes]] = []
        self.fields: list[dict[str, str]] = []
        self.app.add_url_rule(
            "/<path:path>", view_func=self.answer, methods=["GET", "POST", "PATCH", "DELETE"], endpoint="any"
        )
        http = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{http.server_port}"
        self._serving = Serving(http)

    def answer(self, path: str) -> Reply:
        """Record, then reply."""
        request = flask.request
        parts = [part for key in request.files for part in request.files.getlist(key)]
        sent = {part.filename or "": part.stream.read() for part in parts}
        for part in parts:
            part.close()
        self.bodies.append(request.get_json(silent=True))
        self.queries.append(request.query_string.decode())
        self.requests.append((request.method, f"/{path}", request.headers.get("Idempotency-Key")))
        self.keys.append(request.headers.get("Authorization"))
        self.files.append(sent)
        self.fields.append(request.form.to_dict())
        if self.replies:
            return self.replies.pop(0)
        return {"files": [{"file": name, "job_id": JOB_ID} for name in sent]}, 200, {}

    def end(self) -> None:
        """Stop serving."""
        self._serving.end()
