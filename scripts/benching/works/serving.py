"""A mid-size model of random weights over HTTP; beside its rolling loop alone over the same images."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benching.asking import ask
from scripts.benching.bare import bare
from scripts.benching.found import Found
from scripts.benching.house import ROWS, house, make_model, worker
from scripts.benching.options import Options
from scripts.benching.tasks import write_tasks
from scripts.benching.works.work import Work


def measure(options: Options) -> Iterator[Found]:
    """Both ways in turn, other tasks each round."""
    count = options.of(192, 4)
    served, alone, late = [], [], []
    with TemporaryDirectory(prefix="eva01-model-") as folder, house() as stack:
        make_model(Path(folder) / "mid-size")
        model = str(Path(folder) / "mid-size")
        with bare(model, worker()) as engine:
            stack.start_worker(model, "worker", **worker())
            for seed in range(options.first_round, options.rounds):
                tasks = write_tasks(Path(folder), count if seed >= 0 else 1, seed)
                run, own_per_s = ask(stack.url, "mid-size", tasks), engine.per_s(tasks)
                if seed >= 0:
                    served.append(run.per_s)
                    late.append(run.p95_s)
                    alone.append(own_per_s)
    yield Found("images/s, over HTTP", served)
    yield Found("p95 until an answer, over HTTP (s)", late, form=".1f")
    yield Found("images/s, the loop alone", alone)
    yield Found("over HTTP ÷ the loop alone", [a / b for a, b in zip(served, alone, strict=True)], "≥ 0.97")


WORKS = {
    "W2": Work(
        "A mid-size model over HTTP",
        "192 images of 16 to 64 visual tokens, answers of 8 to 256 (geometric, about 55), 47 million random"
        f" weights in fp32, {ROWS} rows, as chat completions that are all there from the start.",
        measure,
    )
}
