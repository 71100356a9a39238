"""The model, the question and the options of a request, checked before anything is kept."""

import math
from collections.abc import Sequence
from typing import Any

from jobs.contract.asking.fields import format_of
from jobs.contract.asking.pages import Pages
from jobs.contract.asking.resolution import check_max_pixels
from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, Overloaded, TooLarge, UnknownModel
from jobs.contract.models import SAMPLING, Options
from jobs.contract.saying.logprobs import size_bytes
from jobs.contract.settings import Limits
from jobs.shape.columns import columns_of
from jobs.shape.schemas import check_format
from web.access.caller import caller
from web.intake.wishes import Wishes
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


def check_images(job: str, images: int, limits: Limits, field: str | None = None) -> None:
    """Raises TooLarge (`too_many_images`) when a job would be about more images than it may."""
    if images > limits.max_images_per_job:
        raise TooLarge(
            f"{job} would be about {images:,} images; the limit is {limits.max_images_per_job}"
            " (EVA01_MAX_IMAGES_PER_JOB). Ask about fewer of them together.",
            code=Code.TOO_MANY_IMAGES,
            field=field,
        )


def are_seen_together(card: ModelCard, options: Options) -> bool:
    """True when a model that looks at one image is asked about all pages of a file at once."""
    return sees_all_pages(card, options) and not card.reads_pages


def check_pages(job: str, pages: int, limits: Limits) -> None:
    """Raises TooLarge (`too_many_images`) when a job would see more pages at once than it may."""
    if pages > limits.max_images_per_job:
        raise TooLarge(
            f"{job} has {pages:,} pages; a model is asked about {limits.max_images_per_job} of them together"
            " at most (EVA01_MAX_IMAGES_PER_JOB). Ask about each page by itself (pages: each).",
            code=Code.TOO_MANY_IMAGES,
        )


def sees_all_pages(card: ModelCard, options: Options) -> bool:
    """True when a job that names no page is about all pages of its files."""
    return card.reads_pages or options.pages is Pages.TOGETHER


def pages_counted(pages: Sequence[int | None]) -> int | None:
    """What a job about all pages of its files counts as; None where each has one. `pages`: of each file."""
    count = sum(one or 1 for one in pages)
    return count if count > len(pages) else None


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


def check_options(services: Services, card: ModelCard, wishes: Wishes) -> Options:
    """How the model is to answer.

    Raises TooLarge (`too_many_tokens`, `schema_too_large`, `too_many_logprobs`), and BadInput:
    `invalid_field` for what contradicts itself, `no_fields` for a model that answers with text alone,
    `no_logprobs` for one that does not say how likely its tokens were, `no_sampling` for one that draws
    nothing and stops nowhere, `no_token_limit` for one that counts no tokens, and what check_format and
    check_max_pixels raise.
    """
    limits, most = services.limits, wishes.max_new_tokens
    if most is not None and not card.has_token_limit:
        raise BadInput(
            f"{card.name} says all that it reads: how many tokens an answer may have cannot be chosen. Choose"
            " another model, or leave out max_new_tokens.",
            code=Code.NO_TOKEN_LIMIT,
            field="max_new_tokens",
        )
    if most is not None and most > limits.max_answer_tokens:
        raise TooLarge(
            f"max_new_tokens is {most:,}; the limit is {limits.max_answer_tokens:,}"
            " (EVA01_MAX_ANSWER_TOKENS). Ask for a shorter answer.",
            code=Code.TOO_MANY_TOKENS,
            field="max_new_tokens",
        )
    wanted = _wanted_format(card, wishes, limits)
    named = "fields" if wishes.fields else "response_format"
    if wanted and not card.has_fields:
        raise BadInput(
            f"{card.name} cannot answer with fields. Choose another model, or ask for text.",
            code=Code.NO_FIELDS,
            field=named,
        )
    if wanted:
        places = services.schemas
        try:
            check_format(wanted, limits.max_schema_bytes, cpu_s=limits.request_cpu_s, places=places)
            _check_count(len(columns_of(wanted)), limits)
        except BadInput as error:
            error.field = named
            raise
    check_max_pixels(wishes.max_pixels, card.name, card.max_pixels)
    top = _wanted_logprobs(card, wishes, limits)
    return Options(
        max_new_tokens=most,
        response_format=wanted,
        top_logprobs=top,
        max_pixels=wishes.max_pixels,
        dpi=wishes.dpi,
        pages=wishes.pages,
        **_wanted_sampling(card, wishes, is_held=wanted is not None),
    )


def _wanted_sampling(card: ModelCard, wishes: Wishes, *, is_held: bool) -> dict[str, Any]:
    """How tokens are drawn, and where answers end; `is_held` when they are held to a format."""
    said = {name: getattr(wishes, name) for name in SAMPLING}
    asked = {name: value for name, value in said.items() if value is not None}
    if wishes.temperature is None and wishes.top_p == 1:
        # Some clients always say it, and it leaves nothing out.
        del asked["top_p"]
    if asked and not card.has_sampling:
        raise BadInput(
            f"{card.name} draws nothing by chance, and stops at no text. Choose another model, or leave out"
            f" {', '.join(sorted(asked))}.",
            code=Code.NO_SAMPLING,
            field=min(asked),
        )
    if "top_p" in asked and wishes.temperature is None:
        raise BadInput(
            f"top_p is {wishes.top_p:g}, and without a temperature nothing is drawn."
            " Send temperature as well.",
            code=Code.INVALID_FIELD,
            field="top_p",
        )
    if wishes.stop and is_held:
        raise BadInput(
            "`stop` would cut answers that have to be whole, as `fields` and `response_format` say. Leave out"
            " one of them; of a model that has fields by itself, ask for the `response_format` of the type"
            " `text`.",
            code=Code.INVALID_FIELD,
            field="stop",
        )
    return asked


def _wanted_logprobs(card: ModelCard, wishes: Wishes, limits: Limits) -> int | None:
    """How many of the likeliest tokens to name in each place; None for nothing of that."""
    top = wishes.top_logprobs
    if not wishes.logprobs:
        if top is not None:
            raise BadInput(
                f"top_logprobs is {top}, and logprobs were not asked for. Send logprobs as well, with true.",
                code=Code.INVALID_FIELD,
                field="top_logprobs",
            )
        return None
    if not card.has_logprobs:
        raise BadInput(
            f"{card.name} does not say how likely its tokens were. Choose another model, or leave out"
            " logprobs.",
            code=Code.NO_LOGPROBS,
            field="logprobs",
        )
    longest = wishes.max_new_tokens or limits.max_answer_tokens
    needed = size_bytes(longest, top or 0)
    if needed > limits.max_logprobs_bytes:
        raise TooLarge(
            f"What is said of {longest:,} tokens with top_logprobs {top or 0} may have {needed:,} bytes; the"
            f" limit is {limits.max_logprobs_bytes:,} (EVA01_MAX_LOGPROBS_BYTES). Ask for fewer top_logprobs,"
            " or for a shorter answer.",
            code=Code.TOO_MANY_LOGPROBS,
            field="top_logprobs",
        )
    return top or 0


def _wanted_format(card: ModelCard, wishes: Wishes, limits: Limits) -> ResponseFormat | None:
    if wishes.fields and wishes.response_format:
        raise BadInput(
            "`fields` and `response_format` both say how an answer looks. Send one of them.",
            code=Code.INVALID_FIELD,
        )
    if wishes.fields:
        _check_count(len(wishes.fields), limits)
        return format_of(wishes.fields)
    if wishes.response_format:
        return wishes.response_format.kept()
    return format_of(card.fields) if card.fields else None


def _check_count(fields: int, limits: Limits) -> None:
    if fields > limits.max_fields:
        raise TooLarge(
            f"An answer would have {fields:,} fields; the limit is {limits.max_fields:,} (EVA01_MAX_FIELDS).",
            code=Code.SCHEMA_TOO_LARGE,
        )
