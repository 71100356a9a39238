"""The family of a model, by `model_type` of its config.json."""

from typing import Any

from worker.engines.rolling.families.anyres import Anyres
from worker.engines.rolling.families.deepstack import Deepstack
from worker.engines.rolling.families.family import Family
from worker.engines.rolling.families.grids import Grids
from worker.engines.rolling.families.mutual import Mutual
from worker.engines.rolling.families.nested import Nested
from worker.engines.rolling.families.tiles import Tiles
from worker.engines.seeing.cutting import Cutter

_KNOWN: dict[str, type[Family]] = {
    "qwen2_vl": Grids,
    "qwen2_5_vl": Grids,
    "qwen3_vl": Deepstack,
    "qwen3_vl_moe": Deepstack,
    "glm4v": Grids,
    "internvl": Tiles,
    "llava": Tiles,
    "llava_next": Anyres,
    "llava_onevision": Anyres,
    "idefics3": Nested,
    "smolvlm": Nested,
    "gemma3": Mutual,
}
#: What a family may be built of besides its own parts, which are called after it: encoders of squares, and
#: decoders that are given nothing but tokens, positions, a cache and a mask.
_PARTS = ("clip_vision_model", "siglip_vision_model", "llama", "mistral", "qwen2", "qwen3")


def why_unknown(config: Any) -> str | None:
    """Why models with this config do not roll; None for those that do."""
    kind = config.model_type
    if kind not in _KNOWN:
        return f"there is no rolling batch for the family {kind}"
    for part in (config.vision_config, config.get_text_config()):
        if part.model_type not in _PARTS and not part.model_type.startswith(kind):
            return f"there is no rolling batch for a {kind} with a {part.model_type}"
    return None


def family_of(model: Any, cutter: Cutter | None = None) -> Family:
    """A model as its family has it; raises KeyError for one that is not known."""
    return _KNOWN[model.config.model_type](model, cutter)
