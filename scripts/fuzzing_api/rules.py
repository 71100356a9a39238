"""What no document can say of a request, and what no run waits for. schemathesis loads this as its hooks."""

import atexit
import json
import os
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

from scripts.fuzzing_api.house import INPUT, MESSAGES

# Which models there are, what each needs and can, and where limits are, a server says (/api/models,
# /api/limits); and that one field needs another.
_ASKED = (
    *("unknown_model", "missing_question", "question_too_long", "too_many_tokens"),
    *("resolution_fixed", "resolution_out_of_range"),
    *("no_logprobs", "too_many_logprobs", "Send logprobs as well"),
    *("no_token_limit", "no_sampling", "Send temperature as well", "`stop` would cut"),
)
# What belongs together in a field, that no two are called the same, and what answers can be held to.
_SHAPED = (
    *("`fields.", "two fields", "Send one of them", "belongs to the type", "which the type"),
    *("bad_schema", "unsupported_schema", "schema_too_large", "no_fields"),
)
# Of a form's field of JSON the document says that it is text.
_IN_A_FORM = (*_SHAPED, "`fields", "`response_format", "`stop")
# Of a file a schema knows only that it is bytes, and nothing of how many pages it has.
_SENT = ("not_an_image", "empty_file", "truncated_image", "unsupported_format", "invalid_field: page is")
# That a page is of one file, and how many one job may be about.
_SEVERAL = ("invalid_field: `page` is", "too_many_images")
# That an address which is empty is none.
_EITHER = ("missing_file", "too_many_files")
_NAMED = ("name_too_long",)
# That a day is in the calendar, and comes after another.
_DAYS = ("should be a day or a time that there is", "should not be before `from`")
# That a time has not come yet, and that it is not said twice.
_ENDS = ("which is over", "both say when the key ends")
# That there is an image, and a question of a user at the end; and what else does not go together.
_SAID = (
    *_ASKED,
    *_SHAPED,
    "model_not_found",
    "missing_file",
    "`messages",
    "`input",
    "`max_tokens`",
    "`stream_options`",
    "too_many_images",
    "`text.",
)
# Which ids a list has.
_BEHIND = ("`after` is",)
#: By call, what a problem says, in its code or its detail, that refuses a request which fits the document.
BEYOND: dict[str, tuple[str, ...]] = {
    "POST /analyze": (*_ASKED, *_SENT, *_SEVERAL, *_EITHER, *_IN_A_FORM),
    "POST /api/jobs": (*_ASKED, *_SENT, *_SEVERAL, *_EITHER, *_IN_A_FORM),
    "POST /api/jobs/{job_id}/ask": (*_ASKED, *_SHAPED, "invalid_field: page is"),
    "POST /api/batches": (*_ASKED, *_NAMED, *_SHAPED),
    "PATCH /api/batches/{batch_id}": _NAMED,
    "POST /api/batches/{batch_id}/files": (*_EITHER, "`jobs"),
    "POST /api/batches/{batch_id}/known": (
        *("question_too_long", "too_many_files", "too_many_images", "No file is named"),
    ),
    "POST /api/batches/{batch_id}/share": ("too_many_days",),
    **dict.fromkeys(("POST /v1/chat/completions", "POST /v1/responses"), _SAID),
    "POST /v1/files": ("The file is empty",),
    "GET /v1/files": _BEHIND,
    "DELETE /v1/files/{file_id}": ("goes with the batch",),
    "POST /v1/batches": ("file_not_found", "can be read as a request to"),
    "GET /v1/batches": _BEHIND,
    "GET /api/usage": _DAYS,
    "GET /api/usage.csv": _DAYS,
    "GET /api/audit": _DAYS,
    "GET /api/audit.jsonl": _DAYS,
    "POST /api/keys": _ENDS,
    "POST /api/keys/{prefix}/rotate": _ENDS,
}
# What stands in a field of a form is text, `false` and `7` as well.
_TEXT = ("`type` at /properties/question",)
#: By call, what is wrong with a request that is done all the same.
TAKEN: dict[str, tuple[str, ...]] = {
    "POST /analyze": _TEXT,
    "POST /api/jobs": _TEXT,
    # Whatever stands there is bytes, and so a file, or a text, and so an address; it is refused by itself.
    "POST /api/batches/{batch_id}/files": ("in body - files:", "in body - url:"),
}
#: Seconds that an answer is waited for.
_WAIT_S = 0.2
#: Fields as this server takes them.
_FITS: dict[str, Callable[[Any], Any]] = {
    "model": lambda _: "stub",
    "question": lambda given: given if given.strip() else "What is it?",
    "max_new_tokens": lambda given: given and min(given, 4096),
    "days": lambda given: given and min(given, 365),
    "page": lambda _: 1,
    "fields": lambda given: '["total:number"]' if isinstance(given, str) else given and ["total:number"],
    "response_format": lambda _: None,
    "jobs": lambda given: "[]" if isinstance(given, str) else given,
    **dict.fromkeys(("max_completion_tokens", "max_output_tokens"), lambda given: given and min(given, 4096)),
    "messages": lambda _: MESSAGES,
    "input": lambda _: INPUT,
    "endpoint": lambda _: "/v1/chat/completions",
}

_answers: defaultdict[str, Counter[int]] = defaultdict(Counter)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """False for what no document could have said."""
    call = case.operation.label
    if isinstance(failure, AcceptedNegativeData):
        # 413 refuses, too.
        is_done = response.status_code < HTTPStatus.BAD_REQUEST
        # A part of a form without a name is a file: so some programs send theirs.
        is_file = call in TAKEN and isinstance(case.body, dict) and "" in case.body
        return is_done and not is_file and not any(one in failure.message for one in TAKEN.get(call, ()))
    if isinstance(failure, RejectedPositiveData):
        said = response.json()
        # Under /v1 an error is as OpenAI's clients read it.
        said = said.get("error", said)
        text = f"{said['code']}: {said.get('detail', said.get('message'))}"
        return not any(reason in text for reason in BEYOND.get(call, ()))
    return True


@schemathesis.hook
def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:
    """Have no answer waited for; and of two requests that fit the document, have one name what there is."""
    if case.meta and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        if case.operation.label == "POST /analyze":
            case.body["wait"] = _WAIT_S
        # Told by the request alone: Hypothesis makes some twice, and they have to be the same.
        if zlib.crc32(repr([case.body.get(name) for name in _FITS]).encode()) % 2:
            case.body.update({name: fit(case.body[name]) for name, fit in _FITS.items() if name in case.body})
            # That of the stub cannot be chosen.
            case.body.pop("max_pixels", None)
    return case


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Count what each call was answered with; calls by another method are none of it."""
    if response.request.method == case.operation.method.upper():
        _answers[case.operation.label][response.status_code] += 1


def _write() -> None:
    Path(os.environ["EVA01_ANSWERS"]).write_text(json.dumps(_answers))


atexit.register(_write)
