"""How much of a JPEG is there: decoders fill what is missing with grey, and say nothing.

A picture of one pass is decoded twice, each time with other bytes behind what there is. Where it is whole
these come too late for both; where not, the first of them changes the picture, and tells where it ended.
"""

import random
from collections.abc import Callable

import numpy as np
from PIL import Image

from jobs.formats.images import truncated_image
from jobs.formats.jpeg import Jpeg
from worker.job.decode.partial import rows_alike

#: What is put behind a picture: bytes that decode to something, and never to a marker.
_TAILS = tuple(bytes(random.Random(seed).choices(range(1, 255), k=4096)) for seed in (1, 2))
#: What decoders show where nothing is: the middle of all that can be.
_NOTHING = range(126, 130)
_ALL_COEFFICIENTS = frozenset(range(64))


def may_be_short(jpeg: Jpeg, image: Image.Image) -> bool:
    """True when its end is missing, or may be: a restart is missing, or its last corner is plain grey."""
    if not jpeg.has_end:
        return True
    return not _has_passes(jpeg) and (_rows_by_restarts(jpeg) is not None or _ends_grey(image))


def share_there(jpeg: Jpeg, decode: Callable[[bytes], Image.Image]) -> float:
    """How much of the picture is there from the top, 0 to 1.

    Of several passes, all or nothing: raises ImageRejected (`truncated_image`) unless the first that has each
    detail of the brightness is whole.
    """
    if _has_passes(jpeg):
        if not _has_whole_brightness(jpeg):
            raise truncated_image("its first passes are not whole")
        return 1.0
    one, other = (decode(jpeg.endless + tail + b"\xff\xd9") for tail in _TAILS)
    share = rows_alike(one, other) / one.height
    by_restarts = _rows_by_restarts(jpeg)
    return share if by_restarts is None else min(share, by_restarts / jpeg.frame.height)


def _has_passes(jpeg: Jpeg) -> bool:
    return (
        jpeg.frame.is_progressive
        or len(jpeg.scans) > 1
        or len(jpeg.scans[0].components) < len(jpeg.frame.components)
    )


def _has_whole_brightness(jpeg: Jpeg) -> bool:
    brightness = jpeg.frame.components[0][0]
    there: set[int] = set()
    for scan in jpeg.scans:
        if scan.is_whole and scan.is_first_pass and brightness in scan.components:
            there.update(range(scan.first, scan.last + 1))
    return there >= _ALL_COEFFICIENTS


def _rows_by_restarts(jpeg: Jpeg) -> int | None:
    """Rows of which all restarts are there; None when none is missing."""
    if not jpeg.restart_every:
        return None
    across, down = jpeg.frame.unit
    a_row = -(-jpeg.frame.width // across)
    units = a_row * -(-jpeg.frame.height // down)
    restarts = jpeg.scans[0].restarts
    if restarts >= (units - 1) // jpeg.restart_every:
        return None
    return restarts * jpeg.restart_every // a_row * down


def _ends_grey(image: Image.Image) -> bool:
    corner = np.asarray(image)[-4:, -4:]
    return bool(((corner >= _NOTHING.start) & (corner < _NOTHING.stop)).all())
