"""The content of a zip's entry, piece by piece: none is large, whatever a few bytes stand for.

zipfile unpacks bzip2 and LZMA in one go, and lets a few bytes of LZMA ask for gigabytes of memory.
"""

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol

_PACKED_BYTES, _PIECE_BYTES = 64 * 1024, 1024 * 1024
#: What stands before LZMA's data in a zip: a version and how long the properties are; then these.
_LZMA_HEAD, _LZMA_PROPERTIES = struct.Struct("<HH"), struct.Struct("<BI")
_LEAST_LZMA_BYTES = 4096


class _Unpacker(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def pieces_of(file: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content that begins here in the file, as many bytes as the zip says, in pieces.

    Raises BadZipFile where it is not what the zip says, NotImplementedError for a way of packing that is not
    read, and zlib.error, LZMAError, EOFError or OSError for broken data.
    """
    unpack = _WAYS.get(info.compress_type)
    if unpack is None:
        raise NotImplementedError(f"it is packed in way {info.compress_type}, which is not read")
    size, checksum = 0, 0
    for piece in unpack(file, info):
        size += len(piece)
        if size > info.file_size:
            raise zipfile.BadZipFile(f"it unpacks to more than the zip says, {info.file_size:,} bytes")
        checksum = zlib.crc32(piece, checksum)
        yield piece
    if size < info.file_size:
        raise zipfile.BadZipFile(f"it unpacks to {size:,} of the {info.file_size:,} bytes that the zip says")
    if checksum != info.CRC:
        raise zipfile.BadZipFile("its checksum is wrong")


def _packed(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (data := file.read(min(size, _PACKED_BYTES))):
        size -= len(data)
        yield data


def _stored(file: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    return _packed(file, info.compress_size)


def _deflated(file: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for data in _packed(file, info.compress_size):
        left = data
        while left and not unpacker.eof:
            yield unpacker.decompress(left, _PIECE_BYTES)
            left = unpacker.unconsumed_tail
    yield unpacker.flush()


def _bzipped(file: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    return _unpacked(bz2.BZ2Decompressor(), _packed(file, info.compress_size))


def _with_lzma(file: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """With a window no larger than the content, which needs none that is."""
    head = file.read(_LZMA_HEAD.size + _LZMA_PROPERTIES.size)
    if len(head) < _LZMA_HEAD.size + _LZMA_PROPERTIES.size:
        raise EOFError("its LZMA header is cut off")
    (_, length), (bits, window) = _LZMA_HEAD.unpack_from(head), _LZMA_PROPERTIES.unpack_from(head, 4)
    if length != _LZMA_PROPERTIES.size:
        raise zipfile.BadZipFile("its LZMA header makes no sense")
    way = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(_LEAST_LZMA_BYTES, min(window, info.file_size)),
        "lc": bits % 9,
        "lp": bits // 9 % 5,
        "pb": bits // 45,
    }
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[way])
    return _unpacked(unpacker, _packed(file, info.compress_size - len(head)))


def _unpacked(unpacker: _Unpacker, packed: Iterator[bytes]) -> Iterator[bytes]:
    for data in packed:
        yield unpacker.decompress(data, _PIECE_BYTES)
        while not unpacker.needs_input and not unpacker.eof:
            yield unpacker.decompress(b"", _PIECE_BYTES)
        if unpacker.eof:
            return


_WAYS: dict[int, Callable[[IO[bytes], zipfile.ZipInfo], Iterator[bytes]]] = {
    zipfile.ZIP_STORED: _stored,
    zipfile.ZIP_DEFLATED: _deflated,
    zipfile.ZIP_BZIP2: _bzipped,
    zipfile.ZIP_LZMA: _with_lzma,
}
