"""What a worker will do with its model, in lines for people."""

from collections.abc import Iterator, Sequence

from jobs.contract.catalog import ModelCard
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Engine, Fact, Prepared, Seen


def facts(engine: Engine[Seen, Prepared], settings: WorkerSettings) -> Sequence[Fact]:
    """What is to be known of an engine that is loaded."""
    slots = settings.slots or engine.default_slots
    return [*engine.about, ("slots", f"{slots} jobs in hand (EVA01_SLOTS)")]


def report(card: ModelCard, engine: Engine[Seen, Prepared], settings: WorkerSettings) -> Iterator[str]:
    """The same as lines of a table."""
    yield f"{card.name}: it can be served."
    said = [("source", card.source), *facts(engine, settings)]
    width = max(len(name) for name, _ in said)
    for name, text in said:
        yield f"  {name:{width}}  {text}"
