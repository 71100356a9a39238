"""The Lua scripts that make each change one step (jobs/storage/lua/): all are loaded here.

A script is one file, with what scripts share (jobs/storage/lua/lib/) in front of it.
"""

from functools import cache
from pathlib import Path

import redis
from redis.commands.core import Script

_FOLDER = Path(__file__).parent / "lua"
#: What scripts share, each part before those that use it.
_LIBRARY = ("keys", "images", "queue", "usage", "batch", "job", "bulk", "names")


def load(client: "redis.Redis", name: str) -> Script:
    """The script of that name, to be called with `args`; Redis compiles it when it is first used."""
    return client.register_script(source(name))


@cache
def source(name: str) -> str:
    """A script's whole text."""
    parts = [*(_FOLDER / "lib" / f"{part}.lua" for part in _LIBRARY), _FOLDER / f"{name}.lua"]
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)
