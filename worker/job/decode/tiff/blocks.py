"""The strips or tiles of a TIFF: where they lie, which of them are not stored, and which are damaged.

place 0, 0 bytes ──► not stored, as GDAL leaves out what is empty: it shows nothing
place 0          ──► the file's header lies there: no pixels do
deflate          ──► its checksum tells damage, which the decoder does not look at
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.formats import tiff
from jobs.formats.images import truncated_image, unsupported_format

#: Strips or tiles of a file: one for each row and channel of the highest pictures.
_MOST = 1 << 20
#: Pixels of a tile, or as many times those of the picture: all of it is unpacked, be the picture small.
_MOST_TILE_PIXELS, _TILE_SHARE = 1 << 24, 4
_DEFLATE = frozenset({8, 32946})
_UNPACKED_BYTES = 65_536

#: First column and row, and those behind the last.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Blocks:
    """Strips or tiles in the order of the file; where each channel lies for itself, plane by plane."""

    #: Byte of the file at which each begins, and how many it has.
    places: tuple[int, ...]
    sizes: tuple[int, ...]
    #: Pixels of the picture, and of one of them.
    width: int
    height: int
    across: int
    down: int
    planes: int
    is_tiled: bool

    @property
    def columns(self) -> int:
        """How many lie beside each other."""
        return -(-self.width // self.across)

    @property
    def a_plane(self) -> int:
        """How many make up a plane."""
        return self.columns * -(-self.height // self.down)

    @property
    def unstored(self) -> tuple[int, ...]:
        """The numbers of those that are not stored, from 0."""
        listed = zip(self.places, self.sizes, strict=False)
        return tuple(number for number, (place, size) in enumerate(listed) if not place and not size)

    def ends_behind(self, size_bytes: int) -> bool:
        """True when one ends behind the end of a file of so many bytes, or is not listed at all."""
        if len(self.places) < self.planes * self.a_plane:
            return True
        return any(place + size > size_bytes for place, size in zip(self.places, self.sizes, strict=False))

    def box(self, number: int) -> tuple[int | None, Box]:
        """The plane of one of them, None where there is but one, and the pixels that it shows."""
        plane, rest = divmod(number, self.a_plane)
        row, column = divmod(rest, self.columns)
        left, top = column * self.across, row * self.down
        box = (left, top, min(left + self.across, self.width), min(top + self.down, self.height))
        return (plane if self.planes > 1 else None), box

    def of_planes(self, planes: Sequence[int]) -> "Blocks":
        """Those of some planes alone."""
        numbers = [
            number for plane in planes for number in range(plane * self.a_plane, (plane + 1) * self.a_plane)
        ]
        places, sizes = (
            tuple(listed[number] for number in numbers if number < len(listed))
            for listed in (self.places, self.sizes)
        )
        return replace(self, places=places, sizes=sizes, planes=len(planes))

    def all_stored(self) -> "Blocks":
        """The same with a stored one in place of each that is not, for decoders that know no other.

        Raises ImageRejected (`unsupported_format`) where only the last, lower one is stored.
        """
        unstored = set(self.unstored)
        if not unstored:
            return self
        whole = [n for n in range(len(self.sizes)) if n not in unstored and self._is_whole(n)]
        if not whole:
            raise unsupported_format(
                "a TIFF of which only the last strip is stored, and packed", "Save it uncompressed, or as PNG"
            )
        shortest = min(whole, key=lambda number: self.sizes[number])
        chosen = [shortest if number in unstored else number for number in range(len(self.places))]
        return replace(
            self,
            places=tuple(self.places[number] for number in chosen),
            sizes=tuple(self.sizes[number] if number < len(self.sizes) else 0 for number in chosen),
        )

    def _is_whole(self, number: int) -> bool:
        _, (_, top, _, end) = self.box(number)
        return self.is_tiled or end - top == self.down


def blocks_of(directory: tiff.Directory) -> Blocks:
    """The strips or tiles that a directory lists.

    Raises ImageRejected (`truncated_image`; `unsupported_format` for very many).
    """
    width, height = directory.number(tiff.WIDTH), directory.number(tiff.HEIGHT)
    is_tiled = tiff.TILE_OFFSETS in directory and tiff.STRIP_OFFSETS not in directory
    tags = (tiff.TILE_OFFSETS, tiff.TILE_BYTES) if is_tiled else (tiff.STRIP_OFFSETS, tiff.STRIP_BYTES)
    across, down = _tile_of(directory) if is_tiled else (width, directory.number(tiff.ROWS_PER_STRIP))
    across, down = across or width, down or height
    if across < 0 or down < 0:
        raise truncated_image("its directory names no size of strips or tiles that can be")
    is_planar = directory.number(tiff.PLANAR, 1) != 1
    planes = max(1, directory.number(tiff.SAMPLES, 1)) if is_planar else 1
    blocks = Blocks((), (), width, height, across, down if is_tiled else min(down, height), planes, is_tiled)
    needed = blocks.a_plane * planes
    if needed > _MOST:
        raise unsupported_format(
            f"a TIFF of {needed:,} strips or tiles, more than {_MOST:,}", "Save it in larger ones"
        )
    places, sizes = (directory.numbers(tag, needed) for tag in tags)
    if not places:
        raise truncated_image("its directory lists no strips or tiles")
    if any(not place and (number >= len(sizes) or sizes[number]) for number, place in enumerate(places)):
        raise truncated_image("a strip or tile of it lies nowhere")
    if not any(places):
        raise truncated_image("none of its pixels is stored")
    return replace(blocks, places=places, sizes=sizes)


def _tile_of(directory: tiff.Directory) -> tuple[int, int]:
    """Pixels of a tile, across and down; raises ImageRejected (`unsupported_format`) for too many."""
    across, down = directory.number(tiff.TILE_WIDTH), directory.number(tiff.TILE_HEIGHT)
    pixels = directory.number(tiff.WIDTH) * directory.number(tiff.HEIGHT)
    if across * down > max(_MOST_TILE_PIXELS, _TILE_SHARE * pixels):
        what = f"a TIFF in tiles of {across:,} × {down:,} pixels"
        raise unsupported_format(what, "Save it in smaller ones")
    return across, down


@dataclass(frozen=True)
class Deflated:
    """Strips or tiles that are packed by deflate, whose checksums no decoder looks at."""

    blocks: Blocks
    #: Bytes that one of them unpacks to, at most.
    unpacked_bytes: int

    def may_be_damaged(self, data: bytes, end: int) -> bool:
        """True when one has no checksum behind its pixels, and does not go beyond `end`, where the file ends.

        Raises ImageRejected (`truncated_image`) where a checksum is wrong.
        """
        view = memoryview(data)
        # Empty ones of a large picture may be one and the same.
        listed = dict.fromkeys(zip(self.blocks.places, self.blocks.sizes, strict=False))
        there = [view[place : place + size] for place, size in listed if size and place + size <= end]
        try:
            have_ends = [_has_end(packed, self.unpacked_bytes) for packed in there]
        except zlib.error as error:
            raise truncated_image(f"a strip or tile of it is damaged: {error}") from error
        return not all(have_ends)


def deflated(directory: tiff.Directory, blocks: Blocks, bits: int) -> Deflated | None:
    """Those of a file that is packed so, with so many bits a pixel in each; None for any other."""
    if directory.number(tiff.COMPRESSION, 1) not in _DEFLATE:
        return None
    return Deflated(blocks, blocks.down * -(-blocks.across * bits // 8))


def _has_end(packed: memoryview, most_bytes: int) -> bool:
    """True when the checksum is there, and right, behind at most so many bytes."""
    unpacker = zlib.decompressobj()
    for start in range(0, len(packed), _UNPACKED_BYTES):
        rest: bytes | memoryview = packed[start : start + _UNPACKED_BYTES]
        while rest and not unpacker.eof:
            most_bytes -= len(unpacker.decompress(rest, min(_UNPACKED_BYTES, most_bytes + 1)))
            rest = unpacker.unconsumed_tail
            if most_bytes < 0:
                return False
    return unpacker.eof
