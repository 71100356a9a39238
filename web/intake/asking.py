"""The model, the question and the options of a request, checked before anything is kept."""

import math

from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, Overloaded, TooLarge, UnknownModel
from jobs.contract.models import Options
from jobs.contract.settings import Limits
from web.access.caller import caller
from web.services import Services

#: Those who were turned away come back when this share of the queue is free again, so that they find room.
_ROOM_SHARE = 100
#: Seconds to come back after when nothing was finished lately, and at the longest.
_UNKNOWN_WAIT_S, _LONGEST_WAIT_S = 30, 600


def choose_model(services: Services, name: str | None) -> ModelCard:
    """The card of the model called `name`, or of the default.

    Raises UnknownModel.
    """
    cards = services.known_cards()
    if not cards:
        raise UnknownModel("No model is served yet. Start a worker: eva01 worker --model nano.")
    if name is None:
        return next(iter(cards.values()))
    if name not in cards:
        raise UnknownModel(f"There is no model {name[:100]!r} here. Those there are: {', '.join(cards)}.")
    return cards[name]


def check_room(services: Services, model: str, owner: str | None) -> None:
    """Raises Overloaded when as much waits for `model` as may, unless `owner` has little of that."""
    waiting, limit = services.queue.depth(model).waiting, services.limits.max_queued
    if waiting < limit or (owner and services.queue.has_share(model, owner, limit)):
        return
    rate_per_s = services.store.rate_per_s(model)
    needed = waiting - limit + max(1, limit // _ROOM_SHARE)
    wait_s = needed / rate_per_s if rate_per_s else _UNKNOWN_WAIT_S
    raise Overloaded(
        f"{waiting:,} jobs wait for {model} already; the limit is {limit:,} (EVA01_MAX_QUEUED)."
        " Send the rest when some are done.",
        retry_after_s=min(max(1, math.ceil(wait_s)), _LONGEST_WAIT_S),
    )


def check_takes(services: Services, model: str, owner: str | None) -> None:
    """Raises Overloaded as above, and QuotaExceeded when one more job would pass a quota of the caller."""
    check_room(services, model, owner)
    services.ledger.check_quotas(owner, caller().quotas)


def check_question(card: ModelCard, question: str, limits: Limits) -> str:
    """The question to ask, without space around it, or the model's own when none was given.

    Raises BadInput (`missing_question`) and TooLarge (`question_too_long`).
    """
    asked = question.strip() or card.default_question
    if card.uses_question and not asked:
        raise BadInput(f"{card.name} needs a question, and there is none.", code=Code.MISSING_QUESTION)
    if len(asked) > limits.max_question_chars:
        raise TooLarge(
            f"The question has {len(asked):,} characters; the limit is {limits.max_question_chars:,}"
            " (EVA01_MAX_QUESTION_CHARS).",
            code=Code.QUESTION_TOO_LONG,
        )
    return asked


def check_page(page: int | None, pages: int | None) -> int | None:
    """The page to ask about, of a file that has `pages`; None for all that there is in it.

    Raises BadInput (`invalid_field`) when there is no such page.
    """
    if page is not None and page > (pages or 1):
        raise BadInput(
            f"page is {page}, and the last page of the file is {pages or 1}. Ask about another.",
            code=Code.INVALID_FIELD,
        )
    return page if pages and pages > 1 else None


def check_options(max_new_tokens: int | None, limits: Limits) -> Options:
    """Raises TooLarge (`too_many_tokens`)."""
    if max_new_tokens is not None and max_new_tokens > limits.max_answer_tokens:
        raise TooLarge(
            f"max_new_tokens is {max_new_tokens}; the limit is {limits.max_answer_tokens}"
            " (EVA01_MAX_ANSWER_TOKENS).",
            code=Code.TOO_MANY_TOKENS,
        )
    return Options(max_new_tokens=max_new_tokens)
