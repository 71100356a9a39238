"""The pages for people: ask, a batch, all batches; and the form that asks where no script runs."""

from dataclasses import asdict
from typing import Any, cast

import redis
from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import format_currency
from pydantic import ValidationError
from werkzeug import Response as PlainResponse
from werkzeug.datastructures import FileStorage

from jobs import flow
from jobs.contract.asking.groups import GroupBy
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.models import Batch, JobState, Options, new_id
from jobs.shape.columns import columns_of
from web.access.caller import caller
from web.access.link import follow, shown_batch, shown_job
from web.api.batches import listed
from web.api.schemas.base import BatchPath
from web.api.schemas.batches import BatchesQuery
from web.api.schemas.results import ResultsQuery
from web.http.idempotency import speaks_of
from web.http.numbers import whole
from web.http.problems import refuse_fields
from web.intake.asking import check_options, check_question, check_takes, choose_model
from web.intake.fetching import after_fetching
from web.intake.files import Intake
from web.intake.forms import check_fields, check_form
from web.intake.grouping import Said
from web.intake.spool import spooled_request
from web.intake.wishes import LINES, SaidWishes, wishes_in_lines
from web.pages.admin import register_admin
from web.pages.audit import audit_page
from web.pages.errors import TYPED, register_errors
from web.pages.i18n import LANGUAGE_COOKIE, LANGUAGES, language, register_words, script_words
from web.pages.page import THEME_COOKIE, THEMES, local_path, page
from web.pages.signing import register_signing
from web.pages.usage import register_usage
from web.services import services

pages = Blueprint("pages", __name__, template_folder="templates")
register_errors(pages)
pages.get("/admin/audit")(audit_page)
register_signing(pages)
register_admin(pages)
register_usage(pages)

#: The fields of the form that asks: `once` tells it from others, and `answer` is for scripts.
_FIELDS = (*TYPED, "once", "answer")
_YEAR_S = 365 * 24 * 3600
#: What a price looks like: images are cheap, and their prices have more digits than their currency.
_PRICE = "¤#,##0.00##"
#: Answers on a page that is read without scripts.
_PAGE_JOBS = 200


@pages.record_once
def _prepare(state: BlueprintSetupState) -> None:
    register_words(cast(Flask, state.app))


@pages.get("/")
def index() -> PlainResponse:
    """Choose images, ask, send; who may only look goes to what there is."""
    if not caller().role.may_write:
        return redirect(url_for("pages.history"), 303)
    return page("index.html", here="ask", form={})


@pages.post("/batches")
def create_batch() -> Response:
    """What the form does where no script runs: a batch of all its files, closed; then the batch's page.

    Raises what the API's calls raise: BadInput, TooLarge, UnknownModel, Overloaded, Unavailable.
    """
    check_form(request)
    sent = spooled_request().sent
    if not sent:
        raise BadInput("No image was chosen. Choose some, then ask.", code=Code.MISSING_FILE)
    check_fields(request.form, _FIELDS)
    return after_fetching(services(), sent, _asked, _batch_of)


@pages.get("/batches/<batch_id>")
def batch_page(batch_id: str) -> Response:
    """One batch: how far it is, and its answers."""
    return _batch_page(batch_id)


@pages.get("/shared/<token>")
def shared_page(token: str) -> Response:
    """The same for whoever has a link to the batch, read only."""
    return _batch_page(follow(token).batch_id, f"/api/shared/{token}")


@pages.get("/history")
def history() -> Response:
    """The caller's batches, the latest change first."""
    try:
        query = BatchesQuery.asked()
    except ValidationError as error:
        raise BadInput("The address asks for batches that there are not.", code=Code.INVALID_FIELD) from error
    batches, next_cursor = listed(query)
    return page(
        "history.html",
        here="history",
        batches=[batch.public() for batch in batches],
        next_cursor=next_cursor,
        search=query.search,
    )


@pages.get("/words/<language>.json")
def words(language: str) -> Response:
    """The sentences of the page's scripts in one of its languages."""
    response = jsonify(script_words(language) if language in LANGUAGES else {})
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


@pages.post("/preferences")
def choose() -> PlainResponse:
    """Remember the language or the theme that was chosen, and go back to where it was."""
    response = redirect(local_path(request.form.get("next", "")), 303)
    for cookie, allowed in ((LANGUAGE_COOKIE, LANGUAGES), (THEME_COOKIE, THEMES)):
        value = request.form.get(cookie, "")
        if value in allowed:
            place = request.script_root or "/"
            response.set_cookie(cookie, value, max_age=_YEAR_S, path=place, samesite="Lax")
    return response


@pages.get("/favicon.ico")
def favicon() -> Response:
    """The mark, for browsers that ask before they have read the page."""
    return current_app.send_static_file("images/mark.svg")


def _batch_page(batch_id: str, link: str = "") -> Response:
    """A batch's page, also whole where no script runs: a page of its answers, and the way to the next.

    `link` is where the calls are that read it, when it is read through a link.
    """
    path, query = _checked(batch_id)
    store = services().store
    batch = store.get_batch(path.batch_id)
    jobs, next_cursor = store.page(batch.id, cursor=query.cursor, limit=_PAGE_JOBS, state=query.state)
    return page(
        "batch.html",
        batch=shown_batch(batch).public(),
        columns=[asdict(column) for column in columns_of(batch.options.response_format)],
        jobs=[shown_job(job.public()) for job in jobs],
        next_cursor=next_cursor,
        state=query.state,
        states=[state.value for state in JobState],
        api=request.script_root + (link or "/api"),
        batch_api=request.script_root + (link or f"/api/batches/{batch.id}"),
        is_shared=bool(link),
        passed_over=request.args.get("passed_over", 0, whole),
        unsure_below=services().web.unsure_below,
        max_share_days=services().limits.max_share_days,
    )


def _checked(batch_id: str) -> tuple[BatchPath, ResultsQuery]:
    """Raises BadInput (`malformed_id`, `invalid_field`)."""
    try:
        path = BatchPath(batch_id=batch_id)
    except ValidationError as error:
        raise BadInput(f"{batch_id[:100]!r} is no batch's id.", code=Code.MALFORMED_ID) from error
    try:
        return path, ResultsQuery.asked()
    except ValidationError as error:
        raise BadInput("The address asks for results that there are not.", code=Code.INVALID_FIELD) from error


def _asked() -> tuple[ModelCard, str, Options, Said]:
    """What the form asks for, and what it says of its files, while there is room for one more job."""
    serving = services()
    card = choose_model(serving, request.form.get("model") or None)
    check_takes(serving, card.name, caller().owner)
    question = check_question(card, request.form.get("question", ""), serving.limits)
    return card, question, check_options(serving, card, _wishes()), Said(group_by=_group_by())


def _batch_of(sent: list[FileStorage]) -> Response:
    """Make the batch that the form asks for; leads to its page."""
    serving = services()
    card, question, options, said = _asked()
    batch = Batch(
        owner=caller().owner,
        name=_name_of(len(sent), sent[0].filename or ""),
        question=question,
        model=card.name,
        options=options,
    )
    flow.open_batch(serving, batch)
    speaks_of(batch)
    spooled = spooled_request()
    with flow.accepting(serving, batch, caller().quotas) as request_:
        intake = Intake(serving, request_, card, said, spooled.check_budget, spooled.spend)
        for _ in intake.take(sent):
            pass
    flow.close_batch(serving, batch.id)
    # None is left out of the address.
    passed_over = intake.passed_over.count or None
    place = url_for("pages.batch_page", batch_id=batch.id, passed_over=passed_over)
    return cast(Response, redirect(place, 303))


def _wishes() -> SaidWishes:
    """Raises BadInput (`invalid_field`)."""
    try:
        return wishes_in_lines({name: request.form.get(name, "") for name in LINES})
    except ValidationError as error:
        refuse_fields(error)
        raise


def _group_by() -> GroupBy | None:
    """Raises BadInput (`invalid_field`)."""
    way = request.form.get("group_by", "")
    if way and way not in (*GroupBy,):
        message = f"`group_by` is {way[:100]!r}. Leave it empty, or send one of: {', '.join(GroupBy)}."
        raise BadInput(message, code=Code.INVALID_FIELD)
    return GroupBy(way) if way else None


def _name_of(count: int, first: str) -> str:
    """What a batch of the form is called: its only file, or its first and how many more there are."""
    shown = first.replace("\\", "/").rsplit("/", 1)[-1][:80]
    return shown if count == 1 else f"{shown} + {count - 1:,}"


@pages.app_template_global()
def offered_models() -> list[dict[str, Any]]:
    """The models that the form offers where no script runs, the default first."""
    try:
        cards = services().known_cards()
    except redis.RedisError:
        return []
    return [_offered(card) for card in cards.values()]


def _offered(card: ModelCard) -> dict[str, Any]:
    """A model in the visitor's language, as far as its card knows that."""
    own, price = card.descriptions, card.price
    return {
        "name": card.name,
        "description": getattr(own, language()) if own else card.description,
        "language": language() if own else "en",
        "fields": [field.name for field in card.fields],
        "price": price and format_currency(price.amount, price.currency, _PRICE, currency_digits=False),
    }


pages.add_app_template_global(new_id)


@pages.app_template_global()
def has_page(endpoint: str) -> bool:
    """True when there is a page of this name."""
    return endpoint in current_app.view_functions
