"""Which EVA-01 this is. Imports nothing of ours."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """The version that is installed; `0` where the code runs without having been installed."""
    try:
        return version("eva01")
    except PackageNotFoundError:
        return "0"
