"""The page, and what a browser may load on it."""

from flask import Blueprint, Response, current_app, render_template

pages = Blueprint("pages", __name__, template_folder="templates")

#: Only our own files, and no inline script or style: a file name that looks like markup stays text even
#: if it should ever slip into the page as markup. `blob:` shows chosen images before they are sent.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


@pages.get("/")
def index() -> Response:
    """The page: choose images, ask, watch, download."""
    response = Response(render_template("index.html"), mimetype="text/html")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response


@pages.get("/favicon.ico")
def favicon() -> Response:
    """The mark, for browsers that ask before they have read the page."""
    return current_app.send_static_file("images/mark.svg")
