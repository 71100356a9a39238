"""A picture some rows at a time, so that no step on its way makes a second whole one."""

from collections.abc import Callable, Iterator

from PIL import Image

#: Any rows of a picture: from this one, up to but without that one.
Rows = Callable[[int, int], Image.Image]
#: Pixels of a strip, about.
_PIXELS = 1 << 20


def strips(size: tuple[int, int], multiple: int = 1) -> Iterator[tuple[int, int]]:
    """First and last row of each strip, the last not included; all begin at a multiple of so many rows."""
    width, height = size
    rows = max(1, _PIXELS // (width * multiple)) * multiple
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def rows_of(image: Image.Image) -> Rows:
    """The rows of a loaded image."""
    return lambda top, end: image.crop((0, top, image.width, end))


def thinned(size: tuple[int, int], rows: Rows, most_pixels: int) -> Image.Image:
    """The picture with at most about so many of its pixels, evenly taken."""
    step = 1 + int((size[0] * size[1] / most_pixels) ** 0.5)
    thin: Image.Image | None = None
    for top, end in strips(size, step):
        strip = rows(top, end)
        if step > 1:
            strip = strip.resize((-(-size[0] // step), -(-(end - top) // step)), Image.Resampling.NEAREST)
        if thin is None:
            thin = strip if end == size[1] else _as_large(strip, -(-size[1] // step))
        if thin is not strip:
            thin.paste(strip, (0, top // step))
    assert thin is not None
    return thin


def scaled(size: tuple[int, int], rows: Rows, wanted: tuple[int, int]) -> Image.Image:
    """The picture in another size, each pixel the mean of those that it stands for."""
    made: Image.Image | None = None
    down = size[1] / wanted[1]
    for first, last in strips((round(size[0] * max(1, down)), wanted[1])):
        upper, lower = first * down, last * down
        top, end = max(0, int(upper) - 1), min(size[1], int(lower) + 2)
        strip = rows(top, end)
        if wanted != size:
            box = (0, upper - top, size[0], min(lower, size[1]) - top)
            strip = strip.resize((wanted[0], last - first), Image.Resampling.BOX, box)
        else:
            strip = strip.crop((0, first - top, size[0], last - top))
        if made is None:
            made = _as_large(strip, wanted[1])
        made.paste(strip, (0, first))
    assert made is not None
    return made


def _as_large(strip: Image.Image, height: int) -> Image.Image:
    return Image.new(strip.mode, (strip.width, height))
