"""What libjpeg complains of in a JPEG: it goes on after damage, and Pillow passes no complaint on.

simplejpeg does. It reads all data, and makes a picture of an eighth of the size of them.
"""

from enum import Enum

import simplejpeg

#: How libjpeg's complaints about the data begin; of others, such as an unknown version, no pixel suffers.
_DAMAGE = ("Corrupt JPEG data", "Inconsistent progression", "Premature end", "Invalid", "Bogus")
_ENDS_EARLY = ("premature end of data", "Premature end of JPEG")
#: What simplejpeg says of samplings that it cannot name: it has looked at nothing then.
_NOT_LOOKED_AT = ("Could not determine", "subsampling")


class Complaint(Enum):
    """The first thing that is wrong with the data of a JPEG."""

    NONE = "none"
    #: They end before the picture, or before a restart, is whole.
    ENDS_EARLY = "ends early"
    DAMAGED = "damaged"
    #: It could not be looked at.
    UNKNOWN = "unknown"


def complaint_about(data: bytes) -> Complaint:
    """The first complaint about a picture alone, with an end marker."""
    try:
        simplejpeg.decode_jpeg(
            data, "GRAY", fastdct=True, fastupsample=True, min_height=1, min_width=1, min_factor=8
        )
    except ValueError as error:
        return _meant_by(str(error))
    return Complaint.NONE


def is_damaged(data: bytes) -> bool:
    """True when there is a complaint about a JPEG."""
    return complaint_about(data) in (Complaint.ENDS_EARLY, Complaint.DAMAGED)


def _meant_by(said: str) -> Complaint:
    if any(words in said for words in _NOT_LOOKED_AT):
        return Complaint.UNKNOWN
    if any(words in said for words in _ENDS_EARLY):
        return Complaint.ENDS_EARLY
    return Complaint.DAMAGED if said.startswith(_DAMAGE) else Complaint.UNKNOWN
