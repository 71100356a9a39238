"""How much of a JPEG is there: decoders fill what is missing with grey, and go on in what is damaged.

    libjpeg's complaints ──none──► all passes there? ──► whole
            └─────some, or no end──► where the data end ──► a share of the rows, damaged or not

Where they end is found by decoding twice, each time with other bytes behind what there is. Where all is there
these come too late for both; where not, the first of them changes the picture, and tells where it ended.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from jobs.formats.images import truncated_image
from jobs.formats.jpeg import Jpeg, Scan
from worker.job.decode.jpeg_check import Complaint, complaint_about
from worker.job.decode.partial import rows_alike

#: What is put behind a picture: bytes that decode to something, and never to a marker. No secret.
_TAILS = tuple(bytes(random.Random(seed).choices(range(1, 255), k=4096)) for seed in (1, 2))  # noqa: S311
#: What decoders show where nothing is: the middle of all that can be.
_NOTHING = range(126, 130)
_ALL_COEFFICIENTS = frozenset(range(64))


@dataclass(frozen=True)
class Found:
    """What is there of a JPEG."""

    #: How much of the rows, from the top, 0 to 1.
    share: float = 1.0
    #: True when its end is missing: rows, detail, or the end marker alone.
    is_incomplete: bool = False
    #: True when its data are damaged before their end, or may be: bytes lost within look like a missing end.
    is_damaged: bool = False


def look_at(jpeg: Jpeg, image: Image.Image, decode: Callable[[bytes], Image.Image]) -> Found:
    """What is there of a JPEG, whose `image` libjpeg has made; `decode` makes one of other data.

    Of several passes, all or nothing: raises ImageRejected (`truncated_image`) unless the first that has each
    detail of the brightness is whole.
    """
    endless, complaint = _told_of(jpeg)
    is_short = not jpeg.has_end or (complaint is Complaint.UNKNOWN and _may_be_short(jpeg, image))
    if jpeg.has_passes:
        return _look_at_passes(jpeg, endless, complaint, decode)
    if complaint in (Complaint.NONE, Complaint.UNKNOWN) and not is_short:
        return Found()
    share = _share_by_tails(endless, decode)
    by_restarts = _rows_by_restarts(jpeg)
    if by_restarts is not None:
        share = min(share, by_restarts / jpeg.frame.height)
    return Found(share, share < 1 or not jpeg.has_end, _is_damage(jpeg, complaint))


def _told_of(jpeg: Jpeg) -> tuple[bytes, Complaint]:
    """The data without their end marker, and the complaint; zeros that only fill a file up are taken off."""
    complaint = complaint_about(jpeg.plain)
    if complaint in (Complaint.NONE, Complaint.UNKNOWN) or not jpeg.endless.endswith(b"\0"):
        return jpeg.endless, complaint
    filled = jpeg.endless.rstrip(b"\0")
    without = complaint_about(filled + b"\xff\xd9")
    return (jpeg.endless, complaint) if without is Complaint.DAMAGED else (filled, without)


def _is_damage(jpeg: Jpeg, complaint: Complaint) -> bool:
    """True unless the complaint is of a missing end alone; bytes lost within leave an end marker."""
    return complaint is Complaint.DAMAGED or (complaint is Complaint.ENDS_EARLY and jpeg.has_end)


def _look_at_passes(
    jpeg: Jpeg, endless: bytes, complaint: Complaint, decode: Callable[[bytes], Image.Image]
) -> Found:
    is_well = complaint in (Complaint.NONE, Complaint.UNKNOWN)
    # A cut within the last scan is not seen by an end marker behind it.
    whole = [scan for scan in jpeg.scans if scan.is_whole]
    if not is_well and len(whole) == len(jpeg.scans):
        whole.pop()
    if not _has_whole_brightness(jpeg, whole):
        raise truncated_image("its first passes are not whole")
    is_cut = not jpeg.has_end or not _has_each_bit(jpeg)
    if complaint is Complaint.ENDS_EARLY and not is_cut:
        is_cut = _share_by_tails(endless, decode) < 1
    return Found(is_incomplete=is_cut, is_damaged=_is_damage(jpeg, complaint))


def _has_whole_brightness(jpeg: Jpeg, scans: Iterable[Scan]) -> bool:
    return (
        _coefficients(jpeg.frame.components[0][0], (s for s in scans if s.is_first_pass)) >= _ALL_COEFFICIENTS
    )


def _has_each_bit(jpeg: Jpeg) -> bool:
    """True when there is a scan of each coefficient of each component that ends with its last bit."""
    last = [scan for scan in jpeg.scans if scan.last_bit == 0]
    return all(_coefficients(number, last) >= _ALL_COEFFICIENTS for number, _, _ in jpeg.frame.components)


def _coefficients(component: int, scans: Iterable[Scan]) -> set[int]:
    there: set[int] = set()
    for scan in scans:
        if component in scan.components:
            there.update(range(scan.first, scan.last + 1))
    return there


def _share_by_tails(endless: bytes, decode: Callable[[bytes], Image.Image]) -> float:
    one, other = (decode(endless + tail + b"\xff\xd9") for tail in _TAILS)
    return rows_alike(one, other) / one.height


def _may_be_short(jpeg: Jpeg, image: Image.Image) -> bool:
    """True when a restart is missing, or the last corner is plain grey."""
    return _rows_by_restarts(jpeg) is not None or _ends_grey(image)


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
    left, top = max(0, image.width - 4), max(0, image.height - 4)
    corner = np.asarray(image.crop((left, top, image.width, image.height)))
    return bool(((corner >= _NOTHING.start) & (corner < _NOTHING.stop)).all())
