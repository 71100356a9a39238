"""Celery, as this worker uses it: threads that hold one job each, and take one only when free."""

from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps
from celery.concurrency.thread import TaskPool
from celery.exceptions import Reject
from celery.worker import WorkController
from celery.worker import state as celery_state

from jobs.contract import names
from jobs.contract.models import WorkerState
from worker.broker.in_hand import InHand
from worker.broker.lease import Lease
from worker.device.base import GivenBack
from worker.job.answering import Answering
from worker.ops.metrics import ModelMetrics
from worker.status import Status


class SlotPool(TaskPool):
    """Celery's thread pool; stopping it does not wait for running jobs, because the drain has done so."""

    def on_stop(self) -> None:
        """Drop what has not begun, and return at once."""
        self.executor.shutdown(wait=False, cancel_futures=True)


class Listening(bootsteps.StartStopStep):
    """Keeps `Status.is_consuming` true to whether the queue is listened to, across lost connections."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, status: Status, **options: Any) -> None:
        self._status = status
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        """Called when the connection is made, and made again."""
        self._status.is_consuming = True
        if self._status.state is WorkerState.DRAINING:
            # Redis came back while draining, and Celery is about to listen again.
            consumer.hub.call_soon(consumer.task_consumer.cancel)

    def stop(self, consumer: Any) -> None:
        """Called when the connection is lost or closed."""
        self._status.is_consuming = False


class Slots:
    """The slots of one worker."""

    def __init__(
        self, app: Celery, status: Status, metrics: ModelMetrics, in_hand: InHand, lease_s: float
    ) -> None:
        self._app = app
        self._in_hand = in_hand
        self._status = status
        self._metrics = metrics
        self._lease_s = lease_s
        self._controller: Any = None

    def serve(self, answering: Answering[Any, Any], on_ready: Callable[[], None]) -> None:
        """Answer jobs until told to stop; runs Celery in this thread."""
        register_task(self._app, answering, self._in_hand)
        self._app.steps["consumer"].update((Listening, Lease))
        self._app.finalize()
        self._controller = WorkController(
            app=self._app,
            hostname=f"{self._status.model}@{self._status.worker_id}",
            pool_cls=SlotPool,
            concurrency=self._status.slots,
            ready_callback=lambda consumer: on_ready(),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            status=self._status,
            lease_s=self._lease_s,
            in_hand=self._in_hand,
            metrics=self._metrics,
        )
        self._controller.start()

    def take_no_more(self) -> None:
        """Stop listening to the queue; what is held goes on."""
        consumer = self._controller.consumer
        consumer.hub.call_soon(lambda: consumer.task_consumer and consumer.task_consumer.cancel())

    def how_many_held(self) -> int:
        """Jobs whose messages were taken and are not acknowledged yet."""
        return len(celery_state.reserved_requests)

    def stop(self) -> None:
        """Make `serve` return: Celery acknowledges what is done, and restores what is not."""
        self._in_hand.let_go()
        celery_state.should_stop = 0
        self._controller.hub.call_soon(lambda: None)


def register_task(app: Celery, answering: Answering[Any, Any], in_hand: InHand) -> None:
    """Register the app's one task: answer a job."""

    @app.task(name=names.TASK_ANSWER, bind=True)
    def answer(task: Any) -> None:
        delivery = task.request.delivery_info or {}
        ticket = task.request.properties["delivery_tag"]
        try:
            with in_hand.holding(ticket):
                answering.answer(ticket, is_redelivered=bool(delivery.get("redelivered")))
        except GivenBack as error:
            raise Reject(str(error), requeue=True) from error
