"""The fleet: which workers are up, and which models they serve. Workers write it, web reads it."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.asking.pixels import in_common
from jobs.contract.catalog import ModelCard, card_for
from jobs.contract.models import WorkerInfo, WorkerState
from jobs.contract.refusals import Refusal
from jobs.contract.settings import READY_OF_LATE_S
from jobs.storage.scripts import load
from jobs.storage.unreadable import moved_aside, readable

#: Heartbeats a worker may miss before it no longer counts.
_MISSED_BEATS = 3


class Fleet:
    """The workers' heartbeats in Redis, and the cards of every model that ever had a worker.

    Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self.redis = client
        self._beat = load(client, "beat")
        self._heal = load(client, "heal")

    def beat(
        self, worker: WorkerInfo, card: ModelCard, interval_s: float, of_late_s: float = READY_OF_LATE_S
    ) -> None:
        """Say that `worker` is alive, and what its model can do; to be called every `interval_s`.

        How many workers of the model were ready at once is known for `of_late_s`. A full Redis takes it all.
        """
        expires_ms = int(interval_s * _MISSED_BEATS * 1000)
        start_s = "" if worker.start_s is None else round(worker.start_s, 3)
        # What is usual is left out: a web of an earlier version need not know it.
        info = worker.model_dump_json(exclude_defaults=True)
        described = (worker.id, info, expires_ms, time.time())
        is_ready = "1" if worker.state is WorkerState.READY else ""
        late_ms = int(of_late_s * 1000)
        args = (*described, card.name, card.model_dump_json(), start_s, is_ready, late_ms)
        if not self._beat(args=args):
            self.heal(card.name)
            self._beat(args=args)

    def heal(self, model: str) -> None:
        """Put aside what is of another type where the fleet keeps what it knows of a model and of all."""
        for key in self._heal(args=(model,)):
            moved_aside("worker", key)

    def ready_of_late(self, model: str) -> int:
        """The most workers of a model that were ready at once of late."""
        key = names.ready_of_late_key(model)
        return readable("worker", key, lambda: self.redis.zcard(key)) or 0

    def starts_s(self) -> dict[str, float]:
        """How long a late worker of each model took until it was ready, in seconds."""
        starts = self._hash("start", names.STARTS)
        read = (
            (model, readable("start", names.STARTS, partial(float, text))) for model, text in starts.items()
        )
        return {model: start_s for model, start_s in read if start_s is not None}

    def leave(self, worker_id: str, model: str) -> None:
        """Say that a worker of `model` is gone."""
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.delete(names.worker_key(worker_id))
            pipe.zrem(names.WORKERS, worker_id)
            pipe.zrem(names.ready_key(model), worker_id)
            pipe.execute()

    def workers(self) -> list[WorkerInfo]:
        """The workers that are alive, longest-serving first; forgets those that fell silent."""
        ids = cast(
            list[str], readable("worker", names.WORKERS, lambda: self.redis.zrange(names.WORKERS, 0, -1))
        )
        if not ids:
            return []
        texts = cast(list[str | None], self.redis.mget([names.worker_key(worker_id) for worker_id in ids]))
        silent = [worker_id for worker_id, text in zip(ids, texts, strict=True) if text is None]
        if silent:
            self._forget(silent)
        read = (
            readable("worker", names.worker_key(worker_id), partial(WorkerInfo.model_validate_json, text))
            for worker_id, text in zip(ids, texts, strict=True)
            if text is not None
        )
        return sorted((worker for worker in read if worker), key=lambda worker: worker.started_at)

    def _hash(self, kind: str, key: str) -> dict[str, str]:
        """A hash; empty where something else is kept in its place."""
        return readable(kind, key, lambda: cast(dict[str, str], self.redis.hgetall(key))) or {}

    def _forget(self, silent: Sequence[str]) -> None:
        try:
            self.redis.zrem(names.WORKERS, *silent)
        except redis.ResponseError as error:
            # Who only looks is not told that Redis takes no writes.
            if Refusal.of(error) is None:
                raise

    def models(self) -> dict[str, ModelCard]:
        """The card of every model that ever had a worker and can be read, by name."""
        cards = self._hash("model", names.MODELS)
        read = (
            (name, readable("model", names.MODELS, partial(ModelCard.model_validate_json, text)))
            for name, text in sorted(cards.items())
        )
        return {name: card for name, card in read if card and card.name == name}

    def cards(
        self, offered: Sequence[str] = (), listed: Mapping[str, ModelCard] = {}
    ) -> dict[str, ModelCard]:
        """The card of every model that may be asked, by name, the default first.

        First those `offered`, then those `listed` by people, then those that ever had a worker; the default
        is the first offered or listed, or else the first that has a worker now. What is listed goes before
        what workers say. One may choose what all workers take that are up, or else what the last one took.
        """
        registered = {**self.models(), **listed}
        first = [registered.get(name) or card_for(name) for name in (*offered, *listed)]
        up = [worker for worker in self.workers() if worker.state is WorkerState.READY]
        ready = {worker.model for worker in up}
        others = sorted(registered.values(), key=lambda card: (card.name not in ready, card.name))
        cards: dict[str, ModelCard] = {}
        for card in [*first, *others]:
            cards.setdefault(card.name, _as_served(card, up))
        return cards


def _as_served(card: ModelCard, up: Sequence[WorkerInfo]) -> ModelCard:
    ranges = [worker.max_pixels for worker in up if worker.model == card.name]
    return card.model_copy(update={"max_pixels": in_common(ranges)}) if ranges else card
