"""What of a request a server turned out not to take, of all that is said to it without being asked for.

OpenAI's models that think refuse `temperature` and `logprobs`, and call `max_tokens` otherwise; other servers
know no `stream_options`. What a server refuses by name is not said to it again.
"""

from collections.abc import Mapping
from typing import Any

#: What may be left out, or said by another name.
_OTHER_NAMES = {"max_tokens": "max_completion_tokens"}
_LEFT_OUT = ("temperature", "logprobs", "stream_options")
#: How servers say that they do not know something.
_REFUSALS = ("unsupported", "not support", "unknown", "unrecognized", "not allowed", "extra")


class Habits:
    """What is left out of requests and renamed in them; used in one thread."""

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def learn(self, words: str, body: Mapping[str, Any], own: frozenset[str]) -> bool:
        """Note what a refusal of `body` names; True where the same may be asked again without it.

        `own` are the parameters that nobody asked for.
        """
        if not any(word in words.lower() for word in _REFUSALS):
            return False
        named = {name for name in (*_OTHER_NAMES, *_LEFT_OUT) if name in own & body.keys() and name in words}
        self._refused |= named
        return bool(named)

    def applied(self, body: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
        """A request as the server takes it."""
        return {
            _OTHER_NAMES.get(name, name) if name in self._refused & own else name: value
            for name, value in body.items()
            if name not in self._refused & own or name in _OTHER_NAMES
        }
