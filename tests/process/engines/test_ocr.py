"""Pages made ready for the ocr engine, whatever their shape; tests/process/test_ocr.py reads them."""

import pytest
from PIL import Image

from jobs.contract.catalog import OCR
from jobs.contract.errors import TooLarge
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.stubs.preparing import prepare
from worker.engines.ocr import OcrEngine


@pytest.mark.parametrize("size", [(1, 500), (25_000, 1), (40, 90_000), (9000, 9000)])
def test_no_shape_is_blown_up_or_cut_into_many_pieces(size):
    pieces = prepare(OcrEngine(OCR, WorkerSettings()), Image.new("RGB", size, "white"), "", Options()).pieces
    assert len(pieces) <= 40
    for _, _, pixels in pieces:
        height, width, _ = pixels.shape
        assert max(height, width) <= 4 * min(height, width) + 4


@pytest.mark.parametrize("size", [(100_000, 1), (3, 90_000)])
def test_a_page_of_which_nothing_would_be_left_is_refused_and_not_read_as_empty(size):
    with pytest.raises(TooLarge, match="Cut it into parts") as refused:
        OcrEngine(OCR, WorkerSettings()).see(Image.new("RGB", size, "black"))
    assert refused.value.code == "image_too_thin"
