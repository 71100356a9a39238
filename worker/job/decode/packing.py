"""Samples that Pillow cannot unpack, and hands over as rows of bytes: bits, order, channels, differences.

bytes of a row ──► samples, block by block ──► each the sum of those before it, where differences are stored
               ──► rows × columns × the channels that are shown
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Rows × columns, or × channels.
Samples = NDArray[Any]
#: What is stored in place of samples: how they differ from pixel to pixel, or how the bytes of fractions do.
DIFFERENCES, BYTE_DIFFERENCES = 2, 3


@dataclass(frozen=True)
class Packing:
    """How samples lie in rows of bytes, and which of them are shown."""

    width: int
    #: Samples a pixel, as stored.
    samples: int
    bits: int
    #: As NumPy calls it: `u`, `i` or `f`.
    kind: str
    #: `<` or `>`; of no consequence where a sample does not fill whole bytes.
    order: str
    #: How many of the samples are colors, from the first.
    colors: int
    #: Which sample is alpha; None where there is none.
    alpha: int | None = None
    #: True when colors were multiplied with alpha.
    is_premultiplied: bool = False
    #: What is stored in place of samples, as TIFF numbers it.
    predictor: int = 1
    #: Pixels of a tile's row; None where a row is in one piece.
    tile_width: int | None = None
    #: True when a band of the image is the bytes of one channel, and has no others.
    is_planar: bool = False

    @property
    def block_bytes(self) -> int:
        """Bytes of a row, or of a tile's row, in which samples follow each other without a gap."""
        return -(-self._block_width * self._in_a_row * self.bits // 8)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of all tiles, or of the one piece."""
        return self._columns * self.block_bytes

    @property
    def shown(self) -> list[int]:
        """The samples that are shown: colors, and alpha."""
        return [*range(self.colors), *([] if self.alpha is None else [self.alpha])]

    @property
    def planes(self) -> list[int]:
        """The samples that are bands of the image, where each lies for itself: of two, one comes twice.

        Decoders know one, three or four.
        """
        return [*self.shown, 0] if len(self.shown) == 2 else self.shown

    def unpack(self, image: Image.Image) -> Samples:
        """The samples of some rows that are shown, as rows × columns × channels."""
        rows = np.asarray(image)
        if self.is_planar:
            bands = rows.reshape(image.height, image.width, -1)
            return np.concatenate(
                [self._samples(bands[..., band]) for band in range(len(self.shown))], axis=2
            )
        return self._samples(rows.reshape(image.height, -1))[..., self.shown]

    @property
    def _block_width(self) -> int:
        return self.tile_width or self.width

    @property
    def _columns(self) -> int:
        return -(-self.width // self._block_width)

    @property
    def _in_a_row(self) -> int:
        return 1 if self.is_planar else self.samples

    def _samples(self, rows: NDArray[np.uint8]) -> Samples:
        """Those of one band, as rows × columns × samples."""
        blocks = rows[:, : self.row_bytes].reshape(len(rows) * self._columns, self.block_bytes)
        flat = self._fractions(blocks) if self.predictor == BYTE_DIFFERENCES else self._numbers(blocks)
        return flat.reshape(len(rows), -1, self._in_a_row)[:, : self.width]

    def _numbers(self, blocks: NDArray[np.uint8]) -> Samples:
        if self.bits % 8:
            return self._unpacked(blocks)
        size = self.bits // 8
        whole = np.ascontiguousarray(blocks).view(f"{self.order}u{size}").astype(f"=u{size}", copy=False)
        if self.predictor == DIFFERENCES:
            pixels = whole.reshape(len(blocks), self._block_width, self._in_a_row)
            whole = np.add.accumulate(pixels, axis=1, dtype=whole.dtype)
        return whole.view(f"={self.kind}{size}")

    def _fractions(self, blocks: NDArray[np.uint8]) -> Samples:
        """Those whose bytes lie apart, the first of all, then the second; and each as a difference."""
        size = self.bits // 8
        steps = blocks.reshape(len(blocks), -1, self._in_a_row)
        apart = np.add.accumulate(steps, axis=1, dtype=np.uint8).reshape(len(blocks), size, -1)
        return np.ascontiguousarray(apart.transpose(0, 2, 1)).view(f">f{size}").astype(f"=f{size}")

    def _unpacked(self, blocks: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Samples of 9 to 15 bits, the first bit first."""
        first_bits = np.arange(self._block_width * self._in_a_row, dtype=np.int64) * self.bits
        places, shifts = first_bits >> 3, 24 - (first_bits & 7) - self.bits
        some = np.pad(blocks, ((0, 0), (0, 2))).astype(np.uint32)
        three = some[:, places] << 16 | some[:, places + 1] << 8 | some[:, places + 2]
        return (three >> shifts.astype(np.uint32) & ((1 << self.bits) - 1)).astype(np.uint16)
