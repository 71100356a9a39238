"""The model that is measured, and jobs for it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image

from jobs.contract.catalog import NANO, card_for
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from scripts.compare_grammars import vocabulary
from scripts.gpu.shapes import SHAPES, WORDS, random_model
from scripts.rolling.load import geometric
from scripts.seven_b.folder import write_tokens
from scripts.seven_b.jobs import PHOTO
from worker.engines.conversation import Conversation
from worker.engines.devices import is_cut_on_device
from worker.engines.layers import replace_layers
from worker.engines.rolling.captured.recording import Plain, Recorder, recorder_for
from worker.engines.rolling.captured.steps import Steps
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.rows import Request
from worker.engines.rolling.setup import create_loop
from worker.engines.seeing.processors import GridProcessor, JobInput, Processor
from worker.engines.transformers_engine import TransformersEngine
from worker.engines.weights.source import Source

#: Millions of pixels of the images that are asked about, from a small screenshot to what a worker reads at.
_MEGAPIXELS, _SMALL_MEGAPIXELS = (0.2, 0.4, 0.7, 1.0), (0.01, 0.03)
_QUESTION = "What does the sign say, and where does it stand?"
#: Jobs that differ; there may be more requests.
_JOBS = 32
#: Tokens of an answer that is not meant to end.
_ENDLESS = 100_000


@dataclass
class Subject:
    """A model on its device; the `miniature` is small in all that is asked of it."""

    model: Any
    processor: Processor
    conversation: Conversation
    is_miniature: bool = False

    @property
    def is_on_gpu(self) -> bool:
        """True where there is anything to measure."""
        return bool(self.model.device.type == "cuda")

    @cached_property
    def jobs(self) -> Sequence[JobInput]:
        """Questions about the photo at mixed sizes, prepared as a slot prepares them."""
        photo, rng = Image.open(PHOTO).convert("RGB"), random.Random(0)
        seen = []
        for megapixels in _SMALL_MEGAPIXELS if self.is_miniature else _MEGAPIXELS:
            scale = (1e6 * megapixels / (photo.width * photo.height)) ** 0.5
            seen.append(
                self.processor.see(photo.resize((int(photo.width * scale), int(photo.height * scale))))
            )
        return [
            self.conversation.prepare([rng.choice(seen)], f"{_QUESTION} {number}", Options())
            for number in range(_JOBS)
        ]

    def loop(self, rows: int, *, cache_tokens: int = 0, records: bool = True) -> RollingLoop:
        """A loop of its own, which records its steps, on a CPU by what stands for CUDA graphs there."""
        settings = WorkerSettings(cuda_graphs="off", cache_tokens=cache_tokens)
        loop = create_loop(self.model, self.conversation.ends, rows, settings, self.processor.cutter)
        if records:
            record(loop, self.recorder())
        return loop

    def recorder(self) -> Recorder:
        """CUDA graphs, or what stands for them on a CPU."""
        return recorder_for(self.model.device, WorkerSettings()) or Plain()

    def requests(
        self, loop: RollingLoop, count: int, seed: int, length: Callable[[random.Random], int] = geometric
    ) -> list[Request]:
        """So many, the same for the same seed, with answers of drawn lengths."""
        rng = random.Random(seed)
        return [loop.request(rng.choice(self.jobs).tensors, length(rng)) for _ in range(count)]

    def filled(self, rows: int, *, records: bool = True) -> RollingLoop:
        """A loop with that many rows about small images, none of which ends."""
        loop = self.loop(rows, records=records)
        loop._ends = frozenset()
        smallest = min(self.jobs, key=lambda job: job.visual_tokens)
        for _ in range(rows):
            loop.submit(loop.request(smallest.tensors, _ENDLESS))
        while len(loop._flight.writing) < rows:
            for outcome in loop.turn():
                if outcome.failure:
                    raise outcome.failure
        return loop


def record(loop: RollingLoop, recorder: Recorder | None) -> None:
    """Have a loop's steps be recorded from now on, or no more."""
    loop._recorded = Steps(loop._family, loop._flight.pool, recorder) if recorder else None


def subject_of(name: str) -> Subject:
    """The model of a folder, a random one on a GPU, or the miniature."""
    if name in SHAPES:
        return _random(name)
    is_miniature = name == "miniature"
    engine = TransformersEngine(NANO if is_miniature else card_for(name), WorkerSettings())
    engine.load()
    return Subject(engine._model, engine._processor, engine._conversation, is_miniature)


def _random(name: str) -> Subject:
    if not torch.cuda.is_available():
        raise SystemExit(f"{name} wants a GPU, and torch sees none. On a CPU: --model miniature.")
    model, settings = random_model(name), WorkerSettings()
    replace_layers(model)
    with TemporaryDirectory() as folder:
        write_tokens(Path(folder), vocabulary(WORDS + 1)[:-1])
        model.config.save_pretrained(folder)
        limits = settings.max_pixels, settings.most_pixels
        cut_on = model.device if is_cut_on_device(settings, model.device) else None
        processor = GridProcessor(Source(folder), *limits, cut_on=cut_on)
        conversation = Conversation(
            name, processor, model.config, model.generation_config, settings, most_tokens=None
        )
    return Subject(model, processor, conversation)
