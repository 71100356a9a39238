"""A folder of mixed images from upload to CSV; beside the same engine alone over the same files."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from eva01 import Client
from scripts.benching.bare import bare
from scripts.benching.found import Found
from scripts.benching.house import ROWS, house, small_model, start_worker, worker
from scripts.benching.loops import Loop
from scripts.benching.options import Options
from scripts.benching.pictures import write_mixed
from scripts.benching.tasks import Task
from scripts.benching.works.work import Work

_QUESTION = "Describe this image."
#: More tokens than any answer has.
_TOKENS = 64


def measure(options: Options) -> Iterator[Found]:
    """Both ways in turn, each time with files that nobody has seen."""
    count = options.of(2000, 8)
    through, alone = [], []
    model = small_model(options)
    with house(EVA01_MODELS=model) as stack, bare(model, worker()) as engine, Client(stack.url) as client:
        start_worker(stack, model)
        for number in range(options.first_round, options.rounds):
            with TemporaryDirectory(prefix="eva01-pictures-") as folder:
                files = write_mixed(Path(folder), count if number >= 0 else 1, number)
                took_s = [_through(client, model, Path(folder)), _alone(engine, files)]
            if number >= 0:
                through.append(count / took_s[0])
                alone.append(count / took_s[1])
    yield Found("images/s, from upload to CSV", through, form=".1f")
    yield Found("images/s, the engine alone", alone, form=".1f")
    yield Found(
        "the whole ÷ the engine alone", [a / b for a, b in zip(through, alone, strict=True)], "≥ 0.85"
    )


def _through(client: Client, model: str, folder: Path) -> float:
    count = len(list(folder.iterdir()))
    began_s = time.perf_counter()
    batch = client.create_batch(_QUESTION, model=model, max_new_tokens=_TOKENS)
    failed = [sent.error for sent in client.upload_folder(batch.id, folder) if sent.error]
    assert not failed, failed
    client.close_batch(batch.id)
    client.wait(batch.id)
    client.results_csv(batch.id, folder / "answers.csv")
    took_s = time.perf_counter() - began_s
    answered = client.batch(batch.id).counts["succeeded"]
    assert answered == count, f"{answered} of {count} images were answered"
    return took_s


def _alone(engine: Loop, files: Sequence[Path]) -> float:
    return engine.answer([Task(str(file), _QUESTION, _TOKENS) for file in files]).seconds


WORKS = {
    "W1": Work(
        "A folder of images to its CSV",
        f"2,000 mixed images (JPEG and PNG, 320 × 240 to 1600 × 1200), `nano`, {ROWS} rows.",
        measure,
    )
}
