"""Images that a processor cuts into tiles: how many there may be, so that a limit of pixels holds here too.

Such a processor scales an image up to as many tiles as it may make, however small the image is. What is here
goes by the settings that image processors have, whatever family they are of.
"""

from math import ceil, sqrt
from typing import Any

#: How many tiles there are; some processors say it over again, and go before their image processors.
_COUNTS = ("min_patches", "max_patches")


def limit_tiles(processor: Any, max_pixels: int) -> None:
    """Have an image cut into tiles of `max_pixels` together, up to the next whole tile.

    There are never more than before. A tile that shows the whole image may come on top.
    """
    image_processor = processor.image_processor
    said = dict(getattr(processor, "images_kwargs", {}))
    for name in _COUNTS:
        if name in said:
            setattr(image_processor, name, said.pop(name))
    processor.images_kwargs = said
    _limit_sides(image_processor, max_pixels)
    _limit_count(image_processor, max_pixels)


def _limit_sides(image_processor: Any, max_pixels: int) -> None:
    """Of those that scale the longest side to several tiles' sides, as Idefics3 and SmolVLM."""
    tile = _named(getattr(image_processor, "max_image_size", None), "longest_edge")
    longest = _named(getattr(image_processor, "size", None), "longest_edge")
    if tile and longest:
        sides = max(1, ceil(sqrt(max_pixels) / tile))
        image_processor.size = {"longest_edge": min(longest, sides * tile)}


def _limit_count(image_processor: Any, max_pixels: int) -> None:
    """Of those that choose the grid of tiles that is most like the image, as InternVL."""
    most = getattr(image_processor, "max_patches", None)
    least = getattr(image_processor, "min_patches", None)
    size = getattr(image_processor, "size", None)
    own_side = getattr(image_processor, "tile_size", None)
    height, width = (own_side or _named(size, side) for side in ("height", "width"))
    if most and least and height and width:
        image_processor.max_patches = min(most, max(least, ceil(max_pixels / (height * width))))


def _named(sizes: Any, name: str) -> int | None:
    """A size of that name; what is no mapping, or has it not, has none."""
    value = sizes.get(name) if hasattr(sizes, "get") else None
    return int(value) if value else None
