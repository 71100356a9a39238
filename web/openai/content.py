"""The messages of a request as turns, and the images in them, one after the other."""

import binascii
import re
from collections.abc import Callable, Sequence
from io import BytesIO

from flask_openapi3 import FileStorage

from jobs.contract.asking.chat import Turn, question_in
from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.contract.settings import Limits
from web.intake.forms import UNNAMED, URL_FIELD, Address
from web.openai.request import BadField, ImagePart, Request

#: What stands before the bytes of an image in a data URL, and the kind of image that it names.
_DATA = re.compile(r"data:(image/[a-zA-Z0-9.+-]{1,40})(?:;[a-zA-Z0-9=._-]{1,80}){0,4};base64,", re.IGNORECASE)
#: Makes a file of bytes and a name.
Keep = Callable[[bytes, str], FileStorage]
#: Kinds of images whose names end otherwise than they are called.
_ENDINGS = {"jpeg": "jpg", "svg+xml": "svg"}


def turns_of(asked: Request, limits: Limits) -> tuple[Turn, ...]:
    """What is said, with a place for each image.

    Raises BadInput (`missing_file`, `missing_question`) where there is no image, or nothing is asked, and
    TooLarge (`question_too_long`).
    """
    turns = tuple(
        Turn(
            role=message.speaker,
            parts=tuple(None if isinstance(part, ImagePart) else part.text for part in message.parts),
        )
        for message in asked.turns
    )
    if not any(None in turn.parts for turn in turns):
        raise BadField(
            f"There is no image in `{asked.MESSAGES}`, and only questions about images are answered here."
            f" Send one, in any message of a user, as a part of the type `{asked.IMAGE}`.",
            *(asked.MESSAGES, Code.MISSING_FILE),
        )
    said = [text for turn in turns for text in turn.texts]
    if not any(text.strip() for text in said):
        raise BadField(f"Nothing is asked in `{asked.MESSAGES}`.", asked.MESSAGES, Code.MISSING_QUESTION)
    if (chars := sum(map(len, said))) > limits.max_question_chars:
        raise TooLarge(
            f"The messages have {chars:,} characters; the limit is {limits.max_question_chars:,}"
            " (EVA01_MAX_QUESTION_CHARS).",
            code=Code.QUESTION_TOO_LONG,
            field=asked.MESSAGES,
        )
    return turns


def shown_question(turns: Sequence[Turn]) -> str:
    """What people see of a chat as its question: what was asked last."""
    return question_in(turns) or next(
        (text.strip() for turn in reversed(turns) for text in turn.texts if text.strip()), ""
    )


def addresses_of(asked: Request) -> list[Address]:
    """The addresses among the images in messages."""
    return [_address(url) for _, url in asked.images if not _is_data(url)]


def images_of(asked: Request, keep: Keep) -> list[FileStorage]:
    """The images in messages, in their order: each a file that `keep` has made of its bytes, or an address.

    Raises BadInput (`invalid_field`) for what is neither, and what keeping a file raises.
    """
    return [_image(url, where, number, keep) for number, (where, url) in enumerate(asked.images, start=1)]


def _image(url: str, where: str, number: int, keep: Keep) -> FileStorage:
    if not _is_data(url):
        return _address(url)
    found = _DATA.match(url)
    if found is None:
        raise BadField(
            f"`{where}` is {url[:40]!r}…: a data URL begins with data:image/jpeg;base64, or with another kind"
            " of image.",
            where,
        )
    try:
        data = binascii.a2b_base64(url[found.end() :], strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise BadField(f"`{where}` is not in base64: {error}.", where) from error
    kind = found[1].lower().removeprefix("image/")
    return keep(data, f"image-{number}.{_ENDINGS.get(kind, kind)}")


def _is_data(url: str) -> bool:
    return url[:5].lower() == "data:"


def _address(url: str) -> Address:
    return Address(BytesIO(url.encode("utf-8", "replace")), UNNAMED, URL_FIELD)
