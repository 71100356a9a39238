"""Blueprints whose calls take a form as it was sent.

flask-openapi3 reads each text field of a form as JSON if it can. A question such as `12` or `null` would not
stay the text that it is, and one of two thousand brackets would be an error of the parser.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask_openapi3 import APIBlueprint
from pydantic import ValidationError

from web.api.schemas.forms import Form
from web.http.problems import refuse_fields


class Blueprint(APIBlueprint):  # type: ignore[misc] # it is untyped
    """Calls of the API; the parameter `form` of a handler is a Form."""

    @staticmethod
    def create_view_func(
        func: Callable[..., Any],
        header: Any,
        cookie: Any,
        path: Any,
        query: Any,
        form: type[Form] | None,
        *others: Any,
        **more: Any,
    ) -> Any:
        """The function that Flask calls."""
        handler = _with_form(func, form) if form else func
        return APIBlueprint.create_view_func(handler, header, cookie, path, query, None, *others, **more)


def _with_form(handler: Callable[..., Any], form: type[Form]) -> Callable[..., Any]:
    @wraps(handler)
    def handle(**given: Any) -> Any:
        try:
            read = form.model_validate(form.sent())
        except ValidationError as error:
            refuse_fields(error)
        return handler(**given, form=read)

    return handle
