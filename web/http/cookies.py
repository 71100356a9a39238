"""Cookies that no script reads, and no other website's page sends along with what it changes."""

from typing import Any

from flask import request
from werkzeug import Response


def cookie(name: str) -> str | None:
    """The value of a cookie that `set_cookie` has set; None when there is none."""
    return request.cookies.get(_full_name(name))


def set_cookie(response: Response, name: str, value: str, max_age_s: int) -> None:
    """Have the browser keep a value: over TLS alone where it came by TLS, and for this server's path."""
    response.set_cookie(_full_name(name), value, max_age=max_age_s, **_scope())


def drop_cookie(response: Response, name: str) -> None:
    """Have the browser forget it."""
    response.delete_cookie(_full_name(name), **_scope())


def _full_name(name: str) -> str:
    """With `__Host-`, only this very host can set it; browsers allow that with TLS, for the whole host."""
    return f"__Host-{name}" if request.is_secure and not request.script_root else name


def _scope() -> dict[str, Any]:
    path = request.script_root or "/"
    return {"path": path, "secure": request.is_secure, "httponly": True, "samesite": "Lax"}
