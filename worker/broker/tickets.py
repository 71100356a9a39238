"""A ticket, read from a message in which anything may stand.

Whoever can write to Redis can put anything into the list. What is no ticket of ours is found here, before
Celery sees it; and of one that is, only its number and whether it came back go further, in a message that is
written anew. So nothing in a message can make a worker run, unpack, wait or publish anything.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from jobs.contract.names import TASK_ANSWER

#: The body of a ticket: no arguments, and nothing to do afterwards.
_BODY = "[[],{},{}]"


class NoTicket(Exception):
    """Raised when a message cannot be a ticket; says why, without any of its content."""


class _Part(BaseModel):
    """A part of a message; what another version writes besides is passed over."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Delivery(_Part):
    redelivered: bool = False


class _Properties(_Part):
    delivery_tag: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
    delivery_info: _Delivery
    body_encoding: Literal["base64"] | None = None


class _Headers(_Part):
    task: Annotated[str, StringConstraints(pattern=f"^{re.escape(TASK_ANSWER)}$")]
    #: What would make Celery wait, let it go, or unpack its body.
    eta: None = None
    expires: None = None
    compression: None = None


class _Message(_Part):
    body: str
    content_type: Literal["application/json"] = Field(alias="content-type")
    content_encoding: Literal["utf-8"] = Field(alias="content-encoding")
    headers: _Headers
    properties: _Properties


@dataclass(frozen=True)
class Ticket:
    """A ticket: its number, and whether another worker had it."""

    number: str
    is_redelivered: bool

    @classmethod
    def read(cls, message: bytes, most_bytes: int) -> Self:
        """The ticket that a message is.

        Raises NoTicket.
        """
        if len(message) > most_bytes:
            raise NoTicket(f"it has {len(message):,} bytes, and may have {most_bytes:,}")
        try:
            found = _Message.model_validate_json(message)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            # Only fields that are declared here are ever named.
            wrong = ".".join(map(str, first["loc"]))
            raise NoTicket(f"its {wrong} is no ticket's" if wrong else "it is no JSON object") from None
        properties = found.properties
        if not _is_empty(found.body, is_base64=properties.body_encoding is not None):
            raise NoTicket("its body is no ticket's")
        return cls(properties.delivery_tag, properties.delivery_info.redelivered)

    def message(self, queue: str) -> bytes:
        """The ticket as Celery is to see it."""
        delivery: dict[str, Any] = {"exchange": "", "routing_key": queue}
        headers: dict[str, Any] = {"task": TASK_ANSWER, "id": self.number}
        if self.is_redelivered:
            delivery["redelivered"] = headers["redelivered"] = True
        return json.dumps(
            {
                "body": _BODY,
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": headers,
                "properties": {"delivery_tag": self.number, "delivery_info": delivery},
            }
        ).encode()


def _is_empty(body: str, *, is_base64: bool) -> bool:
    """True when a body has no arguments, and names nothing to do afterwards."""
    try:
        parts = from_json(base64.b64decode(body, validate=True) if is_base64 else body)
    except (ValueError, binascii.Error):
        return False
    match parts:
        case [[], dict(arguments), dict(embedded)]:
            return not arguments and not any(embedded.values())
    return False
