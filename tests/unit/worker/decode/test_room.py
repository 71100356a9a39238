"""All slots decode within one budget: they wait for room, in their order, and a wait can end otherwise."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from PIL import Image

from jobs.contract.errors import TooLarge
from jobs.contract.settings import Limits
from tests.processes import wait_until
from tests.variants.picture import encoded
from worker.job.decode.decoder import Decoder
from worker.job.decode.room import BYTES_A_PIXEL, Room


def nothing() -> None:
    """Who waits is still wanted."""


class Unwanted(Exception):
    """Raised for who is not wanted any more."""


def unwanted() -> None:
    raise Unwanted


def enter(room: Room, pixels: int, order: list[int]) -> None:
    with room.taken(pixels * BYTES_A_PIXEL, nothing):
        order.append(pixels)


def waits(room: Room, count: int) -> None:
    wait_until(lambda: len(room._line) == count, "they wait")


def test_who_does_not_fit_waits_and_nobody_passes():
    room, order = Room(100), list[int]()
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        stack.enter_context(room.taken(60 * BYTES_A_PIXEL, nothing))
        large = threads.submit(enter, room, 50, order)
        waits(room, 1)
        small = threads.submit(enter, room, 10, order)
        waits(room, 2)
        assert order == []
        stack.close()
        large.result(30)
        small.result(30)
    assert order == [50, 10]


def test_one_alone_that_takes_all_there_is_fits_and_a_larger_one_never_does():
    room = Room(100)
    with room.taken(100 * BYTES_A_PIXEL, nothing):
        pass
    with pytest.raises(TooLarge, match="EVA01_DECODE_PIXELS") as refused, room.taken(801, nothing):
        pass
    assert refused.value.code == "too_many_pixels"


def test_who_is_not_wanted_any_more_leaves_the_line_and_the_next_one_enters():
    room = Room(100)
    with ThreadPoolExecutor(1) as threads, room.taken(60 * BYTES_A_PIXEL, nothing):
        with pytest.raises(Unwanted), room.taken(50 * BYTES_A_PIXEL, unwanted):
            pass
        threads.submit(enter, room, 40, []).result(30)
    assert (room._free, len(room._line)) == (100, 0)


def test_an_error_leaves_the_room_as_it_was():
    room = Room(100)
    with pytest.raises(Unwanted), room.taken(800, nothing):
        raise Unwanted
    with room.taken(800, nothing):
        pass


def test_many_pictures_in_many_threads_never_take_more_than_there_is():
    room, taken, most, lock = Room(100), 0, 0, threading.Lock()

    def one(pixels: int) -> None:
        nonlocal taken, most
        with room.taken(pixels * BYTES_A_PIXEL, nothing):
            with lock:
                taken += pixels
                most = max(most, taken)
            with lock:
                taken -= pixels

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(one, [1, 99, 100, 37, 64, 5, 50, 51] * 20))
    assert (most <= 100, room._free) == (True, 100)


def test_pictures_of_all_slots_are_decoded_though_only_one_has_room():
    data = encoded(Image.new("RGBA", (200, 100), "red"), "PNG")
    decoder = Decoder(Limits(decode_pixels=20_000), enough_pixels=1_000_000)
    with ThreadPoolExecutor(8) as threads:
        decoded = list(threads.map(decoder.decode, [data] * 24))
    assert {one.image.size for one in decoded} == {(200, 100)}


@pytest.mark.parametrize(("form", "more"), [("PNG", 1), ("WEBP", 2.25), ("AVIF", 2.25)])
def test_a_picture_counts_at_what_its_decoder_takes(form, more):
    data = encoded(Image.new("RGB", (200, 100), "red"), form)
    assert Decoder(Limits(decode_pixels=int(20_000 * more)), 1_000_000).decode(data).width == 200
    with pytest.raises(TooLarge, match="EVA01_DECODE_PIXELS"):
        Decoder(Limits(decode_pixels=int(20_000 * more) - 1), 1_000_000).decode(data)
