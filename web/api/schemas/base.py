"""What requests and responses have in common: ids in addresses, and problems."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from jobs.contract.models import ID_PATTERN

_Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class RequestModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)


class JobPath(RequestModel):
    """A job in an address."""

    job_id: _Id = Field(description="A job's id: 32 hexadecimal digits.")


class BatchPath(RequestModel):
    """A batch in an address."""

    batch_id: _Id = Field(description="A batch's id: 32 hexadecimal digits.")


class Problem(BaseModel):
    """Why a request failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What is wrong, the value seen, and the remedy.")
    code: str = Field(description="Stable: programs branch on it.")


#: The errors that the OpenAPI document names for every call.
PROBLEMS: dict[str, Any] = {
    status: {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status in ("400", "401", "403", "404", "409", "410", "413", "421", "422", "429", "503", "507")
}
