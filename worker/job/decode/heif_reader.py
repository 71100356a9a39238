"""Reads a HEIF from the standard input, and writes its first picture as a PNG; a program by itself."""

import io
import sys

import pi_heif
from PIL import Image

from worker.job.decode.heif import ONE, SEVERAL


def main() -> None:
    """Ends with 1, and a line that says why, when the picture cannot be read."""
    # The size has been checked by then.
    Image.MAX_IMAGE_PIXELS = None
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    try:
        with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("HEIF",)) as image:
            is_one = getattr(image, "n_frames", 1) == 1
            image.load()
            image.info.clear()
            written = io.BytesIO()
            image.save(written, "PNG", compress_level=0)
    except Exception as error:
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
    sys.stdout.buffer.write((ONE if is_one else SEVERAL) + written.getvalue())


if __name__ == "__main__":
    main()
