"""TIFFs in strips or tiles, as differences, packed, and with some of them not stored."""

import zlib
from collections.abc import Collection, Iterator
from typing import Any, Literal

import numpy as np

from tests.files.tiffs import Part, file_of

_KINDS = {"u": 1, "i": 2, "f": 3}
#: How blocks are packed: not at all, or by deflate.
NONE, DEFLATE = 1, 8


def cut_up(
    samples: "np.ndarray",
    *,
    down: int = 16,
    across: int | None = None,
    compression: int = DEFLATE,
    predictor: int = 1,
    is_planar: bool = False,
    missing: Collection[int] = (),
    order: Literal["<", ">"] = "<",
    tags: dict[int, Any] | None = None,
) -> bytes:
    """Rows × columns × channels in strips of `down` rows, or in tiles; those in `missing` are not stored."""
    height, width, channels = samples.shape
    blocks: list[bytes | None] = []
    planes = np.split(samples, channels, axis=2) if is_planar else [samples]
    for number, block in enumerate(block for plane in planes for block in _cut(plane, down, across)):
        data = _as_bytes(block, predictor, order)
        blocks.append(None if number in missing else data if compression == NONE else zlib.compress(data))
    size = {278: down} if across is None else {322: across, 323: down}
    said = {
        256: width,
        257: height,
        258: [samples.dtype.itemsize * 8] * channels,
        259: compression,
        262: 1 if channels < 3 else 2,
        277: channels,
        284: 2 if is_planar else 1,
        317: predictor,
        339: [_KINDS[samples.dtype.kind]] * channels,
    }
    return file_of([Part(said | size | (tags or {}), blocks)], order=order)


def flipped(data: bytes, back: int) -> bytes:
    """With one bit changed, so many bytes before the end."""
    return data[:-back] + bytes([data[-back] ^ 1]) + data[len(data) - back + 1 :]


def endless(samples: "np.ndarray") -> bytes:
    """In one strip of which the packed data come to no end, and no checksum."""
    height, width, channels = samples.shape
    packer = zlib.compressobj()
    packed = packer.compress(samples.tobytes()) + packer.flush(zlib.Z_SYNC_FLUSH)
    tags = {256: width, 257: height, 258: [8] * channels, 259: DEFLATE, 262: 2, 277: channels, 278: height}
    return file_of([Part(tags, [packed])])


def _cut(plane: "np.ndarray", down: int, across: int | None) -> Iterator["np.ndarray"]:
    """Its blocks; a tile at an edge is as large as any other."""
    height, width, _ = plane.shape
    for top in range(0, height, down):
        if across is None:
            yield plane[top : top + down]
            continue
        for left in range(0, width, across):
            tile = plane[top : top + down, left : left + across]
            beyond = (down - tile.shape[0], across - tile.shape[1])
            yield np.pad(tile, ((0, beyond[0]), (0, beyond[1]), (0, 0)))


def _as_bytes(block: "np.ndarray", predictor: int, order: Literal["<", ">"]) -> bytes:
    size = block.dtype.itemsize
    if predictor == 1:
        return block.astype(block.dtype.newbyteorder(order)).tobytes()
    if predictor == 2:
        whole = block.view(f"u{size}")
        steps = np.diff(whole, axis=1, prepend=np.zeros_like(whole[:, :1]))
        return steps.astype(f"{order}u{size}").tobytes()
    # The first bytes of all fractions, then the second ones, and each as what it is more than the last.
    each = block.astype(f">f{size}").view("u1").reshape(len(block), -1, size)
    apart = each.transpose(0, 2, 1).reshape(len(block), -1, block.shape[2])
    return np.diff(apart, axis=1, prepend=np.zeros_like(apart[:, :1])).tobytes()
