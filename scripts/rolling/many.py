"""What many rows of all lengths gain over few, and how much of the cache they leave unused.

`python -m scripts.rolling.many [--rounds 5]`. Prompts have 50 to 2,000 tokens, answers 8 to 1,024, of which
each row has written a part. Their keys and values are zeros: steps take as long, and no prompt is read.
"""

import argparse
import random
from statistics import median
from typing import Any

from worker.ops.cores import share_cores

share_cores()

from scripts.rolling.load import draw_jobs  # noqa: E402
from scripts.rolling.measures import timed  # noqa: E402
from scripts.rolling.model import random_model  # noqa: E402
from scripts.rolling.serving import new_loop  # noqa: E402
from worker.engines.rolling.loop import RollingLoop  # noqa: E402
from worker.engines.rolling.pool import BLOCK_TOKENS, blocks_for  # noqa: E402

FEW, MANY = 16, (64, 128)
_PROMPT, _ANSWER = (50, 2000), (8, 1024)
#: Steps of one round, in turns with those of other numbers of rows.
_STEPS = 4


def main() -> None:
    """Print a line for each number of rows."""
    parser = argparse.ArgumentParser(prog="python -m scripts.rolling.many", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    model = random_model()
    loops = {rows: filled(model, rows, seed=rows) for rows in (FEW, *MANY)}
    seconds: dict[int, list[float]] = {rows: [] for rows in loops}
    for _ in range(rounds):
        for rows, loop in loops.items():
            seconds[rows].append(sum(timed(loop.turn) for _ in range(_STEPS)) / _STEPS)
    for rows, loop in loops.items():
        gains = [few / FEW / (many / rows) for few, many in zip(seconds[FEW], seconds[rows], strict=True)]
        print(
            f"{rows} rows: a step {1000 * median(seconds[rows]):.1f} ms;"
            f" words a second ÷ {FEW} rows': {median(gains):.2f}, {min(gains):.2f} to {max(gains):.2f};"
            f" cache held ÷ used: {unused(loop):.3f}"
        )


def filled(model: Any, rows: int, seed: int) -> RollingLoop:
    """A loop whose rows are in the midst of their answers."""
    loop, rng = new_loop(model, rows), random.Random(seed)
    flight = loop._flight
    for job in draw_jobs(rows, lambda _: _ANSWER[1], seed):
        flight.begin(request := loop.request(job.tensors, _PROMPT[1] + _ANSWER[1] + 1000))
        row = flight.reading.pop()
        # All that is beyond the drawn prompt stands for the rest of it, and for what the row has written.
        more = rng.randint(*_PROMPT) - request.prompt_tokens + rng.randint(0, rng.randint(*_ANSWER))
        row.generated += [rng.randrange(1000) for _ in range(max(1, more))]
        row.cached = row.length - 1
        row.blocks.extend(flight.pool.take(blocks_for(row.cached) - len(row.blocks)))
        flight.writing.append(row)
    return loop


def unused(loop: RollingLoop) -> float:
    """Tokens for which the cache of the rows in flight has room, over those that are there."""
    return loop._flight.held_blocks * BLOCK_TOKENS / sum(row.cached for row in loop._flight.rows)


if __name__ == "__main__":
    main()
