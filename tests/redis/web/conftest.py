"""Fixtures of web's app."""

from typing import Any

import pytest

from jobs.contract.settings import WebSettings
from tests.servers.internet import Internet


@pytest.fixture
def make_http(make_app, internet: Internet):
    """Makes clients of an app that may fetch from any host, unless it is said otherwise."""

    def make(*allow: str, limits: dict[str, Any] | None = None, **settings: Any):
        web = WebSettings(models=("nano", "ocr"), fetch_allow=allow or ("*",), **settings)
        app = make_app(web, internet.fetcher(*web.fetch_allow, **settings), **(limits or {}))
        return app.test_client()

    return make
