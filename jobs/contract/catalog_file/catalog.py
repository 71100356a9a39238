"""All that the file lists, and the models that are known besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from jobs.contract.catalog import DEFAULT_MODEL_NAME, ModelCard, card_for
from jobs.contract.catalog_file.entry import Entry
from jobs.contract.settings import WorkerSettings


@dataclass(frozen=True)
class Catalog:
    """The models of the file, by name and in its order; none where there is no file."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    @cached_property
    def cards(self) -> Mapping[str, ModelCard]:
        """The card of each of them."""
        return {name: entry.card for name, entry in self.entries.items()}

    def card_for(self, model: str, model_name: str = DEFAULT_MODEL_NAME) -> ModelCard:
        """The card of a model that is listed, or else of one that is known by name or address."""
        return self.cards.get(model) or card_for(model, model_name)

    def settle(self, card: ModelCard, settings: WorkerSettings) -> WorkerSettings:
        """The settings of a worker of `card`'s model: what its environment says wins over the file."""
        entry = self.entries.get(card.name)
        return entry.settle(settings) if entry and self.cards[card.name] == card else settings


#: Where there is no file.
NOTHING_LISTED = Catalog()
