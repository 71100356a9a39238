"""Web's app, as many tests make one each: its templates and addresses are compiled once for all of them."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import Flask
from flask_openapi3 import OpenAPI
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from web.app import create_app


class _Compiled(BytecodeCache):
    """Keeps in memory what was compiled; Jinja compares the text that it was made of."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket, if its template was compiled before."""
        if code := self._codes.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what is in the bucket."""
        self._codes[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class _Rule(Rule):
    """Its functions that build addresses know no app: those of the same rule are the same in each."""

    _builders: ClassVar[dict[Any, Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, repr(self.defaults), append_unknown)
        if key not in self._builders:
            self._builders[key] = super()._compile_builder(append_unknown)
        return self._builders[key]


OpenAPI.url_rule_class = _Rule


def app_of(*settings: Any) -> Flask:
    """What `create_app` makes of its settings."""
    app = create_app(*settings)
    app.jinja_env.bytecode_cache = _COMPILED
    return app
