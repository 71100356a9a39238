"""What one image costs that is asked about many times, with shared beginnings and without.

`python -m scripts.rolling.prefixes [--rounds 5] [--write]`. All jobs are there at once, both ways in turns.
"""

import argparse
import random
import time
from collections.abc import Sequence
from typing import Any

from worker.ops.cores import core_count, share_cores

share_cores()

import torch  # noqa: E402

from scripts import report  # noqa: E402
from scripts.rolling.load import ask_about, draw_jobs  # noqa: E402
from scripts.rolling.model import IMAGE, random_model  # noqa: E402
from scripts.rolling.serving import PREFILL_TOKENS  # noqa: E402
from worker.engines.rolling.attention import NAME  # noqa: E402
from worker.engines.rolling.loop import RollingLoop  # noqa: E402

QUESTIONS, _ROWS, _ANSWER = 20, 16, 16
_NO_LIMIT = 10**9
#: Height and width of the image, in patches: 256 visual tokens.
_GRID = (32, 32)


def main() -> None:
    """Print the table, and write it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(prog="python -m scripts.rolling.prefixes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    torch.set_num_threads(core_count())
    model = random_model()
    model.model.language_model.set_attn_implementation(NAME)
    found = [compared(model, seed) for seed in range(1, arguments.rounds + 1)]
    lines: list[tuple[str, str, list[float]]] = [
        (
            "prompt tokens that are read, without ÷ with",
            "≥ 3",
            [without[0] / own[0] for own, without in found],
        ),
        ("images seen, with (20 without)", "1", [own[1] for own, _ in found]),
        ("seconds, without ÷ with", "", [without[2] / own[2] for own, without in found]),
    ]
    text = report.table([report.row(what, wanted, values, ".2f") for what, wanted, values in lines])
    print(text)
    if arguments.write:
        report.write("prefixes", text)


def compared(model: Any, seed: int) -> tuple[tuple[int, int, float], tuple[int, int, float]]:
    """Prompt tokens that are read, images that are seen, and seconds: with shared beginnings, and without."""
    asked = _asked(seed)
    return _run(model, asked, is_shared=True), _run(model, asked, is_shared=False)


def _asked(seed: int) -> Sequence[dict[str, torch.Tensor]]:
    """Questions about one image, which begin alike up to its end."""
    patches = draw_jobs(1, lambda _: 1, seed)[0].tensors["pixel_values"]
    values = torch.randn(_GRID[0] * _GRID[1], patches.shape[1], generator=torch.Generator().manual_seed(seed))
    seen = {"pixel_values": values, "image_grid_thw": torch.tensor([(1, *_GRID)])}
    jobs = [ask_about(random.Random(seed * 100 + number), seen) for number in range(QUESTIONS)]
    for job in jobs:
        first = int((job["input_ids"][0] == IMAGE).nonzero()[0])
        job["input_ids"][0, :first] = jobs[0]["input_ids"][0, :first]
    return jobs


def _run(model: Any, asked: Sequence[dict[str, torch.Tensor]], *, is_shared: bool) -> tuple[int, int, float]:
    loop = RollingLoop(
        *(model, ()),
        rows=_ROWS,
        budget_tokens=_NO_LIMIT,
        prefill_tokens=PREFILL_TOKENS,
        timeout_s=_NO_LIMIT,
        shares_prefixes=is_shared,
    )
    images: list[int] = []
    tower = model.model.visual.register_forward_hook(
        lambda _, given, __: images.append(len(given[1]) if len(given) > 1 else 1)
    )
    began_s = time.perf_counter()
    for tensors in asked:
        loop.submit(loop.request(tensors, _ANSWER))
    read = 0
    while not loop.is_idle:
        for outcome in loop.turn():
            read += outcome.request.prompt_tokens - outcome.request.shared_tokens
    tower.remove()
    return read, sum(images), time.perf_counter() - began_s


if __name__ == "__main__":
    main()
