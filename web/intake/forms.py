"""Forms as programs really send them: no part is lost for its name, and no body that is broken looks empty.

name not in UTF-8 (curl on a Chinese Windows)       ──► read as it was most likely meant
no file name, but a field of files, or no text      ──► a file called `unnamed`
no file name, and no bytes                          ──► no file was chosen: so browsers say it
the address of an image                             ──► a file that holds it, in its place among the others
a file whose headers are too long                   ──► it is refused, and no other
no boundary, another one, no end                    ──► BadInput (`malformed_form`)
"""

import io
import re
from collections.abc import Collection, Iterator, Sequence
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from flask import Request
from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData, State

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from web.intake.names.charsets import decoded, readable

MULTIPART = "multipart/form-data"
_FORM_TYPES = (MULTIPART, "application/x-www-form-urlencoded")
#: Fields of files: whatever comes in them is one, also without a name.
FILE_FIELDS = ("file", "files")
#: The field of addresses of images, and bytes of one that are looked at.
URL_FIELD, _ADDRESS_BYTES = "url", 64 * 1024
#: A field in which HTML's forms say what they are written in; here it means nothing.
CHARSET_FIELD = "_charset_"
#: What a file without a name is called.
UNNAMED = "unnamed"
_ZIP_TYPES = ("application/zip", "application/x-zip-compressed")
#: Types of parts that are text when they have no file name.
_TEXT_TYPES = ("", "application/json")
#: Types of what a browser sends where no file was chosen.
_UNTYPED = ("", "application/octet-stream")
#: Bytes that are read at a time, and of a part's headers: paths of ten thousand characters fit.
_READ_BYTES, _HEADER_BYTES = 64 * 1024, 64 * 1024
#: Bytes of headers for each part that a form may have: a path of a thousand characters in UTF-8 fits.
_HEADER_BYTES_A_PART = 4096
#: Lines of a part's headers, and parameters in a line; programs send three of either.
_MOST_LINES, _MOST_PARAMETERS = 32, 32
#: A name with its charset, as RFC 8187 writes it, and what may look like one but is part of a plain name.
_EXTENDED_NAME = re.compile(r";\s*filename\*=([^';\s]*)'[^';]*'([^;\s]*)", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
_QUOTED_BYTES = re.compile(_QUOTED.pattern.encode())
#: What is read of headers that are too long: the field, and so much of the file's name.
_FIELD = re.compile(rb'[;\s]name="([^"\r\n]{0,100})"', re.IGNORECASE)
_NAME_BEGINS = re.compile(rb'[;\s]filename="([^"\r\n]{0,1000})', re.IGNORECASE)
#: A backslash that escapes (`\\`, `\"`), or one that is itself, as browsers and curl send Windows paths.
#: One before the last quote is itself, too.
_BACKSLASH = re.compile(r'(\\\\|\\"(?!\s*$))|\\')


def check_form(request: Request) -> None:
    """Raises BadInput (`malformed_form`) when the request's body is no form."""
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    if has_body and request.mimetype not in _FORM_TYPES:
        kind = request.mimetype[:100] or "of no type"
        raise _malformed(f"The body is {kind}, and no form. Send {MULTIPART} with the file in it.")


def check_fields(texts: MultiDict[str, str], known: Collection[str]) -> None:
    """Raises BadInput (`invalid_field`) for a field of text that is none of `known`, or is there twice."""
    for name, said in texts.lists():
        if name == CHARSET_FIELD:
            continue
        if name not in known:
            fields = ", ".join(f"`{field}`" for field in known)
            message = f"There is no field `{name[:100]}` in this form. Those there are: {fields}."
            raise BadInput(message, code=Code.INVALID_FIELD, field=name[:100])
        if len(said) > 1:
            message = f"`{name[:100]}` is there twice in the form. Send it once."
            raise BadInput(message, code=Code.INVALID_FIELD, field=name[:100])


class FormParser(FormDataParser):
    """Werkzeug's parser of forms, made lenient with names and strict with bodies.

    Raises BadInput (`malformed_form`, `invalid_field`), RequestEntityTooLarge, and what the factory of
    streams raises.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        """The stream, the texts and the files of a form."""
        self.silent = False
        try:
            if mimetype == MULTIPART:
                return stream, *self._multipart(stream, content_length, (options or {}).get("boundary", ""))
            left, texts, _ = super().parse(self._few_fields(stream), mimetype, content_length, options)
            return left, *self._told_apart(texts)
        except ClientDisconnected as error:
            raise _malformed("The request ended before all of its body had come. Send it again.") from error
        except ValueError as error:
            raise _malformed("The form is not in UTF-8. Send it so.") from error

    def _told_apart(self, sent: MultiDict[str, str]) -> tuple[Any, Any]:
        """The texts of a form that has no files, and the addresses among them as such."""
        texts, addresses = [], []
        for name, text in sent.items(multi=True):
            if name == URL_FIELD and text.strip():
                stream = self.stream_factory(None, "", UNNAMED)
                stream.write(text.encode("utf-8", "replace"))
                stream.seek(0)
                addresses.append((name, Address(stream, UNNAMED, name)))
            elif name != URL_FIELD:
                texts.append((name, text))
        return self.cls(texts), self.cls(addresses)

    def _few_fields(self, stream: IO[bytes]) -> IO[bytes]:
        """The body of a form without files; raises RequestEntityTooLarge for one of too many fields."""
        body = stream.read()
        if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
            raise RequestEntityTooLarge
        return io.BytesIO(body)

    def _multipart(self, stream: IO[bytes], content_length: int | None, boundary: str) -> tuple[Any, Any]:
        if not boundary or not boundary.isascii():
            raise _malformed(
                "The form's Content-Type names no boundary. Let the HTTP client write that header itself."
            )
        texts, files, text_bytes = [], [], 0
        part: _Text | _File
        for event in self._events(stream, boundary):
            if isinstance(event, Field | File):
                part = _File(event, self, content_length) if _is_file(event) else _Text(event)
            elif isinstance(event, Data):
                part.write(event.data)
                text_bytes += len(event.data) if isinstance(part, _Text) else 0
                if self.max_form_memory_size is not None and text_bytes > self.max_form_memory_size:
                    raise RequestEntityTooLarge
                if event.more_data:
                    continue
                if isinstance(part, _Text):
                    texts.append((part.field, part.text()))
                elif part.was_chosen:
                    files.append((part.field, part.storage()))
        return self.cls(texts), self.cls(files)

    def _events(self, stream: IO[bytes], boundary: str) -> Iterator[Event]:
        """What the decoder finds; raises BadInput (`malformed_form`) when it comes to no end."""
        decoder = _Decoder(boundary.encode(), self.max_form_memory_size, max_parts=self.max_form_parts)
        try:
            while True:
                decoder.receive_data(stream.read(_READ_BYTES) or None)
                while not isinstance(event := decoder.next_event(), NeedData):
                    if isinstance(event, Epilogue):
                        return
                    yield event
        except (ValueError, RequestEntityTooLarge) as error:
            if decoder.state is State.PREAMBLE:
                raise _malformed(
                    f"The form's Content-Type names a boundary, {boundary[:100]!r}, that is not in its body."
                    " Let the HTTP client write that header itself."
                ) from error
            if isinstance(error, ValueError):
                raise _malformed("The form breaks off before its last boundary. Send all of it.") from error
            raise


class _Decoder(MultipartDecoder):
    """Werkzeug's decoder, with headers in any charset, and of parts that have none."""

    _header_bytes = 0

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        self._header_bytes += len(data)
        if self.max_parts is not None and self._header_bytes > self.max_parts * _HEADER_BYTES_A_PART:
            raise _malformed(
                f"The headers of the first parts have {self._header_bytes:,} bytes, too many for all parts."
                " Send fewer files at once, or shorter names."
            )
        if len(data) > _HEADER_BYTES:
            return RefusedHeaders.of(
                bytes(data[:_HEADER_BYTES]),
                f"This file's headers have {len(data):,} bytes, over {_HEADER_BYTES:,}. Send a shorter name.",
            )
        lines = bytes(data).split(b"\n")
        if len(lines) > _MOST_LINES or any(map(_has_many_parameters, lines)):
            return RefusedHeaders.of(
                bytes(data),
                f"The headers of this file have over {_MOST_LINES} lines, or one over {_MOST_PARAMETERS}"
                " parameters. Let the HTTP client write them itself.",
            )
        headers = super()._parse_headers(b"\n".join(readable(line).encode() for line in lines))
        disposition = headers.get("Content-Disposition", "form-data")
        # Werkzeug takes any backslash for an escape.
        headers["Content-Disposition"] = _BACKSLASH.sub(lambda found: found[1] or "\\\\", disposition)
        return headers


class Address(FileStorage):
    """The address of an image, which was sent in its place."""

    @property
    def text(self) -> str:
        """What was sent, or so much of it that it is too long."""
        self.stream.seek(0)
        return self.stream.read(_ADDRESS_BYTES).decode("utf-8", "replace")


class RefusedHeaders(Headers):
    """The headers of a file that is not read, and why not."""

    def __init__(self, error: BadInput, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__([*headers])
        self.error = error

    @classmethod
    def of(cls, data: bytes, message: str) -> "RefusedHeaders":
        """Headers of which nothing is read but the field and where a file's name begins."""
        field, name = _FIELD.search(data), _NAME_BEGINS.search(data)
        said = "form-data"
        for key, found in (("name", field), ("filename", name)):
            value = readable(found[1]).replace("\\", "\\\\") if found else ""
            said += f'; {key}="{value}"' if found else ""
        return cls(_malformed(message), [("Content-Disposition", said)])


def check_sent(file: FileStorage) -> None:
    """Raises BadInput for a file of which there is only its refusal: `malformed_form`, or of an address."""
    if isinstance(file.headers, RefusedHeaders):
        raise file.headers.error


class _Text:
    """A field of text."""

    def __init__(self, event: Field | File) -> None:
        if isinstance(event.headers, RefusedHeaders):
            raise event.headers.error
        self.field = event.name or ""
        self._charset = _type_of(event.headers)[1].get("charset", "utf-8")
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        """Append."""
        self._data += data

    def text(self) -> str:
        """What it says.

        Raises BadInput (`invalid_field`): a guess could ask something else than was meant.
        """
        try:
            return decoded(bytes(self._data), self._charset)
        except ValueError as error:
            message = f"`{self.field[:100]}` is no text in {self._charset[:100]}. Send it in UTF-8."
            raise BadInput(message, code=Code.INVALID_FIELD) from error


class _File:
    """A file, which goes where the parser's factory of streams says."""

    def __init__(self, event: Field | File, parser: FormDataParser, content_length: int | None) -> None:
        self.field = event.name or ""
        self._type = _type_of(event.headers)[0]
        self._name = _file_name(event)
        name = self._name or (f"{UNNAMED}.zip" if self._type in _ZIP_TYPES else UNNAMED)
        stream = parser.stream_factory(content_length, self._type, name)
        kind = FileStorage if self._name or self.field != URL_FIELD else Address
        self._storage = kind(stream, name, self.field, headers=event.headers)
        self._has_bytes = False

    @property
    def was_chosen(self) -> bool:
        """False for what a browser sends where no file was chosen."""
        return bool(self._name) or self._has_bytes or self._type not in _UNTYPED

    def write(self, data: bytes) -> None:
        """Append."""
        self._has_bytes = self._has_bytes or bool(data)
        self._storage.stream.write(data)

    def storage(self) -> FileStorage:
        """The file, to be read from its beginning."""
        self._storage.stream.seek(0)
        return self._storage


def _has_many_parameters(line: bytes) -> bool:
    """True for too many of them, not counted what stands in quotes."""
    return line.count(b";") > _MOST_PARAMETERS and _QUOTED_BYTES.sub(b"", line).count(b";") > _MOST_PARAMETERS


def _is_file(event: Field | File) -> bool:
    """True for what has a file name, comes in a field of files or addresses, or is no text."""
    kind = _type_of(event.headers)[0]
    is_text = kind in _TEXT_TYPES or kind.startswith("text/")
    return isinstance(event, File) or event.name in (*FILE_FIELDS, URL_FIELD) or not is_text or not event.name


def _file_name(event: Field | File) -> str:
    """The part's file name, by RFC 8187 where it has one; "" where it has none."""
    plain = _QUOTED.sub("", event.headers["Content-Disposition"])
    if extended := _EXTENDED_NAME.search(plain):
        charset, name = extended[1], unquote_to_bytes(extended[2])
        try:
            return decoded(name, charset)
        except ValueError:
            return readable(name)
    return event.filename if isinstance(event, File) else ""


def _type_of(headers: Headers) -> tuple[str, dict[str, str]]:
    kind, parameters = parse_options_header(headers.get("Content-Type"))
    return kind.lower(), parameters


def _malformed(message: str) -> BadInput:
    return BadInput(message, code=Code.MALFORMED_FORM)
