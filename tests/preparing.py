"""An engine's part on the CPU, in one step, for tests of what comes after it."""

from PIL import Image

from jobs.contract.models import Options
from worker.engines.base import Engine, Prepared, Seen


def prepare(engine: Engine[Seen, Prepared], image: Image.Image, question: str, options: Options) -> Prepared:
    """One job, ready for the device."""
    return engine.prepare(engine.see(image), question, options)
