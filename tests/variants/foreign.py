"""How files begin that are known and not read."""

from tests.variants import tiffs
from tests.variants.picture import GREY, encoded


def begins(signature: bytes) -> bytes:
    """A file that begins like this."""
    return signature + bytes(range(256)) * 8


def mp4(brand: bytes, *others: bytes) -> bytes:
    """A file of the kind that videos and HEIF share."""
    body = brand + b"\0\0\0\0" + b"".join(others)
    return (len(body) + 8).to_bytes(4, "big") + b"ftyp" + body + bytes(64)


def dicom() -> bytes:
    """A preamble, then its name."""
    return bytes(128) + b"DICM" + bytes(64)


def cr2() -> bytes:
    """Canon's second kind: a TIFF with its name behind the header."""
    whole = tiffs.raw("Canon", is_preview=False)
    return whole[:8] + b"CR\2\0" + whole[12:]


def dng() -> bytes:
    """Adobe's kind."""
    return tiffs.raw("Leica", is_preview=True, _50706=(1, 4, b"\1\4\0\0"))


def mosaic() -> bytes:
    """A TIFF whose colors are a sensor's filter."""
    return tiffs.tiff(GREY.tobytes(), {258: 8, 262: 32803})


def pages_of_office() -> bytes:
    """An office document, which is a zip."""
    return begins(b"PK\3\4\x14\0\6\0")


def icon() -> bytes:
    """An icon as browsers ask for it."""
    return encoded(GREY.convert("RGB"), "ICO", sizes=[(32, 32)])


def jpeg2000() -> bytes:
    """A JPEG 2000 picture in its container."""
    return begins(b"\0\0\0\x0cjP  \r\n\x87\n")
