"""The example images are what their README says; tests/process/test_examples.py draws them again."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from jobs.contract.settings import Limits
from jobs.formats.pages import pages_of

EXAMPLES = Path(__file__).parents[2] / "examples"
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF"}
ORIENTATION = 0x0112
IMAGES = sorted(path for path in EXAMPLES.rglob("*") if path.suffix in FORMATS)


def named(path: Path) -> str:
    return path.relative_to(EXAMPLES).as_posix()


def test_the_readme_lists_every_image_and_no_other() -> None:
    listed = re.findall(r"^\| (\w+/\S+) \|", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == [named(path) for path in IMAGES]


def test_all_four_formats_are_there() -> None:
    assert {path.suffix for path in IMAGES} == set(FORMATS)


@pytest.mark.parametrize("path", IMAGES, ids=named)
def test_an_image_is_small_and_of_the_format_that_its_name_says(path: Path) -> None:
    assert path.stat().st_size < 200_000
    with Image.open(path) as image:
        image.load()
        assert image.format == FORMATS[path.suffix]


def test_the_images_together_are_smaller_than_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in IMAGES) < 1_000_000


def test_the_photo_lies_on_its_side_and_says_so() -> None:
    with Image.open(EXAMPLES / "photos/street-sign.jpg") as photo:
        assert photo.getexif()[ORIENTATION] == 6
        assert photo.width > photo.height
        upright = ImageOps.exif_transpose(photo)
    assert upright.width < upright.height


def test_the_fax_has_three_pages_in_black_and_white() -> None:
    data = (EXAMPLES / "documents/fax.tif").read_bytes()
    assert len(pages_of(BytesIO(data), Limits())) == 3
    with Image.open(BytesIO(data)) as first:
        assert (first.mode, first.info["compression"]) == ("1", "group4")


def test_the_tall_page_has_text_at_its_end() -> None:
    with Image.open(EXAMPLES / "documents/letter.png") as page:
        assert page.size == (900, 4000)
        darkest, _ = page.convert("L").crop((0, 3870, 900, 4000)).getextrema()
    assert isinstance(darkest, int)
    assert darkest < 80
