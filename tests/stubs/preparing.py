"""Both CPU steps of an engine (see, prepare) as one, for tests of the step on the device."""

from collections.abc import Sequence

from PIL import Image

from jobs.contract.models import Options
from worker.engines.base import Engine, Prepared, Seen


def prepare(
    engine: Engine[Seen, Prepared],
    images: Image.Image | Sequence[Image.Image],
    question: str,
    options: Options,
) -> Prepared:
    """One job about an image or several, ready for the device."""
    several = [images] if isinstance(images, Image.Image) else images
    return engine.prepare([engine.see(image) for image in several], question, options)
