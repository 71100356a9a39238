"""Web's app, as many tests make one each: its pages' templates are compiled once for all of them."""

from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

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


def app_of(*settings: Any) -> Flask:
    """What `create_app` makes of its settings."""
    app = create_app(*settings)
    app.jinja_env.bytecode_cache = _COMPILED
    return app
