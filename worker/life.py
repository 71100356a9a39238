"""A worker's life, from its settings to its last heartbeat.

loading ──model there, queue listened to──► ready ──told to stop──► draining ──► gone
"""

import gc
import logging
import os
import socket
from dataclasses import dataclass
from time import perf_counter
from typing import Generic
from uuid import uuid4

import redis

from jobs.contract.catalog import ModelCard
from jobs.contract.models import Options, WorkerState
from jobs.contract.settings import Limits, Settings, WorkerSettings
from jobs.storage.connection.client import connect
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from jobs.storage.fleet import Fleet
from jobs.storage.image_uses import ImageUses
from jobs.storage.store import JobStore
from jobs.storage.wire import Wire
from worker.broker.celery_app import create_celery
from worker.broker.in_hand import InHand
from worker.broker.slots import Slots
from worker.broker.unreadable import Unreadable
from worker.device.base import Device
from worker.device.batcher import Batcher
from worker.device.roller import Roller
from worker.drain import Drain
from worker.engines.base import Engine, Prepared, Seen
from worker.job.answering import Answering
from worker.job.cache import AnswerCache
from worker.job.decode.decoder import Decoder
from worker.job.decode.room import Room
from worker.job.ending import Ending
from worker.job.logprobs import Logprobs
from worker.job.patience import Patience
from worker.job.precedence import Precedence
from worker.job.preparation import Preparation
from worker.job.telling import Telling
from worker.job.texts import Texts
from worker.job.thumbnails import Thumbnails
from worker.ops.health import HealthServer
from worker.ops.heartbeat import Heartbeat
from worker.ops.metrics import ModelMetrics
from worker.ops.pod_cost import Pod, PodCost
from worker.status import Status
from worker.summary import facts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Environment:
    """All settings that a worker reads."""

    shared: Settings
    worker: WorkerSettings
    limits: Limits

    @classmethod
    def read(cls) -> "Environment":
        """Read them.

        Raises BadSetting.
        """
        return cls(Settings.read(), WorkerSettings.read(), Limits.read())


class Worker(Generic[Seen, Prepared]):
    """Serves one model until it is told to stop.

    `began_s` is when its process began, by `perf_counter`. Raises BadSetting when its port is taken.
    """

    def __init__(
        self, card: ModelCard, environment: Environment, engine: Engine[Seen, Prepared], began_s: float
    ) -> None:
        shared, own = environment.shared, environment.worker
        client = connect(shared.redis_url, shared.redis_timeout_s)
        self._card = card
        self._environment = environment
        self._began_s = began_s
        self._status = Status(worker_id=_new_id(card), model=card.name)
        self._metrics = ModelMetrics(card.name)
        self._store = JobStore(client)
        self._drain = Drain(own.drain_s)
        self._metrics.drain_seconds.set_function(self._drain.seconds)
        self._blobs = BlobStore(shared.blobs_url, shared.blob_patience_s, self._drain.pause)
        self._journal = Journal(self._blobs)
        self._logprobs = Logprobs(self._journal, environment.limits.max_logprobs_bytes)
        self._image_uses = ImageUses(client)
        self._telling = Telling(Wire(client))
        self._engine = engine
        self._device: Device[Prepared]
        unreadable = Unreadable(
            card.name, self._metrics, most=shared.max_unreadable, most_bytes=shared.max_ticket_bytes
        )
        self._in_hand = InHand()
        celery = create_celery(
            *(shared, card.name, self._status.trouble, unreadable, self._in_hand),
            may_take=lambda: self._status.may_take,
        )
        self._slots = Slots(celery, self._status, self._metrics, self._in_hand, shared.lease_s)
        self._heartbeat = Heartbeat(Fleet(client), card, self._status, own.heartbeat_s, own.ready_of_late_s)
        self._health = HealthServer(self._status, own.worker_host, own.worker_port)
        pod = Pod.here(own.pod_name)
        self._pod_cost = pod and PodCost(pod.set_cost, self._slots.how_many_held, lambda: self._status.slots)

    def live(self) -> int:
        """Start, load the model, serve until told to stop; gives the exit code.

        Raises ModelNotLoaded.
        """
        self._drain.start(self)
        self._health.start()
        self._heartbeat.start()
        if self._pod_cost:
            self._pod_cost.start()
        try:
            self._load()
            self._slots.serve(self._answering(), on_ready=self._become_ready)
            if not self._drain.has_begun:
                logger.critical("Celery has ended by itself; what was held goes back to the queue.")
                self._drain.fail()
        finally:
            self._heartbeat.leave()
            self._health.stop()
            if self._pod_cost:
                self._pod_cost.stop()
        logger.info("Stopped.")
        return self._drain.exit_code

    @property
    def is_stuck(self) -> bool:
        """True when a thread is still busy with a job that was given back."""
        return self._device.is_alive or self._slots.how_many_held() > 0

    def _load(self) -> None:
        started_s = perf_counter()
        self._engine.load()
        # What was made so far stays: no collection has to look at it.
        gc.freeze()
        seconds = perf_counter() - started_s
        self._metrics.load_seconds.set(seconds)
        self._device = self._open_device()
        self._device.start()
        self._telling.start()
        status = self._status
        status.is_device_alive = self._is_device_alive
        status.engine_trouble = lambda: self._engine.trouble
        status.device = self._engine.device
        status.max_pixels = self._engine.max_pixels
        status.slots = self._environment.worker.slots or self._engine.default_slots
        for about, said in facts(self._engine, self._environment.worker):
            logger.info("%s: %s: %s.", status.model, about, said)
        logger.info(
            "%s loaded in %.1f s on %s: %d slots, health on http://%s.",
            status.model,
            seconds,
            status.device,
            status.slots,
            self._health.address,
        )

    def _open_device(self) -> Device[Prepared]:
        own, metrics = self._environment.worker, self._metrics
        fail, unwanted = self._drain.fail, self._store.cancelled
        if rolling := self._engine.rolling:
            told = self._telling.turn_over
            return Roller(
                *(rolling, metrics, fail), timeout_s=own.job_timeout_s, unwanted=unwanted, after_turn=told
            )
        return Batcher(
            self._engine, metrics, own.batch_tokens, fail, timeout_s=own.job_timeout_s, unwanted=unwanted
        )

    def _is_device_alive(self) -> bool:
        """True while the device's thread lives, or once draining has begun; False after a part has broken."""
        return self._drain.exit_code == 0 and (self._device.is_alive or self._drain.has_begun)

    def _answering(self) -> Answering[Seen, Prepared]:
        patience = Patience(self._drain, self._status.trouble)
        return Answering(
            model=self._status.model,
            store=self._store,
            preparation=self._preparation(),
            engine=self._engine,
            device=self._device,
            cache=self._answer_cache(),
            thumbnails=self._thumbnails(),
            texts=Texts(self._blobs, self._image_uses),
            drain=self._drain,
            patience=patience,
            ending=Ending(self._store, self._journal, self._metrics, patience),
            metrics=self._metrics,
            max_crashes=self._environment.worker.max_crashes,
            reads_pages=self._card.reads_pages,
            max_images=self._environment.limits.max_images_per_job,
            ready=Room(self._environment.worker.ready_images),
            logprobs=self._logprobs,
            telling=self._telling,
            precedence=Precedence(),
            prompt=self._card.prompt,
        )

    def _preparation(self) -> Preparation[Seen]:
        engine = self._engine
        decoder = Decoder(self._environment.limits, engine.enough_pixels, keeps_files=engine.is_elsewhere)
        return Preparation(self._blobs, decoder, self._engine, self._metrics)

    def _thumbnails(self) -> Thumbnails:
        own = self._environment.worker
        return Thumbnails(self._blobs, self._image_uses, own.thumbnail_px, own.stand_in_px)

    def _answer_cache(self) -> AnswerCache:
        own = self._environment.worker
        pixels = self._engine.max_pixels
        dpi = self._environment.limits.pdf_dpi
        usual = Options(max_new_tokens=own.max_new_tokens, max_pixels=pixels and pixels.default, dpi=dpi)
        return AnswerCache(
            *(self._store, self._logprobs, self._metrics, self._engine.identity, usual, self._card.prompt),
            is_on=own.answer_cache,
        )

    def _become_ready(self) -> None:
        self._status.state = WorkerState.READY
        # How long it waited for another server says nothing of the next start.
        if not self._engine.is_elsewhere:
            self._status.start_s = perf_counter() - self._began_s
        self._heartbeat.beat_now()
        logger.info("Ready.")

    # The steps of its end, called by the drain.

    def take_no_more(self) -> None:
        """Stop listening to the queue; a worker that does not listen yet has nothing to finish and leaves."""
        if self._status.state is WorkerState.LOADING:
            self._heartbeat.leave()
            logger.info("Stopped before it was ready.")
            os._exit(self._drain.exit_code)
        self._status.state = WorkerState.DRAINING
        self._heartbeat.beat_now()
        self._slots.take_no_more()

    def how_many_held(self) -> int:
        """Jobs in slots."""
        return self._slots.how_many_held()

    def give_back(self) -> None:
        """Send what has no answer yet back to the queue."""
        self._device.give_back()

    def stop(self) -> None:
        """Make `live` return; a job that its slot could not let go of yet has not ended this worker."""
        try:
            for _ in range(self._store.give_back_held(self._status.model, self._in_hand.numbers())):
                self._metrics.count_redelivery("drain")
        except redis.RedisError as error:
            logger.warning("What slots still hold could not be marked as queued: %s", error)
        self._slots.stop()


def _new_id(card: ModelCard) -> str:
    return f"{card.name}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
