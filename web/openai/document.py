"""/v1 in the API's document: requests by the models that read them, answers by what clients rely on.

What a request may say besides is in `parameters`: hints, and values with which a refused one changes nothing.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web.intake.spool import CHAT_PATH, FILES_PATH, RESPONSES_PATH
from web.openai import parameters as taken
from web.openai.bulk.batch import BATCH
from web.openai.bulk.batches import BATCHES_PATH, NewBatch
from web.openai.bulk.batches import MOST_LISTED as MOST_BATCHES
from web.openai.bulk.expiry import ExpiresAfter
from web.openai.bulk.files import FILE
from web.openai.bulk.files import MOST_LISTED as MOST_FILES
from web.openai.bulk.output import Output
from web.openai.chat.request import ChatRequest
from web.openai.parameters import Parameter, Support
from web.openai.responses.request import ResponseRequest
from web.openai.responses.response import PREFIX as RESPONSE_PREFIX

_Schema = dict[str, Any]
#: What begins the names of its schemas in the document.
_OURS = "OpenAI"
_TAG = "OpenAI's API"
_REQUESTS: tuple[tuple[type[BaseModel], Sequence[Parameter]], ...] = (
    (ChatRequest, taken.CHAT),
    (ResponseRequest, taken.RESPONSE),
    (NewBatch, taken.BATCH),
    (ExpiresAfter, ()),
)
_HEX = "[0-9a-f]{32}"
_SUMMARIES = {
    "openai.list_models": "The models that can be asked.",
    "openai.get_model": "One of them.",
    "openai.chat": "What a model says next about images.",
    "openai.respond": "The same as a response.",
    "openai.get_response": "A response as it is now; so is any other job.",
    "openai_files.list_files": "Your files of requests, the latest first.",
    "openai_files.send_file": "Keep a file of requests, one a line.",
    "openai_files.get_file": "What is known of a file of requests, or of what came of a batch.",
    "openai_files.delete_file": "Delete a file of requests.",
    "openai_files.read_file": "The file itself.",
    "openai_batches.list_batches": "Your batches, the latest change first.",
    "openai_batches.create_batch": "Make a batch of a file of requests.",
    "openai_batches.get_batch": "A batch as it is now.",
    "openai_batches.cancel_batch": "Cancel what has no answer yet.",
}
_NULL: _Schema = {"type": "null"}
_TEXT, _WHOLE, _YES_OR_NO = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def described(problems: Mapping[str, _Schema]) -> _Schema:
    """Paths, and schemas by their names; `problems` are the errors of each call, by their status.

    The rest of the document is made from the handlers.
    """
    paths = _paths()
    for calls in paths.values():
        for call in calls.values():
            call["responses"] |= {status: _error(said) for status, said in problems.items()}
    return {"paths": paths, "schemas": _requests() | _answers()}


# Requests


@cache
def _requests() -> dict[str, _Schema]:
    template = f"#/components/schemas/{_OURS}{{model}}"
    _, made = models_json_schema([(model, "validation") for model, _ in _REQUESTS], ref_template=template)
    schemas: dict[str, _Schema] = {f"{_OURS}{name}": schema for name, schema in made["$defs"].items()}
    for model, parameters in _REQUESTS:
        _complete(schemas[f"{_OURS}{model.__name__}"], parameters)
    return schemas | {f"{_OURS}NewFile": _form(schemas[f"{_OURS}ExpiresAfter"])}


def _complete(schema: _Schema, parameters: Sequence[Parameter]) -> None:
    """Add the parameters of which nothing comes, and that each which may be left out may be null as well."""
    said, wanted = schema["properties"], schema.get("required", ())
    others = {one.name: _neutral(one) for one in parameters if one.name not in said}
    schema["properties"] = {
        name: one if name in wanted else _or_null(one) for name, one in (said | others).items()
    }


def _neutral(parameter: Parameter) -> _Schema:
    if parameter.support is Support.WITHOUT_EFFECT:
        return {"description": "Taken, and nothing comes of it."}
    return {"enum": [*parameter.neutral], "description": parameter.note or "Not supported."}


def _or_null(schema: _Schema) -> _Schema:
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    is_any = not {"type", "anyOf", "$ref"} & schema.keys()
    return schema if is_any or _NULL in schema.get("anyOf", ()) else {"anyOf": [schema, _NULL]}


def _form(expires_after: _Schema) -> _Schema:
    """The form in which a file is sent, where an object has a field for each of its own."""
    expiry = {f"expires_after[{name}]": said for name, said in expires_after["properties"].items()}
    return {
        "type": "object",
        "properties": {"file": {**_TEXT, "format": "binary"}, "purpose": {"enum": ["batch"]}, **expiry},
        "required": ["file", "purpose"],
        "dependentRequired": {name: [*expiry] for name in expiry},
        "additionalProperties": False,
    }


# Answers


def _object(kind: str, **fields: _Schema) -> _Schema:
    """An object of OpenAI's API, which says what it is; it may have more fields than these."""
    said = {"object": {"const": kind}, **fields}
    return {"type": "object", "properties": said, "required": [*said]}


def _list_of(name: str, **more: _Schema) -> _Schema:
    return _object("list", data={"type": "array", "items": _ref(name)}, **more)


def _or_none(schema: _Schema) -> _Schema:
    return {"anyOf": [schema, _NULL]}


def _answers() -> dict[str, _Schema]:
    number = {"type": "number", "minimum": 0, "maximum": 1}
    sure = {
        "confidence": _or_none(number),
        "field_confidence": _or_none({"type": "object", "additionalProperties": number}),
    }
    choice = {"index": _WHOLE, "message": {"type": "object"}, "finish_reason": _TEXT, **sure}
    choices = {"type": "array", "items": {"type": "object", "properties": choice, "required": [*choice]}}
    error = {"message": _TEXT, "type": _TEXT, "param": _or_none(_TEXT), "code": _TEXT}
    paged = {"first_id": _or_none(_TEXT), "last_id": _or_none(_TEXT), "has_more": _YES_OR_NO}
    made = {"id": _TEXT, "created_at": _WHOLE, "status": _TEXT}
    file = {"bytes": _WHOLE, "filename": _TEXT, "purpose": _TEXT, "expires_at": _or_none(_WHOLE)}
    schemas = {
        "Error": _wrapped("error", {"type": "object", "properties": error, "required": [*error]}),
        "Model": _object("model", id=_TEXT, created=_WHOLE, owned_by=_TEXT),
        "Models": _list_of("Model"),
        "Completion": _object(
            "chat.completion",
            id=_TEXT,
            created=_WHOLE,
            model=_TEXT,
            choices=choices,
            usage={"type": "object"},
        ),
        "Response": _object("response", **made, model=_TEXT, output={"type": "array"}, **sure),
        "File": _object("file", **made, **file),
        "Files": _list_of("File", **paged),
        "Deleted": _object("file", id=_TEXT, deleted={"const": True}),
        "Batch": _object("batch", **made, endpoint=_TEXT, request_counts={"type": "object"}),
        "Batches": _list_of("Batch", **paged),
    }
    return {f"{_OURS}{name}": schema for name, schema in schemas.items()}


def _wrapped(name: str, schema: _Schema) -> _Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{_OURS}{name}"}


# Calls


def _paths() -> dict[str, _Schema]:
    file = _id("file_id", rf"^{FILE}{_HEX}(-({'|'.join(Output)}))?$")
    batch, response = _id("batch_id", rf"^{BATCH}{_HEX}$"), _id("response_id", rf"^{RESPONSE_PREFIX}{_HEX}$")
    after = _parameter("after", "query", _TEXT)
    few, many = (_parameter("limit", "query", _upto(most)) for most in (MOST_BATCHES, MOST_FILES))
    order = _parameter("order", "query", {"enum": ["asc", "desc"]})
    purpose = _parameter("purpose", "query", _TEXT)
    lines = {"application/jsonl": {"schema": _TEXT}}
    sent = {"multipart/form-data": {"schema": _ref("NewFile")}}
    name = _parameter("name", "path", _TEXT)
    return {
        "/v1/models": {"get": _call("openai.list_models", "Models")},
        "/v1/models/{name}": {"get": _call("openai.get_model", "Model", name)},
        CHAT_PATH: {"post": _question("openai.chat", "ChatRequest", "Completion")},
        RESPONSES_PATH: {"post": _question("openai.respond", "ResponseRequest", "Response")},
        f"{RESPONSES_PATH}/{{response_id}}": {"get": _call("openai.get_response", "Response", response)},
        FILES_PATH: {
            "get": _call("openai_files.list_files", "Files", after, many, order, purpose),
            "post": _call("openai_files.send_file", "File", body=sent),
        },
        f"{FILES_PATH}/{{file_id}}": {
            "get": _call("openai_files.get_file", "File", file),
            "delete": _call("openai_files.delete_file", "Deleted", file),
        },
        f"{FILES_PATH}/{{file_id}}/content": {"get": _call("openai_files.read_file", lines, file)},
        BATCHES_PATH: {
            "get": _call("openai_batches.list_batches", "Batches", after, few),
            "post": _call("openai_batches.create_batch", "Batch", body=_json("NewBatch")),
        },
        f"{BATCHES_PATH}/{{batch_id}}": {"get": _call("openai_batches.get_batch", "Batch", batch)},
        f"{BATCHES_PATH}/{{batch_id}}/cancel": {"post": _call("openai_batches.cancel_batch", "Batch", batch)},
    }


def _call(endpoint: str, answer: str | _Schema, *parameters: _Schema, body: _Schema | None = None) -> _Schema:
    content = _json(answer) if isinstance(answer, str) else answer
    return {
        "tags": [_TAG],
        "operationId": endpoint,
        "summary": _SUMMARIES[endpoint],
        "parameters": [*parameters],
        "responses": {"200": {"description": "OK", "content": content}},
        **({"requestBody": {"required": True, "content": body}} if body else {}),
    }


def _question(endpoint: str, request: str, answer: str) -> _Schema:
    """A call that waits for a model, which may fail, or have no time."""
    call = _call(endpoint, _json(answer) | {"text/event-stream": {}}, body=_json(request))
    call["responses"] |= {status: _error({}) for status in ("500", "504")}
    return call


def _json(name: str) -> _Schema:
    return {"application/json": {"schema": _ref(name)}}


def _error(said: _Schema) -> _Schema:
    """A problem in the envelope."""
    return {"description": "An error.", "headers": {}, **said, "content": _json("Error")}


def _parameter(name: str, place: str, schema: _Schema) -> _Schema:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _id(name: str, pattern: str) -> _Schema:
    return _parameter(name, "path", {**_TEXT, "pattern": pattern})


def _upto(most: int) -> _Schema:
    return {**_WHOLE, "minimum": 1, "maximum": most}
