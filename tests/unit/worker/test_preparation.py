"""An image that several slots need at the same time is fetched, decoded and seen once."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from jobs.contract.errors import EngineFailure, Eva01Error
from jobs.contract.settings import Limits
from jobs.storage.files.blobs import BlobStore
from tests.files.drawing import Scene
from tests.processes import wait_until
from tests.stubs.engine import StubEngine
from worker.device.base import GivenBack
from worker.job.decode.decoder import Decoder
from worker.job.preparation import Preparation
from worker.ops.metrics import ModelMetrics

RED = Scene("white", (("red", "circle"),)).encode()
BLUE = Scene("white", (("blue", "circle"),)).encode(width=200, height=100)


class GatedStore(BlobStore):
    """A blob store whose reads wait for a gate, or fail with `error`; counts the reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder.as_uri(), patience_s=0)
        self.asked: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.error: Exception | None = None

    def get_image(self, sha256: str) -> bytes:
        self.asked.append(sha256)
        assert self.may_go_on.wait(30)
        if self.error:
            raise self.error
        return super().get_image(sha256)


class Slots:
    """A preparation, used as by several slots."""

    def __init__(self, folder: Path) -> None:
        self.blobs = GatedStore(folder)
        self.engine = StubEngine()
        decoder = Decoder(Limits(), self.engine.enough_pixels)
        self.preparation = Preparation(self.blobs, decoder, self.engine, ModelMetrics("stub"))

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs.put_image(sha256, data)
        return sha256

    def hold(self, stack: ExitStack, sha256: str) -> tuple[tuple[int, int], bool]:
        """The engine's view of an image, and whether this slot has decoded it."""
        decoded = stack.enter_context(self.preparation.decoded(sha256))
        seen = stack.enter_context(self.preparation.seen(sha256, 1, decoded.value))
        return seen.value, decoded.is_maker

    def error_of(self, sha256: str) -> Exception:
        with pytest.raises(Exception) as raised, ExitStack() as stack:
            self.hold(stack, sha256)
        return raised.value

    def errors_at_once(self, sha256: str) -> list[Exception]:
        """The errors of four slots that all wait before the image is fetched."""
        self.blobs.may_go_on.clear()
        with ThreadPoolExecutor(4) as threads:
            errors = [threads.submit(self.error_of, sha256) for _ in range(4)]
            shared = self.preparation._decoded._shared
            wait_until(lambda: sum(one.holders for one in [*shared.values()]) == 4, "all wait")
            self.blobs.may_go_on.set()
        return [error.result() for error in errors]


@pytest.fixture
def slots(tmp_path) -> Slots:
    return Slots(tmp_path)


def test_one_image_in_many_slots_is_fetched_and_seen_once(slots):
    red = slots.put(RED)
    with ExitStack() as stack:
        held = [slots.hold(stack, red) for _ in range(4)]
    assert held == [((480, 320), True), *[((480, 320), False)] * 3]
    assert (slots.blobs.asked, slots.engine.seen) == ([red], [(480, 320)])


def test_it_is_forgotten_with_the_last_slot(slots):
    red = slots.put(RED)
    for _ in range(2):
        with ExitStack() as stack:
            slots.hold(stack, red)
    assert slots.blobs.asked == [red, red]
    assert slots.preparation._decoded._shared == slots.preparation._seen._shared == {}


def test_different_images_are_not_shared(slots):
    red, blue = slots.put(RED), slots.put(BLUE)
    with ExitStack() as stack:
        held = [slots.hold(stack, sha256) for sha256 in (red, blue, red)]
    assert held == [((480, 320), True), ((200, 100), True), ((480, 320), False)]


def test_an_image_that_cannot_be_read_fails_all_who_wait_for_it(slots):
    broken = slots.put(RED[:200])
    errors = slots.errors_at_once(broken)
    assert {isinstance(error, Eva01Error) and error.code for error in errors} == {"truncated_image"}
    assert slots.blobs.asked == [broken]


def test_a_worker_that_stops_gives_back_all_who_wait(slots):
    red = slots.put(RED)
    slots.blobs.error = GivenBack("the worker stops")
    assert {type(error) for error in slots.errors_at_once(red)} == {GivenBack}
    assert slots.blobs.asked == [red]


def test_an_image_that_the_engine_cannot_see_is_decoded_all_the_same(slots):
    red = slots.put(RED)
    slots.engine.blind_width = 480
    with slots.preparation.decoded(red) as decoded:
        assert (decoded.value.width, decoded.value.height) == (480, 320)
        with pytest.raises(EngineFailure), slots.preparation.seen(red, 1, decoded.value):
            pass
