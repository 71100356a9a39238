"""How a peer is compared: the same tasks in turn, by both, in one run; both are there all the while."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benching.asking import ask
from scripts.benching.bare import bare
from scripts.benching.found import Found
from scripts.benching.house import house, make_model, worker
from scripts.benching.loops import Loop
from scripts.benching.options import Options
from scripts.benching.tasks import Task, write_tasks
from scripts.run import Run

#: What our own worker calls the model, by its folder.
MODEL = "mid-size"
Ask = Callable[[Sequence[Task]], Run]


@contextmanager
def random_model() -> Iterator[Path]:
    """A folder with the model, beside which tasks may be written."""
    with TemporaryDirectory(prefix="eva01-model-") as folder:
        make_model(Path(folder) / MODEL)
        yield Path(folder) / MODEL


def rounds_of(model: Path, options: Options, count: int) -> Iterator[tuple[bool, Sequence[Task]]]:
    """Other tasks each round, and whether it counts."""
    for seed in range(options.first_round, options.rounds):
        yield seed >= 0, write_tasks(model.parent, count if seed >= 0 else count // 4, seed)


def compare_loops(
    options: Options, name: str, rows: int, theirs: Callable[[Path], AbstractContextManager[Loop]]
) -> Iterator[Found]:
    """Our rolling loop alone, and theirs."""
    ours, others = [], []
    with random_model() as model, bare(str(model), worker(rows)) as own, theirs(model) as other:
        for counts, tasks in rounds_of(model, options, options.of(192, 4)):
            per_s = own.per_s(tasks), other.per_s(tasks)
            if counts:
                ours.append(per_s[0])
                others.append(per_s[1])
    yield Found(f"images/s, our loop alone, {rows} rows", ours)
    yield Found(f"images/s, {name}", others)
    yield Found(f"our loop ÷ {name}", [a / b for a, b in zip(ours, others, strict=True)], "≥ 1.1")


def compare_servers(
    options: Options,
    name: str,
    rows: int,
    theirs: Callable[[Path], AbstractContextManager[Ask]],
    *,
    count: int = 96,
    wanted: str = "≥ 1.5",
) -> Iterator[Found]:
    """Our worker over HTTP, and theirs."""
    ours: list[Run] = []
    others: list[Run] = []
    with random_model() as model, house() as stack, theirs(model) as ask_them:
        stack.start_worker(str(model), "worker", **worker(rows))
        for counts, tasks in rounds_of(model, options, options.of(count, 4)):
            runs = ask(stack.url, MODEL, tasks), ask_them(tasks)
            if counts:
                ours.append(runs[0])
                others.append(runs[1])
    both = list(zip(ours, others, strict=True))
    yield Found(f"images/s, ours over HTTP, {rows} rows", [run.per_s for run in ours])
    yield Found(f"images/s, {name}", [run.per_s for run in others])
    yield Found(f"ours ÷ {name}", [a.per_s / b.per_s for a, b in both], wanted)
    yield Found(f"p95 until an answer, ours ÷ {name}", [a.p95_s / b.p95_s for a, b in both], "≤ 1.0")
