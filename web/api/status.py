"""The state of the service: models, queues, workers, limits, health, metrics."""

from collections import Counter

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from jobs.contract.catalog import ModelCard
from jobs.contract.errors import Unavailable
from jobs.contract.models import WorkerInfo, WorkerState
from web.api.queue_gauges import queue_registry
from web.api.schemas.base import PROBLEMS
from web.api.schemas.status import (
    HealthView,
    LimitsView,
    ModelStatus,
    ModelsView,
    ModelView,
    ReadyView,
    StatusView,
)
from web.http.conditional import fresh_json
from web.intake.headers import MEDIA_TYPES
from web.services import Services, services

_SHOWN_OF_CARD = set(ModelView.model_fields) & set(ModelCard.model_fields) - {"fields"}

status = APIBlueprint(
    "status",
    __name__,
    abp_tags=[Tag(name="service", description="What is served, and how it is.")],
    abp_responses=PROBLEMS,
)


@status.get("/api/models", responses={200: ModelsView})
def get_models() -> Response:
    """The models that can be asked, the default first, and what each can do."""
    serving = services()
    ready = Counter(worker.model for worker in serving.fleet.workers() if worker.state is WorkerState.READY)
    models = [
        ModelView(
            **card.model_dump(include=_SHOWN_OF_CARD),
            fields=[field.short for field in card.fields],
            workers=ready[card.name],
            is_default=place == 0,
        )
        for place, card in enumerate(serving.known_cards().values())
    ]
    return fresh_json(ModelsView(models=models).model_dump(mode="json"))


@status.get("/api/status", responses={200: StatusView})
def get_status() -> Response:
    """What waits, what is held, and who works on it."""
    serving = services()
    workers = serving.fleet.workers()
    starts_s = serving.fleet.starts_s()
    models = [_model_status(serving, name, workers, starts_s.get(name)) for name in serving.known_cards()]
    view = StatusView(models=models, trouble=_trouble(serving))
    return fresh_json(view.model_dump(mode="json"))


@status.get("/api/limits", responses={200: LimitsView})
def get_limits() -> Response:
    """What is refused: to be checked before anything is sent."""
    limits = services().limits.model_dump(include=set(LimitsView.model_fields))
    view = LimitsView(**limits, media_types=list(MEDIA_TYPES))
    return fresh_json(view.model_dump(mode="json"))


@status.get("/health", responses={200: HealthView})
def health() -> Response:
    """200 as long as this process lives."""
    return fresh_json({"status": "ok"})


@status.get("/ready", responses={200: ReadyView})
def ready() -> Response:
    """200 when Redis takes writes and the blob store answers, else 503."""
    serving = services()
    serving.store.check()
    serving.blobs.ping()
    return fresh_json({"status": "ready"})


@status.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
def metrics() -> Response:
    """Prometheus metrics of web and of the queue."""
    text = generate_latest(REGISTRY) + generate_latest(queue_registry(services()))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _trouble(serving: Services) -> str:
    try:
        serving.store.check()
    except Unavailable as error:
        return error.message
    return ""


def _model_status(
    serving: Services, model: str, workers: list[WorkerInfo], start_s: float | None
) -> ModelStatus:
    depth = serving.queue.depth(model)
    states = Counter(worker.state for worker in workers if worker.model == model)
    return ModelStatus(
        name=model,
        workers=states[WorkerState.READY],
        workers_by_state={state.value: states[state] for state in WorkerState},
        interactive=depth.interactive,
        bulk=depth.bulk,
        waiting=depth.waiting,
        held=depth.held,
        oldest_wait_s=None if depth.oldest_wait_s is None else round(depth.oldest_wait_s, 1),
        rate_per_s=serving.store.rate_per_s(model),
        start_s=start_s,
    )
