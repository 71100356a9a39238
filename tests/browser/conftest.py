"""One EVA-01 of real processes for all tests here, and a Chromium that looks at it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Request, WebError, expect

from tests.browser.chromium import launch_arguments
from tests.browser.given import (
    make_batch,
    make_chairs,
    make_cut_batch,
    make_letters,
    mixed,
    wait_until_done,
)
from tests.browser.images import Drawn, drawn
from tests.browser.receipts import Receipt, make_receipts, receipts
from tests.process.conftest import Stack
from tests.processes import Process
from tests.servers.provider import OpenIdProvider
from tests.tools import CHROMIUM

_HERE = Path(__file__).parent
#: Longest wait for anything on a page, in milliseconds: a machine under load is slow.
PATIENCE_MS = 60_000
#: What a page may load from besides its own server: what it has itself.
_OWN_SCHEMES = ("blob:", "data:", "about:")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here as `browser`, with a longer timeout."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    """The path of Chromium; looked up first, so that a skip happens before any process starts."""
    return CHROMIUM.needed()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Redis, web and a worker of `nano`; no worker serves `ocr`."""
    with Stack(tmp_path_factory.mktemp("browser")) as stack:
        stack.start_redis()
        stack.start_web()
        # On few cores, threads that spin while they wait take the browser's time.
        stack.start_worker("nano", OMP_WAIT_POLICY="passive")
        yield stack


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    """A provider that knows anna, a painter."""
    started = OpenIdProvider.start(tmp_path_factory.mktemp("provider"))
    started.know("anna", email="anna@painters.example", email_verified=True, groups=["painters"])
    yield started
    started.end()


@pytest.fixture(scope="session")
def hold_worker(stack: Stack) -> Callable[[], Any]:
    """`with hold_worker():` suspends the worker's process, so that images stay queued."""
    worker = next(process for process in stack.processes if process.name == "worker-nano")

    @contextmanager
    def hold_worker() -> Iterator[Process]:
        worker.send(signal.SIGSTOP)
        try:
            yield worker
        finally:
            worker.send(signal.SIGCONT)

    return hold_worker


@pytest.fixture(scope="session")
def base_url(stack: Stack) -> str:
    """Where the pages are."""
    return stack.url


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: str) -> dict[str, Any]:
    """Launch this Chromium."""
    return {**browser_type_launch_args, **launch_arguments(chromium)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """English by default; without animations, so that no test sees one half way."""
    expect.set_options(timeout=PATIENCE_MS)
    size = {"width": 1280, "height": 900}
    return {**browser_context_args, "locale": "en-US", "viewport": size, "reduced_motion": "reduce"}


@pytest.fixture
def new_context(new_context: Callable[..., BrowserContext], stack: Stack) -> Iterator[Callable[..., Any]]:
    """Makes contexts in which no script may fail and no request may leave for another server."""
    strangers: list[str] = []
    errors: list[str] = []

    def look_at(request: Request) -> None:
        if not request.url.startswith((f"{stack.url}/", *_OWN_SCHEMES)):
            strangers.append(request.url)

    def note(error: WebError) -> None:
        errors.append(f"{error.page.url if error.page else ''}: {error.error}")

    def make(**how: Any) -> BrowserContext:
        context = new_context(**how)
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", look_at)
        context.on("weberror", note)
        return context

    yield make
    assert not strangers, "the pages asked other servers"
    assert not errors, "scripts of the pages failed"


@pytest.fixture(scope="session")
def cut_files() -> Drawn:
    """What is in the batch `cut_batch`."""
    return drawn(5, seed=71)


@pytest.fixture(scope="session")
def cut_batch(stack: Stack, cut_files: Drawn) -> str:
    """The id of a batch that is done, whose answers but one are cut; tests look at it and change nothing."""
    return make_cut_batch(stack, cut_files)


@pytest.fixture(scope="session")
def some_receipts() -> dict[str, Receipt]:
    """What is in the batch `receipts_batch`, by file."""
    return receipts(40)


@pytest.fixture(scope="session")
def receipts_batch(stack: Stack, hold_worker: Callable[[], Any], some_receipts: dict[str, Receipt]) -> str:
    """The id of a batch that is done, whose answers have fields; tests look at it and change nothing."""
    with hold_worker():
        return make_receipts(stack, some_receipts)


@pytest.fixture(scope="session")
def chairs_batch(stack: Stack) -> str:
    """The id of a batch that is done, with jobs about several images; tests look at it and change nothing."""
    batch_id = make_chairs(stack)
    wait_until_done(stack, batch_id)
    return batch_id


@pytest.fixture(scope="session")
def letters_batch(stack: Stack) -> str:
    """The id of a batch that is done, with whole PDFs; tests look at it and change nothing."""
    batch_id = make_letters(stack)
    wait_until_done(stack, batch_id)
    return batch_id


@pytest.fixture(scope="session")
def mixed_files() -> Drawn:
    """What is in the batch `mixed_batch`."""
    return mixed()


@pytest.fixture(scope="session")
def mixed_batch(stack: Stack, mixed_files: Drawn) -> str:
    """The id of a batch that is done, with two failures; tests look at it and change nothing."""
    batch_id = make_batch(stack, "trip", mixed_files.files)
    wait_until_done(stack, batch_id)
    return batch_id
