"""Starts `transformers serve`, with images decoded by Pillow in place of torchvision's own library."""

from io import BytesIO
from typing import Any

import torch
import torchvision.io
from PIL import Image, ImageOps
from torchvision.transforms.functional import pil_to_tensor
from transformers.cli.transformers import main


def decode_image(data: torch.Tensor, mode: Any = None, apply_exif_orientation: bool = False) -> torch.Tensor:
    """Bytes of an image as (3, height, width) bytes of RGB."""
    image = Image.open(BytesIO(data.numpy().tobytes()))
    upright = ImageOps.exif_transpose(image) if apply_exif_orientation else image
    made: torch.Tensor = pil_to_tensor(upright.convert("RGB"))
    return made


if __name__ == "__main__":
    torchvision.io.decode_image = decode_image
    main()
