"""What engines that run a model of the hub have in common."""

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.catalog import ModelCard, place_of
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Engine, Prepared, Seen
from worker.engines.seeing.processors import Processor
from worker.engines.weights.bucket import fetch, is_in_bucket
from worker.engines.weights.source import Source


class HubEngine(Engine[Seen, Prepared]):
    """A vision-language model of the hub; `reason` says why this engine runs it."""

    _processor: Processor

    def __init__(self, card: ModelCard, settings: WorkerSettings, reason: str) -> None:
        self._card, self._settings, self._reason = card, settings, reason
        self._source = Source(place_of(card.source))

    @property
    def enough_pixels(self) -> int:
        """The limit of the settings."""
        return self._settings.max_pixels

    @property
    def max_pixels(self) -> PixelRange | None:
        """As the processor says."""
        return self._processor.max_pixels

    def _find(self) -> None:
        """Fetch it where it is in a bucket; raises Unusable where there is no model to load."""
        if is_in_bucket(self._source.address):
            self._source = Source(str(fetch(self._source.address, self._settings.weights_streams)))
        self._source.check()
