"""The script that draws the example images draws those that are kept."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops

EXAMPLES = Path(__file__).parents[2] / "examples"
SHAPES = sorted((EXAMPLES / "shapes").iterdir())


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the script has drawn everything anew."""
    folder = tmp_path_factory.mktemp("examples")
    subprocess.run([sys.executable, EXAMPLES / "make_examples.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.name)
def test_the_shapes_are_drawn_again_pixel_by_pixel(path: Path, redrawn: Path) -> None:
    with Image.open(path) as kept, Image.open(redrawn / "shapes" / path.name) as drawn:
        assert kept.size == drawn.size
        assert ImageChops.difference(kept.convert("RGB"), drawn.convert("RGB")).getbbox() is None
