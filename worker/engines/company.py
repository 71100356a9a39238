"""With whom a job may be on the device, by the crashes that it was in.

none ──► innocents together
one  ──► suspects together, because most of them were only there
two  ──► alone, so that the next crash has one cause (in the whole worker: worker/job/suspects.py)
"""

from enum import Enum, auto
from typing import Self

#: Crashes after which a job runs alone, where as many are allowed.
_ALONE_AFTER = 2


class Company(Enum):
    """The jobs that may be on the device together with one."""

    #: Those that were in no crash.
    INNOCENTS = auto()
    #: Those whose worker was lost with them, once.
    SUSPECTS = auto()
    #: No other.
    NOBODY = auto()

    @classmethod
    def of(cls, crashes: int, max_crashes: int) -> Self:
        """That of a job that was in `crashes`; alone for the last try of `max_crashes`, too."""
        if not crashes:
            return cls.INNOCENTS
        return cls.SUSPECTS if crashes < min(_ALONE_AFTER, max_crashes - 1) else cls.NOBODY

    def admits(self, other: Self) -> bool:
        """True when a job of this company and one of `other` may be on the device together."""
        return self is other and self is not Company.NOBODY
