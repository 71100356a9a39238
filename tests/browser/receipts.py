"""A batch of receipts whose answers have fields of every type, as a model that can read would give them."""

import json
import random
from dataclasses import dataclass
from typing import Any

import redis

from jobs.contract.models import JobError, Result
from jobs.storage.store import JobStore
from tests.browser.given import make_batch
from tests.browser.images import drawn
from tests.process.conftest import Stack

FIELDS = (
    "shop:text!:name of the shop",
    "total:number:what was paid",
    "items:integer!",
    "kind:receipt|invoice|other",
    "paid:boolean",
    "day:date",
    "colors:red|green|blue[]",
)
#: Answers without fields' confidences, as earlier versions left them, and one that has failed.
OLD, FAILED = "0003.png", "0007.png"
_SHOPS = ("Corner shop", "Bakery No. 9", "Bakery No. 10", "茶馆", "Café Zoé")


@dataclass(frozen=True)
class Receipt:
    """What is said of one."""

    data: dict[str, Any]
    confidence: float | None
    field_confidence: dict[str, float] | None

    @property
    def result(self) -> Result:
        """As a worker writes it."""
        answer = json.dumps(self.data, ensure_ascii=False)
        return Result(answer=answer, confidence=self.confidence, field_confidence=self.field_confidence)


def receipts(count: int, seed: int = 7) -> dict[str, Receipt]:
    """`count` of them by their files, the same for the same seed; no two have the same total."""
    rng = random.Random(seed)
    totals = rng.sample(range(100, 20_000), count)
    made = {}
    for number, total in enumerate(totals):
        file = f"{number:04}.png"
        data = {
            "shop": rng.choice(_SHOPS),
            "total": None if number % 10 == 9 else total / 100,
            "items": rng.randint(1, 12),
            "kind": rng.choice(("receipt", "receipt", "invoice", "other")),
            "paid": rng.choice((True, False)),
            "day": f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            "colors": rng.sample(("red", "green", "blue"), rng.randint(0, 2)),
        }
        parts = {name: round(rng.uniform(0.5, 1), 4) for name in data}
        mean = round(sum(parts.values()) / len(parts), 4)
        made[file] = Receipt(data, None, None) if file == OLD else Receipt(data, mean, parts)
    return made


def make_receipts(stack: Stack, some: dict[str, Receipt], name: str = "receipts") -> str:
    """A batch that is done, while no worker takes its jobs; gives its id."""
    images = list(drawn(len(some), seed=81).files.values())
    files = dict(zip(some, images, strict=True))
    batch_id = make_batch(stack, name, files, question="Read this receipt.", fields=FIELDS)
    with redis.Redis(port=stack.redis_port, decode_responses=True) as client:
        store = JobStore(client)
        for job in store.results(batch_id):
            error = JobError(code="empty_answer", message="The model said nothing.")
            store.finish(job.id, Result(error=error) if job.file == FAILED else some[job.file].result)
    return batch_id
