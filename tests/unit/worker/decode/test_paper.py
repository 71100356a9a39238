"""Transparent pixels show paper on which the drawing can be seen."""

import pytest
from PIL import Image, ImageDraw

from tests.variants.picture import ON_BLACK, ON_WHITE, draw, over
from worker.job.decode.strips import rows_of
from worker.job.decode.tones import paper

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def on_paper(image: Image.Image) -> Image.Image:
    return paper.on_paper(image.size, rows_of(image))(0, image.height)


def paper_of(image: Image.Image) -> object:
    """The color of a corner in which nothing is drawn."""
    return on_paper(image).getpixel((95, 0))


@pytest.mark.parametrize("grey", [0, 60, 110, 128])
def test_dark_lettering_lies_on_white(grey):
    assert paper_of(over((grey, grey, grey, 255))) == WHITE


@pytest.mark.parametrize("color", [(255, 255, 255), (235, 235, 235), (200, 200, 200), (255, 240, 60)])
def test_light_lettering_lies_on_black(color):
    assert paper_of(over((*color, 255))) == BLACK


def test_what_is_under_transparent_pixels_does_not_count():
    for hidden in (0, 255):
        assert paper_of(draw((0, 0, 0, 255), (hidden, hidden, hidden, 0), "RGBA")) == WHITE
        assert paper_of(draw((255, 255, 255, 255), (hidden, hidden, hidden, 0), "RGBA")) == BLACK


def test_faint_lettering_counts_as_it_would_be_seen():
    assert paper_of(over((255, 255, 255, 90))) == BLACK
    assert paper_of(over((0, 0, 0, 90))) == WHITE


def test_soft_edges_are_mixed_with_the_paper():
    image = over((255, 255, 255, 255))
    image.putpixel((18, 30), (255, 255, 255, 128))
    assert on_paper(image).getpixel((18, 30)) == (128, 128, 128)


def test_half_light_and_half_dark_lies_on_white():
    image = Image.new("RGBA", (96, 64), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rectangle((10, 10, 30, 50), fill=(255, 255, 255, 255))
    pen.rectangle((50, 10, 70, 50), fill=(0, 0, 0, 255))
    assert paper_of(image) == WHITE


def test_dark_lettering_beside_a_large_light_box_stays_legible():
    """Boxes have more pixels, and lettering more edges."""
    image = Image.new("RGBA", (96, 64), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rectangle((2, 34, 60, 62), fill=(255, 255, 255, 255))
    for x in range(4, 90, 4):
        pen.line((x, 4, x, 28), fill=(0, 0, 0, 255))
    assert paper_of(image) == WHITE


def test_a_light_label_with_dark_lettering_lies_on_black():
    image = Image.new("RGBA", (96, 64), (0, 0, 0, 0))
    image.paste((250, 250, 250, 255), (8, 8, 88, 56))
    image.paste((0, 0, 0, 255), (20, 20, 40, 44))
    assert (paper_of(image), on_paper(image).getpixel((30, 30))) == (BLACK, BLACK)
    assert on_paper(image).getpixel((12, 12)) == (250, 250, 250)


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBa"])
def test_every_mode_with_transparency(mode):
    for ink, shown in ((255, ON_BLACK), (0, ON_WHITE)):
        image = over((ink, ink, ink, 255))
        image = image.convert("LA").convert("La") if mode == "La" else image.convert(mode)
        assert on_paper(image).convert("L").tobytes() == shown.tobytes()


def test_nothing_at_all_is_white():
    assert on_paper(Image.new("RGBA", (3, 3), (7, 7, 7, 0))).getcolors() == [(9, WHITE)]


def test_a_large_image_is_judged_as_a_small_one():
    large = over((255, 255, 255, 255)).resize((3000, 2000), Image.Resampling.NEAREST)
    assert on_paper(large).getpixel((2999, 0)) == BLACK
