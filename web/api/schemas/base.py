"""What requests and responses have in common: ids in addresses, and problems."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from flask import request
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from jobs.contract.models import ID_PATTERN

_Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class RequestModel(BaseModel):
    """What comes as text: an address, or a form."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Its schema, without null: what is text is there or is left out."""
        schema = handler.resolve_ref_schema(handler(core))
        for field in schema.get("properties", {}).values():
            kinds = [kind for kind in field.pop("anyOf", []) if kind != {"type": "null"}]
            if len(kinds) == 1:
                field.update(kinds[0])
            elif kinds:
                field["anyOf"] = kinds
            if field.get("default", "") is None:
                del field["default"]
        return schema


class QueryModel(RequestModel):
    """What stands behind the `?` of an address; other names never come so far (web/http/query.py)."""

    @classmethod
    def asked(cls) -> Self:
        """What a page's address asks: fields of a form that are left empty, and other names, ask nothing.

        Raises pydantic.ValidationError.
        """
        names = [field.alias or name for name, field in cls.model_fields.items()]
        said = {name: request.args.get(name, "") for name in names}
        return cls.model_validate({name: text for name, text in said.items() if text.strip()})


class ResponseModel(BaseModel):
    """What is answered: every field is there, also where it has a default."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


def left_out_at_times(*fields: str) -> Callable[[dict[str, Any]], None]:
    """What a response's model has for `json_schema_extra` where some of its fields are not always there."""

    def describe(schema: dict[str, Any]) -> None:
        schema["required"] = [name for name in schema.get("required", []) if name not in fields]

    return describe


class JobPath(RequestModel):
    """A job in an address."""

    job_id: _Id = Field(description="A job's id: 32 hexadecimal digits.")


class BatchPath(RequestModel):
    """A batch in an address."""

    batch_id: _Id = Field(description="A batch's id: 32 hexadecimal digits.")


class Problem(ResponseModel):
    """Why a request failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What is wrong, the value seen, and the remedy.")
    code: str = Field(description="Stable: programs branch on it.")


def header(description: str, kind: str = "string", *, is_always: bool = True) -> dict[str, Any]:
    """A header of a response."""
    return {"required": is_always, "description": description, "schema": {"type": kind}}


#: Of a model whose response says where what it shows is; flask_openapi3 reads it.
PLACED = ConfigDict(
    openapi_extra={"headers": {"Location": header("Its address.")}}  # type: ignore[typeddict-unknown-key]
)

_COME_AGAIN = {"Retry-After": header("Seconds after which to try again.", "integer")}
#: The headers that some errors have.
_HEADERS = {
    "401": {"WWW-Authenticate": header("How to say who asks.")},
    "429": _COME_AGAIN,
    "503": _COME_AGAIN,
}
#: The errors that the OpenAPI document names for every call.
PROBLEMS: dict[str, Any] = {
    status: {
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "headers": _HEADERS.get(status, {}),
    }
    for status in ("400", "401", "403", "404", "409", "410", "413", "421", "422", "429", "503", "507")
}
