"""Images scaled, made a model's numbers and cut into patches on its device.

    slot: colors, as bytes ──► device: scaled ──► patches of bytes ──► numbers

What comes out is what Qwen's own image processor makes by Pillow, to the bit: that is tried when a model is
loaded.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from worker.engines.seeing.bicubic import scaled

#: Images with which it is tried, height and width: larger, smaller, longer and as large as they are seen.
_TRIED = ((97, 203), (311, 57), (31, 45), (112, 112))
#: Areas between which these are scaled.
_TRIED_SIZE = {"shortest_edge": 3136, "longest_edge": 8000}
_LEVELS = 256
#: Colors of a pixel.
COLORS = 3
#: What there is of images until their patches are made of it, besides how many these are.
_UNCUT = ("colors", "image_sizes")


def seen_size(own: Any, image: Image.Image, size: Mapping[str, int]) -> tuple[int, int]:
    """Width and height at which an image processor of Qwen's kind sees an image between these areas."""
    height, width = smart_resize(
        *(image.height, image.width, own.patch_size * own.merge_size),
        min_pixels=size["shortest_edge"],
        max_pixels=size["longest_edge"],
    )
    return width, height


class Cutter:
    """Does on `device` what `own`, a model's image processor, does on a core."""

    def __init__(self, own: Any, device: torch.device) -> None:
        self._own, self._device = own, device
        levels = np.broadcast_to(np.arange(_LEVELS, dtype=np.uint8)[:, None], (COLORS, _LEVELS, 1))
        values = own.normalize(own.rescale(levels, own.rescale_factor), own.image_mean, own.image_std)
        #: The number of each level of each color.
        self._numbers = torch.from_numpy(np.float32(values)).flatten().to(device)

    def uncut(self, image: Image.Image, size: Mapping[str, int]) -> dict[str, torch.Tensor]:
        """An image's colors, and as how many patches it is seen between these areas; from any thread."""
        own = self._own
        width, height = seen_size(own, image, size)
        return {
            "colors": torch.from_numpy(np.array(image)).flatten(),
            "image_sizes": torch.tensor([[image.height, image.width]]),
            "image_grid_thw": torch.tensor([[1, height // own.patch_size, width // own.patch_size]]),
        }

    def patches(self, images: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The patches of images that are uncut, one after the other; in the thread of the device."""
        sizes, grids = images["image_sizes"].tolist(), images["image_grid_thw"].tolist()
        parts = images["colors"].to(self._device).split([COLORS * high * wide for high, wide in sizes])
        cut = [
            self._cut(part.view(*size, COLORS), grid)
            for part, size, (_, *grid) in zip(parts, sizes, grids, strict=True)
        ]
        levels = torch.cat(cut).to(torch.int32)
        levels += _LEVELS * torch.arange(COLORS, dtype=torch.int32, device=self._device)[:, None]
        numbers = self._numbers.index_select(0, levels.flatten()).view(*levels.shape[:2], 1, -1)
        return numbers.expand(-1, -1, self._own.temporal_patch_size, -1).flatten(1)

    def cut(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """A model's inputs with patches in place of what is uncut; in the thread of the device."""
        others = {name: tensor for name, tensor in inputs.items() if name not in _UNCUT}
        return {"pixel_values": self.patches(inputs)} | others

    def _cut(self, colors: torch.Tensor, grid: list[int]) -> torch.Tensor:
        """Patches × colors × pixels, in the order in which neighbours are merged."""
        side, merged = self._own.patch_size, self._own.merge_size
        rows, columns = grid
        shown = scaled(colors, (rows * side, columns * side))
        blocks = shown.view(rows // merged, merged, side, columns // merged, merged, side, COLORS)
        return blocks.permute(0, 3, 1, 4, 6, 2, 5).reshape(rows * columns, COLORS, side * side)

    def is_exact(self) -> bool:
        """True when it makes of images what the processor makes of them, to the bit."""
        noise = np.random.default_rng(1)
        for tried in _TRIED:
            image = Image.fromarray(noise.integers(0, _LEVELS, (*tried, COLORS), dtype=np.uint8))
            wanted = self._own(images=[image], size=_TRIED_SIZE, return_tensors="pt")
            made = self.uncut(image, _TRIED_SIZE)
            if not torch.equal(made["image_grid_thw"], wanted["image_grid_thw"]):
                return False
            if not torch.equal(self.patches(made).cpu(), wanted["pixel_values"]):
                return False
        return True
