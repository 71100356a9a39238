"""Starts `transformers serve` with a torchvision that was built for another torch than is installed.

The package index has torchvision for CUDA alone. All of it that is Python works with a CPU's torch, once the
operators are named that it describes, and images are decoded by Pillow in place of its own library.
"""

from io import BytesIO
from typing import Any

import torch

_OPERATORS = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    _OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision.io  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402
from torchvision.transforms.functional import pil_to_tensor  # noqa: E402
from transformers.cli.transformers import main  # noqa: E402


def decode_image(data: torch.Tensor, mode: Any = None, apply_exif_orientation: bool = False) -> torch.Tensor:
    """Bytes of an image as (3, height, width) bytes of RGB."""
    image = Image.open(BytesIO(data.numpy().tobytes()))
    upright = ImageOps.exif_transpose(image) if apply_exif_orientation else image
    made: torch.Tensor = pil_to_tensor(upright.convert("RGB"))
    return made


if __name__ == "__main__":
    torchvision.io.decode_image = decode_image
    main()
