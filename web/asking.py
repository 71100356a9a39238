"""The model, the question and the options of a request, checked before anything is kept."""

import math

from jobs.catalog import ModelCard, card_for
from jobs.errors import BadInput, Overloaded, TooLarge, UnknownModel
from jobs.models import Options, WorkerState
from jobs.settings import Limits
from web.services import Services

#: Those who were turned away come back when this share of the queue is free again, so that they find room.
_ROOM_SHARE = 100
#: Seconds to come back after when nothing was finished lately, and at the longest.
_UNKNOWN_WAIT_S, _LONGEST_WAIT_S = 30, 600


def known_cards(services: Services) -> dict[str, ModelCard]:
    """The card of every model that may be asked, the default first.

    First those that EVA01_MODELS offers, then those that ever had a worker; the default is the first
    offered, or else the first that has a worker now.
    """
    registered = services.fleet.models()
    offered = [registered.get(name) or card_for(name) for name in services.web.models]
    ready = {worker.model for worker in services.fleet.workers() if worker.state is WorkerState.READY}
    others = sorted(registered.values(), key=lambda card: (card.name not in ready, card.name))
    cards: dict[str, ModelCard] = {}
    for card in [*offered, *others]:
        cards.setdefault(card.name, card)
    return cards


def choose_model(services: Services, name: str | None) -> ModelCard:
    """The card of the model called `name`, or of the default.

    Raises UnknownModel.
    """
    cards = known_cards(services)
    if not cards:
        raise UnknownModel("No model is served yet. Start a worker: eva01 worker --model nano.")
    if name is None:
        return next(iter(cards.values()))
    if name not in cards:
        raise UnknownModel(f"There is no model {name[:100]!r} here. Those there are: {', '.join(cards)}.")
    return cards[name]


def check_room(services: Services, model: str) -> None:
    """Raises Overloaded when as much waits for `model` as may."""
    waiting, limit = services.queue.depth(model).waiting, services.limits.max_queued
    if waiting < limit:
        return
    rate_per_s = services.store.rate_per_s(model)
    needed = waiting - limit + max(1, limit // _ROOM_SHARE)
    wait_s = needed / rate_per_s if rate_per_s else _UNKNOWN_WAIT_S
    raise Overloaded(
        f"{waiting:,} jobs wait for {model} already; the limit is {limit:,} (EVA01_MAX_QUEUED)."
        " Send the rest when some are done.",
        retry_after_s=min(max(1, math.ceil(wait_s)), _LONGEST_WAIT_S),
    )


def check_question(card: ModelCard, question: str, limits: Limits) -> str:
    """The question to ask, without space around it, or the model's own when none was given.

    Raises BadInput (`missing_question`) and TooLarge (`question_too_long`).
    """
    asked = question.strip() or card.default_question
    if card.uses_question and not asked:
        raise BadInput(f"{card.name} needs a question, and there is none.", code="missing_question")
    if len(asked) > limits.max_question_chars:
        raise TooLarge(
            f"The question has {len(asked):,} characters; the limit is {limits.max_question_chars:,}"
            " (EVA01_MAX_QUESTION_CHARS).",
            code="question_too_long",
        )
    return asked


def check_options(max_new_tokens: int | None, limits: Limits) -> Options:
    """Raises TooLarge (`too_many_tokens`)."""
    if max_new_tokens is not None and max_new_tokens > limits.max_answer_tokens:
        raise TooLarge(
            f"max_new_tokens is {max_new_tokens}; the limit is {limits.max_answer_tokens}"
            " (EVA01_MAX_ANSWER_TOKENS).",
            code="too_many_tokens",
        )
    return Options(max_new_tokens=max_new_tokens)
