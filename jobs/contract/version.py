"""Which EVA-01 this is. Imports nothing of ours."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def own_version() -> str:
    """The version that is installed; `0` where the code runs without having been installed."""
    try:
        return version("eva01-server")
    except PackageNotFoundError:
        return "0"
