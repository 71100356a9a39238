"""From a worker's start to its first answer; beside importing the same and loading the model alone."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from eva01 import Client
from scripts.benching.found import Found
from scripts.benching.house import house, worker
from scripts.benching.options import ROOT, Options
from scripts.benching.works.work import Work
from tests.process.conftest import Stack
from tests.processes import python, wait_until

_MODELS = ("ocr", "nano")
_LOOK_S = 0.01
#: Imports all that a worker does, loads the model, and ends.
_ALONE = """
import os, sys, time
import worker.main
from worker.ops.cores import share_cores
share_cores()
from jobs.contract.catalog import card_for
from jobs.contract.settings import WorkerSettings
from worker.engines import create_engine
create_engine(card_for(sys.argv[1]), WorkerSettings()).load()
print(time.monotonic(), flush=True)
os._exit(0)
"""


def measure(options: Options) -> Iterator[Found]:
    """Both in turn, by the clock that all processes share."""
    with house() as stack:
        for model in _MODELS[: options.of(len(_MODELS), 1)]:
            first, alone = [], []
            for number in range(options.first_round, options.rounds):
                both = _alone_s(model), _first_answer_s(stack, model, number)
                if number >= 0:
                    alone.append(both[0])
                    first.append(both[1])
            above = [a - b for a, b in zip(first, alone, strict=True)]
            yield Found(f"`{model}`: from the process's start to its first answer (s)", first)
            yield Found(f"`{model}`: imports and weights alone (s)", alone)
            yield Found(f"`{model}`: above imports and weights alone (s)", above, "≤ 1.0")


def _alone_s(model: str) -> float:
    began_s = time.monotonic()
    command = [sys.executable, "-c", _ALONE, model]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return float(done.stdout.split()[-1]) - began_s


def _first_answer_s(stack: Stack, model: str, number: int) -> float:
    """The job is in the queue before the worker is there."""
    with Client(stack.url) as client:
        job = client.create_job(_picture(stack.folder, number), "What is written here?", model=model)
        began_s = time.monotonic()
        process = stack.start(
            f"{model}-{number}", python("worker", "--model", model), EVA01_WORKER_PORT="0", **worker()
        )
        wait_until(lambda: client.job(job.id).is_finished, "it is answered", every_s=_LOOK_S)
        took_s = time.monotonic() - began_s
        assert client.job(job.id).error is None, client.job(job.id).error
    process.end()
    return took_s


def _picture(folder: Path, number: int) -> Path:
    """Two words: what reading takes beyond that is no matter of the start."""
    image = Image.new("RGB", (240, 80), "white")
    ImageDraw.Draw(image).text((20, 20), f"round {number}", "black", ImageFont.load_default(32))
    file = folder / f"{number}.png"
    image.save(file)
    return file


WORKS = {
    "W7": Work(
        "From a process's start to its first answer",
        "One small image in the queue before the worker starts; `ocr` and `nano`.",
        measure,
    )
}
