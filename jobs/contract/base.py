"""What the contract's values have in common."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of the contract's values: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kept(Frozen):
    """Base of what is kept in Redis and in the journal: two versions may run side by side.

    What a later version has written besides is carried along, is written wherever this is, and is not shown.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
