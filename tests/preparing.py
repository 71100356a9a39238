"""Both CPU steps of an engine (see, prepare) as one, for tests of the step on the device."""

from PIL import Image

from jobs.contract.models import Options
from worker.engines.base import Engine, Prepared, Seen


def prepare(engine: Engine[Seen, Prepared], image: Image.Image, question: str, options: Options) -> Prepared:
    """One job, ready for the device."""
    return engine.prepare(engine.see(image), question, options)
