"""How settings are read from the environment, and what is said of those that cannot be used."""

from collections.abc import Collection
from typing import Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.contract.faults import fault_of

MIB = 1024 * 1024
GIB = 1024 * MIB


class BadSetting(Exception):
    """Raised when a variable's value cannot be used; names the variable, the value and what would do."""


class FromEnvironment(BaseSettings):
    """Fields that are not part of the `repr` may hold secrets, and are never shown."""

    model_config = SettingsConfigDict(
        env_prefix="EVA01_", frozen=True, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment; looking for files of settings would double the time."""
        return init_settings, env_settings

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises BadSetting for the first variable that cannot be used.
        """
        try:
            return cls()
        except ValidationError as error:
            secrets = {name for name, field in cls.model_fields.items() if not field.repr}
            raise BadSetting(_explain(error, secrets)) from error

    def is_given(self, field: str) -> bool:
        """True when the environment says it; False when it is our default."""
        return field in self.model_fields_set


def split_at_commas(value: object) -> object:
    """The parts of a text between commas, without spaces around them; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _explain(error: ValidationError, secrets: Collection[str]) -> str:
    """One line for the first thing wrong: the variable, the value, what would do."""
    first = error.errors()[0]
    place = str(first["loc"][0])
    variable = place if place.isupper() else f"EVA01_{place.upper()}"
    value = "***" if place in secrets else repr(first["input"])
    return f"{variable}={value}: {fault_of(first)}. See docs/configuration.md."
