"""What a photo takes of a core until a model of Qwen2.5-VL's kind can see it, by its size:

    python -m scripts.feeding [--rounds 5] [--write]

Milliseconds of the thread's own CPU, so that what else runs counts little. As a worker does it: decode a
JPEG, whose reader may leave out fine waves; scale it and cut it into patches by Pillow, or, where the device
cuts, hand over its colors.
"""

import argparse
import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time

import numpy as np
import torch
from PIL import Image

from jobs.contract.catalog import NANO, place_of
from jobs.contract.settings import Limits, WorkerSettings
from scripts import report
from worker.engines.seeing.processors import GridProcessor
from worker.engines.weights.source import Source
from worker.job.decode.decoder import Decoder

#: Sides of 4:3, in pixels: what a model sees, and what phones and cameras take.
_SIZES = ((1152, 864), (2048, 1536), (4000, 3000), (8000, 6000))
#: Qwen2.5-VL's own limits for an image, in pixels.
_OWN = {"shortest_edge": 3136, "longest_edge": 12_845_056}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put it into docs/benchmarks.md")
    given = parser.parse_args()
    torch.set_num_threads(1)
    settings = WorkerSettings()
    by_pillow, on_device = _processors(settings.max_pixels)
    decoder = Decoder(Limits(), settings.max_pixels)
    lines: list[report.Line] = []
    for size in _SIZES:
        data = _photo(size)
        image = decoder.decode(data).image
        name = f"{size[0] * size[1] / 1e6:.0f} megapixels"
        for what, work in {
            "decoded whole": lambda data=data: Image.open(BytesIO(data)).load(),
            "decoded as a worker does": lambda data=data: decoder.decode(data),
            "scaled and cut by Pillow": lambda image=image: by_pillow.see(image),
            "handed over to be cut on the device": lambda image=image: on_device.see(image),
        }.items():
            took_ms = [_ms(work) for _ in range(given.rounds + 1)][1:]
            lines.append((f"{name}: {what} (ms)", "", took_ms, ".1f"))
    text = report.table([report.row(*line) for line in lines])
    print(text)
    if given.write:
        report.write("feeding", text)


def _processors(max_pixels: int) -> tuple[GridProcessor, GridProcessor]:
    """One that cuts by Pillow and one that leaves it to a device, with the 7B's limits."""
    with TemporaryDirectory(prefix="eva01-processor-") as folder:
        copy = shutil.copytree(place_of(NANO.source), folder, dirs_exist_ok=True)
        settings = Path(copy, "preprocessor_config.json")
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"size": _OWN}))
        source = Source(str(copy))
        return (
            GridProcessor(source, max_pixels),
            GridProcessor(source, max_pixels, cut_on=torch.device("cpu")),
        )


def _photo(size: tuple[int, int]) -> bytes:
    """A JPEG with clouds of every size, as photos have them."""
    rng = np.random.default_rng(19)
    colors = np.zeros((size[1], size[0], 3))
    for side in (4, 16, 64, 256):
        clouds = Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        colors += np.asarray(clouds.resize(size, Image.Resampling.BICUBIC)) / 4
    file = BytesIO()
    Image.fromarray(colors.astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def _ms(work: Callable[[], object]) -> float:
    began_s = thread_time()
    work()
    return 1000 * (thread_time() - began_s)


if __name__ == "__main__":
    main()
