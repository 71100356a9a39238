"""What a server's failure means for a job.

Busy           it puts us off: wait, then ask again
Broken         it failed on the request: ask again, a few times
Unreachable    nobody took the request: another server, or back to the queue
Lost           it was gone in the middle of it: back to the queue, as a suspect
Shut           it lets nobody in, or has another model: nothing is asked there until it does
Refused        it does not take this one request: the job fails, by its `failure`
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from jobs.contract.codes import Code
from jobs.contract.discreet import without_places
from jobs.contract.errors import EngineFailure, Eva01Error, TooLarge

#: Characters of a server's words that are passed on.
_LONGEST = 300
#: Seconds that a server may put us off at once; what it says beyond is not believed.
_LONGEST_REST_S = 600.0
#: How servers say that a prompt is too long, in their codes or words.
_TOO_LONG = ("context_length", "context length", "context size", "context window", "maximum model length")
_FILTERED = ("content_filter", "content_policy")


class ServerError(Exception):
    """Base of what may go wrong between us and a server."""


class Busy(ServerError):
    """Raised when a server puts us off; `after_s` is how long, in seconds, where it says so."""

    def __init__(self, words: str, after_s: float | None = None) -> None:
        super().__init__(words)
        self.after_s = after_s


class Broken(ServerError):
    """Raised when a server failed on a request; the next may succeed."""


class Unreachable(ServerError):
    """Raised when nobody took the request."""


class Lost(ServerError):
    """Raised when a server was gone before it had said all."""


class Shut(ServerError):
    """Raised when a server takes no request of ours until somebody does something about it: `remedy`."""

    def __init__(self, words: str, remedy: str) -> None:
        super().__init__(words)
        self.remedy = remedy


class Refused(ServerError):
    """Raised when a server does not take one request; the job ends with `failure`."""

    def __init__(self, words: str, failure: Eva01Error) -> None:
        super().__init__(words)
        self.failure = failure


@dataclass(frozen=True)
class Complaint:
    """What a server says of why it does not answer."""

    words: str
    #: Its own code and kind of error, as words.
    code: str = ""

    @classmethod
    def read(cls, content: bytes) -> "Complaint":
        """That of a response's body, whatever it is."""
        said = content.decode(errors="replace")
        with suppress(ValueError):
            return cls.of(json.loads(said))
        return cls(_shortened(said))

    @classmethod
    def of(cls, data: object) -> "Complaint":
        """That of a body, or of an error in it, as OpenAI and FastAPI write them."""
        error = data.get("error", data) if isinstance(data, dict) else data
        if not isinstance(error, dict):
            return cls(_shortened(str(error)))
        words = error.get("message") or error.get("detail") or json.dumps(error)
        code = " ".join(str(error.get(name) or "") for name in ("code", "type", "param"))
        return cls(_shortened(str(words)), code)

    @property
    def all(self) -> str:
        """Code and words, to look for something in."""
        return f"{self.code} {self.words}"

    def says(self, *parts: str) -> bool:
        """True where one of them is in its code or words."""
        return any(part in self.all.lower() for part in parts)


def error_of(status: int, content: bytes, headers: Mapping[str, str]) -> ServerError:
    """What a response means that is no answer."""
    complaint = Complaint.read(content)
    words = f"{status}: {complaint.words}"
    if status == 429 and complaint.says("insufficient_quota"):
        return Shut(words, "see to the account's quota there")
    if status in (408, 409, 425, 429, 503):
        return Busy(words, _rest_s(headers))
    if status in (401, 403):
        return Shut(words, "check EVA01_OPENAI_KEY")
    if status == 404:
        return Shut(
            words, "check EVA01_OPENAI_MODEL, and that EVA01_OPENAI_URL ends as the server says (/v1)"
        )
    if 300 <= status < 400:
        return Shut(words, "give in EVA01_OPENAI_URL the address to which it redirects")
    if status in (502, 504):
        return Lost(words)
    if status >= 500:
        return Broken(words)
    return Refused(complaint.all, failure_of(complaint))


def error_in(data: object) -> ServerError:
    """What an error means that comes in the middle of a stream."""
    complaint = Complaint.of(data)
    with suppress(ValueError):
        return error_of(int(complaint.code.split()[0]), json.dumps(data).encode(), {})
    if complaint.says("invalid_request", "badrequest"):
        return Refused(complaint.all, failure_of(complaint))
    return Broken(complaint.words)


def failure_of(complaint: Complaint) -> Eva01Error:
    """The failure of a job whose request is not taken."""
    if complaint.says(*_FILTERED):
        return filtered(complaint.words)
    said = f"The server does not take it: {complaint.words}"
    if complaint.says(*_TOO_LONG):
        return TooLarge(said, code=Code.PROMPT_TOO_LONG)
    return EngineFailure(said)


def filtered(words: str) -> EngineFailure:
    """The failure of a job whose answer is withheld."""
    said = f" It says: {words}" if words else ""
    return EngineFailure(f"The server withholds its answer.{said}", code=Code.CONTENT_FILTER)


def failure_of_size(most: int) -> EngineFailure:
    """The failure of a job whose answer does not end."""
    return EngineFailure(f"The server said more than {most:,} bytes (EVA01_OPENAI_MAX_BYTES).")


def _rest_s(headers: Mapping[str, str]) -> float | None:
    """What Retry-After says, in seconds from now; None where it says nothing that can be read."""
    said = headers.get("retry-after-ms") or headers.get("retry-after")
    if not said:
        return None
    seconds: float | None = None
    with suppress(ValueError):
        seconds = float(said) / (1000 if "retry-after-ms" in headers else 1)
    if seconds is None:
        with suppress(ValueError, TypeError):
            at = parsedate_to_datetime(said)
            seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return None if seconds is None or seconds != seconds else min(max(0.0, seconds), _LONGEST_REST_S)


def _shortened(words: str) -> str:
    words = without_places(" ".join(words.split()))
    return words if len(words) <= _LONGEST else words[:_LONGEST] + "…"
