"""Settings of `eva01 up`."""

from typing import Annotated

from pydantic import field_validator
from pydantic_settings import NoDecode

from jobs.contract.settings.environment import FromEnvironment, split_at_commas


class UpSettings(FromEnvironment):
    """What `eva01 up` needs."""

    #: Variables that web and workers get besides those they need; `NAME_*` is all that begin so.
    pass_env: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("pass_env", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_at_commas(value)
