"""An engine's part on the CPU, in one step, for tests of what comes after it."""

from typing import Any

from PIL import Image

from jobs.contract.models import Options
from worker.engines.base import Engine


def prepare(engine: Engine, image: Image.Image, question: str, options: Options) -> Any:
    """One job, ready for the device."""
    return engine.prepare(engine.see(image), question, options)
