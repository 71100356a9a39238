"""How a peer is compared: the same tasks in turn, by both, in one run; both are there all the while."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

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
_T = TypeVar("_T")


@contextmanager
def random_model() -> Iterator[Path]:
    """A folder with the model, beside which tasks may be written."""
    with TemporaryDirectory(prefix="eva01-model-") as folder:
        make_model(Path(folder) / MODEL)
        yield Path(folder) / MODEL


def in_turn(
    model: Path,
    options: Options,
    count: int,
    ours: Callable[[Sequence[Task]], _T],
    theirs: Callable[[Sequence[Task]], _T],
) -> list[tuple[_T, _T]]:
    """What both find with so many tasks, which are other ones each round; not of rounds that warm up."""
    found = []
    for seed in range(options.first_round, options.rounds):
        tasks = write_tasks(model.parent, count if seed >= 0 else count // 4, seed)
        both = ours(tasks), theirs(tasks)
        if seed >= 0:
            found.append(both)
    return found


def compare_loops(
    options: Options, name: str, rows: int, theirs: Callable[[Path], AbstractContextManager[Loop]]
) -> Iterator[Found]:
    """Our rolling loop alone, and theirs."""
    with random_model() as model, bare(str(model), worker(rows)) as own, theirs(model) as other:
        alone = partial(_alone, own, other), partial(_alone, other, own)
        both = in_turn(model, options, options.of(192, 4), *alone)
    yield Found(f"images/s, our loop alone, {rows} rows", [a for a, _ in both])
    yield Found(f"images/s, {name}", [b for _, b in both])
    yield Found(f"our loop ÷ {name}", [a / b for a, b in both], "≥ 1.1")


def _alone(loop: Loop, other: Loop, tasks: Sequence[Task]) -> float:
    with other.standing_still():
        return loop.per_s(tasks)


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
    with random_model() as model, house() as stack, theirs(model) as ask_them:
        stack.start_worker(str(model), "worker", **worker(rows))
        both = in_turn(model, options, options.of(count, 4), partial(ask, stack.url, MODEL), ask_them)
    yield Found(f"images/s, ours over HTTP, {rows} rows", [a.per_s for a, _ in both])
    yield Found(f"images/s, {name}", [b.per_s for _, b in both])
    yield Found(f"ours ÷ {name}", [a.per_s / b.per_s for a, b in both], wanted)
    yield Found(f"p95 until an answer, ours ÷ {name}", [a.p95_s / b.p95_s for a, b in both], "≤ 1.0")
