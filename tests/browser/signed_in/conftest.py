"""A web that wants to know who asks, for all tests here, and browsers of people."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.conftest import PATIENCE_MS
from tests.browser.signing import ADMIN_KEY
from tests.process.conftest import Stack
from tests.servers.provider import OpenIdProvider


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, provider: OpenIdProvider) -> Iterator[Stack]:
    """Redis and a web that wants to know who asks; no worker."""
    with Stack(tmp_path_factory.mktemp("guarded")) as stack:
        stack.start_redis()
        env = {"EVA01_ADMIN_KEY": ADMIN_KEY, "EVA01_ADMIN_OWNER": "root", **provider.env}
        stack.start_web(**env)
        yield stack


@pytest.fixture
def new_browser(
    browser: Browser, browser_context_args: dict[str, Any], guarded: Stack
) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browsers of people at the guarded web, each with cookies of its own."""
    made: list[BrowserContext] = []

    def make(**how: Any) -> BrowserContext:
        context = browser.new_context(**{**browser_context_args, "base_url": guarded.url, **how})
        context.set_default_timeout(PATIENCE_MS)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
