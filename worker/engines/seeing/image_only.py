"""Loads a model's processor without its part for videos, which needs torchvision and is never used here.

There is no build of torchvision beside the CPU build of torch on the package index. Most families have an
image processor by Pillow as well, which is what loads then.
"""

from typing import Any

from transformers import AutoConfig, AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING, processor_class_from_name

from worker.engines.weights.source import Source

#: Of a family's processors for images that by Pillow, where it has one: what it makes is the same wherever it
#: runs, and takes one core.
BACKEND = "pil"
#: What a processor calls its part for videos.
_VIDEO = "video_processor"
#: The files that may name a processor's class, in the order in which transformers looks.
_NAMING = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")


class _NoVideos(dict[str, Any]):
    """Stands in for a video processor: some families look up its settings, whatever they are asked about.

    A processor is written as JSON when it is made, with all of its parts.
    """

    def __getattr__(self, name: str) -> None:
        """None, whatever a family's own settings are called; what is called `to_…` or `__…` it has not."""
        if name.startswith(("to_", "__")):
            raise AttributeError(name)


def load_processor(source: Source) -> Any:
    """A model's own processor, without videos where those need what is not installed."""
    try:
        return source.load(AutoProcessor, backend=BACKEND)
    except ImportError:
        kind = _class_named(source)
        if kind is None or _VIDEO not in kind.get_attributes():
            raise
        return source.load(image_only(kind), backend=BACKEND)


def image_only(kind: Any) -> Any:
    """A processor's class that has a stand-in in the place of its video processor."""

    class Parts(kind):  # type: ignore[misc]
        """What is loaded."""

        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in kind.get_attributes() if name != _VIDEO]

    class ImageOnly(kind):  # type: ignore[misc]
        """The stock class, whose `__init__` takes all of its parts in their places."""

        @classmethod
        def _get_arguments_from_pretrained(cls, *args: Any, **kwargs: Any) -> list[Any]:
            loaded = iter(Parts._get_arguments_from_pretrained(*args, **kwargs))
            return [_NoVideos() if name == _VIDEO else next(loaded) for name in kind.get_attributes()]

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if isinstance(argument, _NoVideos):
                return type(argument)
            return super().check_argument_for_proper_class(argument_name, argument)

    return ImageOnly


def _class_named(source: Source) -> Any:
    """The class of a model's processor: as a file names it, else that of its family, if there is one."""
    for name in _NAMING:
        settings = source.read(name)
        if isinstance(settings, dict) and (named := settings.get("processor_class")):
            return processor_class_from_name(named)
    return PROCESSOR_MAPPING.get(type(source.load(AutoConfig)), None)
