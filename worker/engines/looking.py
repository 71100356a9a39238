"""What the choice of an engine goes by: whether there is a GPU, and a model's settings."""

from typing import Any

import torch

from jobs.contract.catalog import place_of
from worker.engines.weights.bucket import is_in_bucket, read_settings
from worker.engines.weights.source import Source

_NAMES = ("config.json", "generation_config.json")


def has_gpu() -> bool:
    """True when torch sees one; takes no memory there."""
    return torch.cuda.is_available()


def settings_of(source: str) -> list[dict[str, Any]]:
    """A model's config.json and generation_config.json; of what cannot be read, nothing."""
    address = place_of(source)
    read = (lambda name: read_settings(address, name)) if is_in_bucket(address) else Source(address).read
    return [said if isinstance(said, dict) else {} for said in map(read, _NAMES)]
