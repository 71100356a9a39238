"""Forms written byte by byte, as programs write them that are no browser."""

import re
from typing import Any

from flask.testing import FlaskClient

BOUNDARY = "a-boundary"
#: The field of a form by which it is done once; another each time that it is shown.
ONCE = re.compile(r'name="once" value="([0-9a-f]{32})"')
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(disposition: str | bytes, content: bytes, *headers: str) -> bytes:
    """A part: the parameters of its Content-Disposition, what it holds, and further headers."""
    if isinstance(disposition, str):
        disposition = disposition.encode()
    lines = [b"Content-Disposition: form-data; " + disposition, *(header.encode() for header in headers)]
    return bare_part(b"\r\n".join(lines), content)


def bare_part(headers: bytes, content: bytes) -> bytes:
    """A part with these headers."""
    return b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), headers, content)


def text(name: str, value: str | bytes, *headers: str) -> bytes:
    """A field of text."""
    return part(f'name="{name}"', value.encode() if isinstance(value, str) else value, *headers)


def form(*parts: bytes) -> bytes:
    """A whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(
    http: FlaskClient, address: str, body: bytes, content_type: str = CONTENT_TYPE, **headers: str
) -> Any:
    """Send a body; gives the response."""
    return http.post(address, data=body, content_type=content_type, headers=headers)


def but_for_once(page: str) -> str:
    """A page without the id of its form."""
    return ONCE.sub("", page)
